"""What a prompt calls its setting: the kinds of ground and of backdrop for which there are lines."""

from __future__ import annotations

import re
from typing import NamedTuple

COLOUR = r"(?![ -](?:green|blue|grey|gray|white|black|brown|colou?r\w*|tones?|walls?)\b)"
"""After a word that is also a colour's name: then it names no setting."""

_DARK = r"dark(?:,? \w+)? "
_GROUNDS = {
    "black marble": r"(?:black|dark) marble",
    "marble": r"marble" + COLOUR,
    "walnut": rf"walnut{COLOUR}|mahogany|ebony|{_DARK}wood(?:en)?",
    "oak": r"oak|pine|beech|birch|timber|boards|planks|wood(?:en)?(?! (?:shel|wall|floor behind))",
    "concrete": r"concrete|cement",
    "slate": rf"slate{COLOUR}|{_DARK}stone",
    "stone": rf"stone{COLOUR}|limestone|travertine|sandstone|granite",
    "shore": r"wet sand|water's edge|on the shore|waves meet",
    "sand": rf"sand{COLOUR}|sandy|beach|dunes?|desert",
    "water": r"(?:shallow|clear|rippling|turquoise|blue) water|pool of (?:clear )?water|pool",
    "snow": r"(?:on|in)(?: (?:the|fresh|white|powder|deep|soft))* snow" + COLOUR,
    "grass": rf"grass{COLOUR}|lawn|meadow",
    "moss": rf"moss{COLOUR}|mossy",
    "velvet": r"velvet",
    "satin": r"satin|silk|silky",
    "linen": rf"linen{COLOUR}|tablecloth",
    "tiles": r"on (?:\w+ ){0,4}(?:tiles|tiled)",
    "glossy black": r"glossy black|shiny black|black (?:glass|mirror|acrylic)",
}
_BACKDROPS = {
    "window": r"window[ -]?(?:pane )?(?:light|shadows?|sunlight)|(?:light|sun|sunlight|shadow) (?:\w+ ){0,3}window",
    "leaf shadow": (
        r"(?:leaf|leaves|palm|plant|foliage|tree) shadows?|dappled|shadows? of (?:\w+ )?(?:leaves|palms?|plants?)"
    ),
    "bokeh": r"bokeh|(?:city|street|night|blurred|glowing|fairy) lights|lights (?:\w+ ){0,2}at night",
    "tile wall": r"(?:tiled|tile) wall|wall tiles|bathroom|tiles behind",
    "winter trees": r"(?:snowy|frosty|snow-covered|winter) (?:trees|firs|pines|forest|landscape|woods)",
    "foliage": r"foliage|leafy(?! twig)|(?:green|lush|blurred) leaves|garden|jungle|bushes",
    "shelves": r"shel(?:f|ves)|bookshel(?:f|ves)|bookcase",
    "room": r"(?:living|bed|dining|cosy|cozy) ?room|room|interior|in a home",
    "street": r"street|in town|caf[eé]|house fronts",
    "sea sunset": r"sunset|sunrise",
    "sea": rf"sea{COLOUR}|ocean|seaside",
    "blue sky": r"sky(?! blue)",
}
_LOOSELY = {"linen": r"fabric|cloth|cotton"}, {"sea": r"beach|waves"}
"""Words that say as much where nothing else does; fabric and cloth may also lie beside the product."""


def _patterns(words: dict[str, str]) -> dict[str, re.Pattern[str]]:
    return {kind: re.compile(rf"\b(?:{text})(?!\w)", re.IGNORECASE) for kind, text in words.items()}


_GROUND_PATTERNS, _BACKDROP_PATTERNS = _patterns(_GROUNDS), _patterns(_BACKDROPS)
_LOOSE_GROUNDS, _LOOSE_BACKDROPS = map(_patterns, _LOOSELY)
_FROM_ABOVE = re.compile(
    r"\b(?:flat[ -]?lay|knolling|top[ -]?down|top view|overhead (?:view|shot)|from above|bird['’]?s[ -]eye)\b",
    re.IGNORECASE,
)
_LIGHT_FROM_ABOVE = re.compile(r"\b(?:sun)?light(?:ing)? from above", re.IGNORECASE)


class Setting(NamedTuple):
    """Kinds of ground and of backdrop, empty where none is named; whether it is seen from above."""

    ground: str
    backdrop: str
    from_above: bool


def setting_named(prompt: str) -> Setting:
    """The ground that the prompt names first, and of the backdrops the most particular."""
    grounds = _found(prompt, _GROUND_PATTERNS) or _found(prompt, _LOOSE_GROUNDS)
    backdrops = _found(prompt, _BACKDROP_PATTERNS) or _found(prompt, _LOOSE_BACKDROPS)
    return Setting(
        min(grounds, key=lambda kind: grounds[kind], default=""),
        next(iter(backdrops), ""),
        is_from_above(prompt),
    )


def is_from_above(prompt: str) -> bool:
    """Whether a prompt is for a picture seen from above, such as a flat lay; light from above makes none."""
    return _FROM_ABOVE.search(_LIGHT_FROM_ABOVE.sub("", prompt)) is not None


def _found(prompt: str, patterns: dict[str, re.Pattern[str]]) -> dict[str, int]:
    """Where each kind is named, in the patterns' order."""
    return {kind: match.start() for kind, pattern in patterns.items() if (match := pattern.search(prompt))}
