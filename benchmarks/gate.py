"""The quality gate on a labelled set: limits set on one half, ROC and rates reported on the other.

``python -m benchmarks gate --scenes var/scenes --paintings 31 --out docs/images/gate-roc.png``. Without `--scenes` the
set is made of the demo's products alone; `--paintings N` paints N of them with the shipped checkpoint, as it should be done,
without the product's edges, and by naive inpainting. `--limit N` takes N scenes and N products. The limits are printed for
`gate.LIMITS`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from benchmarks.__main__ import Result
from benchmarks._gate import GOOD, PAINTED, Case, cases, sheet
from creatives.pipeline import DEFAULT_PROFILE, get_profile
from creatives.pipeline.gate import LIMITS, Limit
from creatives.pipeline.quality import DOUBTFUL, FAILED, PASSED, assess, decide, measure
from creatives.pipeline.support import confidence_of, outline_support

F64 = NDArray[np.float64]

ALLOWED = 0.01
"""Share of good creatives that each score may call doubtful."""

BEYOND = 0.5
"""A painting has failed at the worst good value or at this much of the way from usual to doubtful beyond doubtful."""

NEVER_FAIL = ("mask", "floating")


@dataclass(frozen=True)
class Measured:
    """A case's label and scores."""

    label: str
    source: str
    calibrates: bool
    scores: dict[str, float]


def run() -> list[Result]:
    options = _options()
    started = time.process_time()
    chosen = list(cases(options.scenes, options.limit))
    if options.paintings:
        from benchmarks._painted import painted_cases

        chosen += painted_cases(options.paintings)
    built = time.process_time() - started
    rows = [measured(case) for case in chosen]
    took = _cost(chosen)
    calibrating = [row for row in rows if row.calibrates]
    limits = calibrated([row for row in calibrating if row.source != PAINTED])
    own = calibrated([row for row in calibrating if row.source == PAINTED])
    report = [row for row in rows if not row.calibrates]
    print(
        f"  {len(rows)} creatives, {len(report)} of them reported on; made in {built:.0f} s of processor time"
    )
    _print_limits("all profiles", limits)
    _print_limits("this checkpoint, from its paintings", own)
    _print_areas(report)
    if options.out:
        draw(report, options.out)
    if options.sheet:
        save_sheet(chosen, options.sheet)
    return [
        *_rates(report, "as calibrated now", limits, own),
        *_rates(report, "as they are set", dict(LIMITS), get_profile(DEFAULT_PROFILE).limits),
        {"name": "the gate's cost, processor's time", "value": 1000 * took, "unit": "ms/creative"},
    ]


def measured(case: Case) -> Measured:
    """All scores of a case; its mask's confidence is what the mask's outline is worth on its photo."""
    confidence = confidence_of(outline_support(case.photo, case.matte))
    scores = measure(case.generated, case.edges, case.placed, case.composed, mask_confidence=confidence)
    return Measured(case.label, case.source, case.calibrates, scores)


def calibrated(rows: Sequence[Measured]) -> dict[str, Limit]:
    """Limits by score from the good creatives among the rows; LIMITS where there are none."""
    found = {}
    if not any(row.label == GOOD for row in rows):
        return dict(LIMITS)
    for name, known in LIMITS.items():
        sign = 1.0 if known.doubtful > known.usual else -1.0
        good = np.array([sign * row.scores[name] for row in rows if row.label == GOOD])
        usual = float(np.median(good))
        doubtful = max(float(np.quantile(good, 1.0 - ALLOWED)), usual + 1e-3)
        fail = max(float(good.max()), doubtful + BEYOND * (doubtful - usual))
        found[name] = Limit(
            round(sign * usual, 3),
            round(sign * doubtful, 3),
            None if name in NEVER_FAIL else round(sign * fail, 3),
        )
    return found


def auc(bad: Sequence[float], good: Sequence[float]) -> float:
    """Area under the ROC curve: the chance that a bad creative has the larger badness; ties count half."""
    ranks = rankdata(np.concatenate([bad, good]))
    count = len(bad)
    return float((ranks[:count].sum() - count * (count + 1) / 2) / (count * len(good)))


def badness(row: Measured, name: str) -> float:
    """How bad a score is, by the limits in force but not cut off at usual; for "risk" the worst of all."""
    if name == "risk":
        return max(badness(row, other) for other in LIMITS)
    limit = LIMITS[name]
    return (row.scores[name] - limit.usual) / (limit.doubtful - limit.usual)


def _print_limits(of: str, limits: dict[str, Limit]) -> None:
    print(f"\n  limits for {of}\n  {'score':18}{'usual':>9}{'doubtful':>10}{'fail':>9}   in force")
    for name, limit in limits.items():
        fail = "–" if limit.fail is None else f"{limit.fail:.3f}"
        print(f"  {name:18}{limit.usual:9.3f}{limit.doubtful:10.3f}{fail:>9}   {LIMITS[name]}")


def _print_areas(rows: Sequence[Measured]) -> None:
    names = ["risk", *LIMITS]
    print(
        f"\n  area under the ROC curve {'':8}" + "".join(f"{name[:9]:>10}" for name in names) + "   creatives"
    )
    labels = list(dict.fromkeys(row.label for row in rows if row.label != GOOD))
    good = [row for row in rows if row.label == GOOD]
    for label in [*labels, "all failures"]:
        bad = [row for row in rows if row.label == label or (label == "all failures" and row.label != GOOD)]
        areas = [auc([badness(r, name) for r in bad], [badness(r, name) for r in good]) for name in names]
        print(f"  {label:33}" + "".join(f"{area:10.3f}" for area in areas) + f"   {len(bad)}")


def _rates(
    chosen: Sequence[Measured], how: str, limits: dict[str, Limit], own: dict[str, Limit]
) -> list[Result]:
    """Verdicts by label on the half that is reported on; paintings of the checkpoint by its own limits."""
    counts: dict[str, dict[str, int]] = {}
    for case in chosen:
        verdict = decide(case.scores, own if case.source == PAINTED else limits).verdict
        label = f"{case.label} ({case.source})" if case.label == GOOD else case.label
        counts.setdefault(label, dict.fromkeys((PASSED, DOUBTFUL, FAILED), 0))[verdict] += 1
    print(f"\n  limits {how:27}{'pass':>10}{'doubtful':>10}{'fail':>10}   creatives")
    for label, by in counts.items():
        total = sum(by.values())
        shares = "".join(f"{by[verdict] / total:10.3f}" for verdict in (PASSED, DOUBTFUL, FAILED))
        print(f"  {label:34}{shares}   {total}")
    good = [by for label, by in counts.items() if label.startswith(GOOD)]
    bad = [by for label, by in counts.items() if not label.startswith(GOOD)]
    return [
        {"name": f"{what} caught, limits {how}", "value": _caught(some), "unit": "share"}
        for what, some in (("good creatives", good), ("failures", bad))
    ]


def _caught(counts: Sequence[dict[str, int]]) -> float:
    total = sum(sum(by.values()) for by in counts)
    return 1.0 - sum(by[PASSED] for by in counts) / max(1, total)


def _cost(chosen: Sequence[Case]) -> float:
    """Seconds of processor time for one creative's scores."""
    some = chosen[:: max(1, len(chosen) // 40)]
    for case in some:
        assert case.edges.any()
        assert case.composed.any()
    started = time.process_time()
    for case in some:
        assess(case.generated, case.edges, case.placed, case.composed, mask_confidence=1.0)
    return (time.process_time() - started) / len(some)


def draw(rows: Sequence[Measured], path: Path) -> None:
    """ROC curves by class of failure, of the gate as a whole, as a PNG. Needs matplotlib (extra `bench`)."""
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    good = np.array([badness(row, "risk") for row in rows if row.label == GOOD])
    figure = Figure(figsize=(6.4, 4.6), dpi=100)
    axes: Any = figure.subplots()
    axes.set_prop_cycle(color=[colormaps["tab20"](number * 2 % 20 + number // 10) for number in range(20)])
    for label in dict.fromkeys(row.label for row in rows if row.label != GOOD):
        bad = np.array([badness(row, "risk") for row in rows if row.label == label])
        steps = np.sort(np.concatenate([good, bad, [-np.inf]]))[::-1]
        false = [(good > step).mean() for step in steps]
        true = [(bad > step).mean() for step in steps]
        axes.plot(false, true, lw=1.4, label=f"{label} {auc(list(bad), list(good)):.2f}")
    axes.plot((0, 1), (0, 1), color="0.8", lw=0.8)
    axes.axvline(float((good > 1.0).mean()), color="0.5", lw=0.8, ls=":")
    axes.set(
        xlabel="good creatives called doubtful",
        ylabel="failures called doubtful",
        xlim=(0, 0.5),
        ylim=(0, 1.01),
    )
    axes.legend(fontsize=7, loc="lower right", title="area under the curve", title_fontsize=7)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def save_sheet(chosen: Sequence[Case], path: Path) -> None:
    """Ten of every class, a row each, as a picture."""
    from creatives.pipeline.image_io import encode_jpeg

    labels = list(dict.fromkeys(case.label for case in chosen))
    by = {label: [case for case in chosen if case.label == label] for label in labels}
    spread = [by[label][:: max(1, len(by[label]) // 10)][:10] for label in labels]
    full = [[*row, *[replace(row[0])] * (10 - len(row))] for row in spread]
    path.write_bytes(encode_jpeg(sheet([case for row in full for case in row], 10), 80))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks gate")
    parser.add_argument("--scenes", type=Path, default=None)
    parser.add_argument("--limit", type=int, default=10_000)
    parser.add_argument("--paintings", type=int, default=0)
    parser.add_argument("--out", type=Path, default=None, help="the ROC curves, a PNG")
    parser.add_argument("--sheet", type=Path, default=None, help="ten of every class, a JPEG")
    options, _ = parser.parse_known_args(sys.argv[2:])
    return options
