"""The measurements as Markdown tables, to be pasted into the model card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

ADHERENCE_GOAL, STRUCTURE_GOAL = 0.9, 0.85


def as_markdown(results: Mapping[str, Any]) -> str:
    """One section for each kind of measurement, each with how it was taken."""
    settings = results["settings"]
    head = (
        f"Checkpoint `{settings['checkpoint']}`, weights {settings['weights'][:8]}, {settings['steps']} steps, guidance"
        f" {settings['guidance']}, {'larger' if settings['larger'] else 'smaller'} buckets; {settings['count']} pictures a"
        f" set; products: {settings['products']}; {settings['renders']} renders. Intervals are 95 %."
    )
    sections = [
        head,
        _adherence(results),
        _labels(results),
        _structure(results),
        _conditioning(results["conditioning"]),
        _distance(results["distance"]),
        _variety(results["variety"]),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def percent(estimate: Mapping[str, Any] | None) -> str:
    """A share with its interval, e.g. ``92 % (85–96, n 96)``."""
    if estimate is None:
        return "–"
    low, high = round(100 * estimate["low"]), round(100 * estimate["high"])
    return f"{100 * estimate['value']:.0f} % ({low}–{high}, n {estimate['count']})"


def number(estimate: Mapping[str, Any] | None, digits: int = 3) -> str:
    """A mean with half its interval, e.g. ``0.912 ± 0.010``."""
    if estimate is None:
        return "–"
    half = (estimate["high"] - estimate["low"]) / 2
    return f"{estimate['value']:.{digits}f} ± {half:.{digits}f}"


def _overall(answers: Mapping[str, Any], kind: str) -> str:
    found = answers.get(kind)
    return percent(found["overall"]) if found else "–"


def _adherence(results: Mapping[str, Any]) -> str:
    instruments = results["instruments"]
    rows = [
        [name, _overall(answers, "surface"), _overall(answers, "backdrop")]
        for name, answers in (
            ("painted, catalogue prompts", results["adherence"]["catalogue prompts"]),
            ("painted, held-out captions", results["adherence"]["held-out captions"]),
            ("renders that the judge has not seen", instruments["on renders"]),
            ("of these, through the autoencoder", instruments["through the autoencoder"]),
        )
    ]
    rows.append(
        ["goal", f"{ADHERENCE_GOAL:.0%}".replace("%", " %"), f"{ADHERENCE_GOAL:.0%}".replace("%", " %")]
    )
    text = f"**Prompt adherence**: {instruments['judge']} names the setting, with the product greyed out."
    return f"{text}\n\n{table(('pictures', 'surface', 'backdrop'), rows)}"


def _labels(results: Mapping[str, Any]) -> str:
    rows = []
    for kind in ("surface", "backdrop"):
        answers = [
            results["adherence"]["catalogue prompts"].get(kind),
            results["adherence"]["held-out captions"].get(kind),
            results["instruments"]["on renders"].get(kind),
        ]
        for label in results["instruments"]["answers"][kind]:
            hits = [answer["per_label"].get(label) if answer else None for answer in answers]
            if any(hits):
                rows.append([kind, label, *(f"{hit[0]}/{hit[1]}" if hit else "–" for hit in hits)])
    return table(("kind", "label", "catalogue prompts", "held-out captions", "renders"), rows)


def _structure(results: Mapping[str, Any]) -> str:
    instruments = results["instruments"]
    sets = {**results["structure"], "with edges, held-out scenes": results["structure_renders"]}
    rows = [
        [
            name, number(found["iou"]), percent(found["reached"]), number(found["pipeline_iou"]),
            number(found["expansion"]), number(found["expansion_pasted"]), number(found["edges"]),
        ]
        for name, found in sets.items()
    ]  # fmt: skip
    text = (
        f"**Structure** of step 4's raw pictures (goal: IoU ≥ {STRUCTURE_GOAL}). The finder is a U-Net trained on renders"
        f" (IoU {number(instruments['finder'])} on renders it has not seen); the pipeline's step 1, with"
        f" {instruments['network']} for cluttered pictures, has IoU {number(instruments['step 1'])} on the same renders."
        " Expansion: area that the finder adds to the product, as a share of the product's."
    )
    header = (
        "painted", "IoU, finder", "share at the goal", "IoU, step 1", "expansion", "expansion, pasted", "edges kept",
    )  # fmt: skip
    return f"{text}\n\n{table(header, rows)}"


def _conditioning(sets: Mapping[str, Any] | None) -> str:
    if sets is None:
        return "**Product conditioning**: this checkpoint has no IP-Adapter."
    parts = [
        "**Product conditioning**: distance of the background's palette from the product's, and contrast along the"
        " product's outline. Changes are means of paired differences; below 0 is nearer to the product."
    ]
    for name, found in sets.items():
        rows = [
            [
                way,
                number(found[way]["delta"], 1),
                number(found[way]["hue"], 1),
                number(found[way]["outline"], 1),
            ]
            for way in ("without", "with", "another", "change", "own against another")
        ]
        parts.append(
            table((name, "ΔE of mean colours", "hue distance, degrees", "ΔE along the outline"), rows)
        )
    return "\n\n".join(parts)


def _distance(found: Mapping[str, Any]) -> str:
    rows = [
        [name, f"{value['mean']:.4f} ± {value['deviation']:.4f}", str(value["counts"][0])]
        for name, value in found.items()
        if name != "features"
    ]
    any_row = found["painted, raw"]
    text = (
        f"**Distance to {any_row['counts'][1]} held-out renders**: kernel inception distance (unbiased, cubic kernel,"
        f" 100 subsets of {any_row['size']}; mean ± deviation over subsets). Features: {found['features']}."
    )
    return f"{text}\n\n{table(('pictures', 'KID', 'n'), rows)}"


def _variety(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return "**Variety** was not measured: it needs the fixed extractor."
    rows = [["seeds of one prompt and product", number(found["seeds"])]]
    rows.append(
        ["renders of that surface and backdrop, any colours, camera and product", number(found["renders"])]
    )
    rows.append(["the two seeds most alike", f"{found['closest seeds']:.3f}"])
    text = "**Variety**: mean perceptual distance of backgrounds (as LPIPS, with Inception's activations and even weights)."
    return f"{text}\n\n{table(('pairs', 'distance'), rows)}"
