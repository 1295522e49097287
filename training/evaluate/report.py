"""One run of all measurements: what it takes, and the files it leaves."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from creatives.pipeline.profiles import profile_from_folder
from creatives.pipeline.segmenter import AUTO, NONE, Segmenter
from creatives.pipeline.weights import WeightsError
from training.dataset import scene_names
from training.evaluate.finder import trained_finder
from training.evaluate.gallery import Gallery
from training.evaluate.inception import Inception, fetch
from training.evaluate.judge import train_judge
from training.evaluate.markdown import as_markdown
from training.evaluate.measurement import Measurement
from training.evaluate.painting import open_studio
from training.evaluate.shots import bucket_class, demo_products, folder_products


@dataclass(frozen=True)
class Plan:
    """What to measure, and with what.

    checkpoint: a folder in diffusers layout; scenes: renders; work: keeps judges and painted pictures; count: pictures
    per set; products: a folder of photos or cut-outs, by default the demo catalogue's photos; networks: the folder of step
    1's weights (`manage.py fetch_segmenter`), without it cluttered pictures get GrabCut; larger: paint in the checkpoint's
    largest buckets.
    """

    checkpoint: Path
    scenes: Path
    work: Path
    count: int = 48
    seed: int = 1
    products: Path | None = None
    networks: Path | None = None
    larger: bool = False


def evaluate(plan: Plan, out: Path) -> dict[str, Any]:
    """Measure; ``out`` gets the results as JSON, and a file beside it the same as Markdown.

    Raises ValueError, CheckpointError or WeightsError for inputs that are missing or not what they should be.
    """
    started = time.monotonic()
    results = _measurement(plan).run() | {"settings": _settings(plan)}
    results["settings"]["seconds"] = round(time.monotonic() - started)
    out.parent.mkdir(parents=True, exist_ok=True)
    for path, text in (
        (out, json.dumps(results, indent=1) + "\n"),
        (out.with_suffix(".md"), as_markdown(results)),
    ):
        part = path.with_suffix(".part")
        part.write_text(text)
        part.replace(path)
    return results


def _measurement(plan: Plan) -> Measurement:
    if plan.count < 8:
        raise ValueError(f"count is {plan.count}; fewer than 8 pictures a set measure nothing")
    studio = open_studio(plan.checkpoint)
    inception = extractor(plan.work / "features")
    return Measurement(
        studio=studio,
        gallery=Gallery(studio, plan.work / "pictures"),
        judge=train_judge(plan.scenes, plan.work, inception),
        finder=trained_finder(plan.scenes, plan.work),
        segmenter=Segmenter(AUTO if plan.networks else NONE, plan.networks),
        inception=inception,
        scenes=plan.scenes,
        products=folder_products(plan.products) if plan.products else demo_products(),
        buckets=bucket_class(studio.profile, larger=plan.larger),
        count=plan.count,
        seed=plan.seed,
    )


def _settings(plan: Plan) -> dict[str, Any]:
    profile = profile_from_folder(plan.checkpoint)
    return {
        "checkpoint": plan.checkpoint.name,
        "weights": profile.weights,
        "steps": profile.steps,
        "guidance": profile.guidance_scale,
        "count": plan.count,
        "seed": plan.seed,
        "larger": plan.larger,
        "products": plan.products.name if plan.products else "the demo catalogue's photos",
        "renders": len(scene_names(plan.scenes)),
    }


def extractor(folder: Path) -> Inception | None:
    """The fixed extractor, fetched into ``folder``; None, with a line of explanation, where it is not to be had."""
    try:
        return Inception(fetch(folder))
    except WeightsError as error:
        print(f"no fixed extractor: {error}; our own classifier's features take its place", flush=True)
        return None
