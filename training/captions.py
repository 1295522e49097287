"""Captions as customers would write them: synonyms, free order, parts left out."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from typing import Any

from training.palette import PRODUCT_COLOURS, WALL_COLOURS
from training.phrases import (
    BACKDROPS,
    BEACHES,
    EXTRAS,
    HARMONIES,
    LIGHTS,
    OTHER_WORDS,
    PREPOSITIONS,
    PRODUCTS,
    PROPS,
    STYLES,
    SURFACES,
    THINGS,
    VIEWS,
)

# The text encoder reads 32 tokens, two of which mark start and end; a word or a comma is one.
LONGEST = 30


def _filled(text: str, colour: str, rng: random.Random, *, named: bool) -> str:
    """``text`` with its colour's word, or without one where it stays unnamed."""
    word = rng.choice(WALL_COLOURS[colour].words) if colour and named else ""
    return " ".join(text.format(c=word).split())


def _surface(spec: Mapping[str, Any], rng: random.Random, *, named: bool) -> str:
    if spec["surface"] == "sand" and spec["kind"] == "beach" and rng.random() < 0.7:
        return rng.choice(BEACHES)
    return _filled(rng.choice(SURFACES[spec["surface"]]), spec["surface_colour"], rng, named=named)


def _backdrop(spec: Mapping[str, Any], rng: random.Random, *, named: bool) -> str:
    choices = BACKDROPS.get(spec["backdrop"])
    if not choices:
        return ""
    # The walls of the distance are seen less than named, so that their colour is told half of the time.
    told = named and (spec["backdrop"] not in ("shelves", "room") or rng.random() < 0.5)
    return _filled(rng.choice(choices), spec["backdrop_colour"], rng, named=told)


def _props(spec: Mapping[str, Any], rng: random.Random, *, named: bool) -> list[str]:
    found = []
    if spec["prop"] in PROPS:
        colour = spec.get("prop_colour", "")
        found.append(
            _filled(rng.choice(PROPS[spec["prop"]]), colour, rng, named=named and rng.random() < 0.6)
        )
    if spec.get("extra", "none") in EXTRAS and rng.random() < 0.6:
        found.append(rng.choice(EXTRAS[spec["extra"]]))
    return found


def _product(spec: Mapping[str, Any], rng: random.Random, *, recoloured: bool) -> str:
    noun = rng.choice(PRODUCTS[spec["product"]] if rng.random() < 0.85 else THINGS)
    if recoloured or rng.random() < 0.6:
        return f"a {noun}"
    return f"a {rng.choice(PRODUCT_COLOURS[spec['product_colour']].words)} {noun}"


def _scene(surface: str, backdrop: str, rng: random.Random) -> str:
    """Surface and backdrop in either order, joined or apart; now and then only one of them."""
    parts = [part for part in (surface, backdrop) if part]
    if len(parts) == 2 and rng.random() < 0.08:
        parts = [rng.choice(parts)]
    if len(parts) == 2 and rng.random() < 0.2:
        parts.reverse()
    if len(parts) == 2 and rng.random() < 0.5:
        return _run_on(*parts)
    return ", ".join(parts)


def _run_on(first: str, then: str) -> str:
    """Two phrases without a comma between them, where the second begins with a preposition."""
    return f"{first} {then}" if then.split()[0] in PREPOSITIONS else f"{first}, {then}"


def _assembled(scene: str, subject: str, rest: list[str], rng: random.Random) -> list[str]:
    """The parts of a prompt in one of the orders that people use."""
    rng.shuffle(rest)
    if subject:
        style = rng.choice(STYLES)
        opening = f"{style} of {subject}" if rng.random() < 0.3 else subject
        return [_run_on(opening, scene), *rest]
    if rest and rng.random() < 0.3:
        first = rng.randrange(1, len(rest) + 1)
        return [*rest[:first], scene, *rest[first:]]
    return [scene, *rest]


def _words(parts: list[str]) -> int:
    return len(re.findall(r"\w+|[^\w\s]", ", ".join(parts)))


def caption(spec: Mapping[str, Any], rng: random.Random, *, recoloured: bool = False) -> str:
    """One prompt for a scene's description (the keys of ``SceneSpec``; the newer ones may be missing).

    Where the scene's colours follow the product's, half of the prompts leave the colours out, so that the product
    decides them. ``recoloured`` says that the product's colour was changed since: then its own colour is never named
    and the scene's always are.
    """
    harmony = "free" if recoloured else spec.get("harmony", "free")
    named = recoloured or rng.random() >= (0.1 if harmony == "free" else 0.5)
    scene = _scene(_surface(spec, rng, named=named), _backdrop(spec, rng, named=named), rng)
    rest = _props(spec, rng, named=named) if rng.random() < 0.9 else []
    if rng.random() < 0.6:
        rest.append(rng.choice(LIGHTS[spec["light"]]))
    if spec["view"] == "top":
        rest.append(rng.choice(VIEWS))
    if harmony != "free" and rng.random() < 0.25:
        rest.append(rng.choice(HARMONIES[harmony]))
    if rng.random() < 0.15:
        rest.append(rng.choice(STYLES))
    subject = _product(spec, rng, recoloured=recoloured) if rng.random() < 0.35 else ""
    parts = _assembled(scene, subject, rest, rng)
    while len(parts) > 1 and _words(parts) > LONGEST:
        parts.pop()
    return re.sub(r"\ba (?=[aeio])", "an ", ", ".join(parts))


def vocabulary_corpus() -> Iterator[str]:
    """Every phrase a caption can hold, for the tokenizer's vocabulary."""
    for table in (SURFACES, BACKDROPS, LIGHTS, PROPS, PRODUCTS, EXTRAS, HARMONIES):
        for phrases in table.values():
            yield from (phrase.replace("{c}", "") for phrase in phrases)
    for palette in (WALL_COLOURS, PRODUCT_COLOURS):
        for colour in palette.values():
            yield from colour.words
    yield from (*VIEWS, *BEACHES, *STYLES, *THINGS, "of a an", OTHER_WORDS)
