"""Masks against cut-outs of known alpha, on backdrops from white to clutter: ours, the network alone, a border flood alone.

`python -m benchmarks masks --data FOLDER` takes every PNG with alpha below FOLDER; without it four drawn products stand in.
`--only white,dark` picks backdrops, `--limit N` the first N cut-outs; `--photos FOLDER` takes photos with exact masks
instead, as `python -m training studio` renders them. What a network says of a photo is kept in `var/bench-masks`, so a
second run costs the rest only.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks import _cutouts
from benchmarks.__main__ import Result
from benchmarks._cutouts import CutOut
from creatives.pipeline.cutout import cut_out
from creatives.pipeline.image_io import ImageError, from_array
from creatives.pipeline.measures import lab
from creatives.pipeline.network import Network
from creatives.pipeline.segment import DOUBTFUL, Mask, segment, without_network
from creatives.pipeline.segmenter import Segmenter
from creatives.pipeline.studio_mask import studio_mask
from creatives.pipeline.weights import WeightsError

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
Bool = NDArray[np.bool_]

BACKDROPS: dict[str, Callable[[int, int, int], F32]] = {
    "white": _cutouts.white,
    "grey gradient": _cutouts.grey_gradient,
    "white with shadow": _cutouts.white,
    "grey with shadow": _cutouts.grey_gradient,
    "soft clutter": _cutouts.soft_clutter,
    "fine clutter": _cutouts.fine_clutter,
    "object clutter": _cutouts.object_clutter,
    "dark": _cutouts.dark,
}
SCENES = {"dark scene": (24, 24, 28), "light scene": (245, 244, 240)}
TOLERANCE = 2
"""Pixels by which an outline may be off for the boundary F measure."""

SHIPPED, BARE = "ours as it ships", "ours without a network"
"""Without a downloaded network: with our own for studio photos, and without that."""

GOAL = 0.95
"""Intersection over union that every mask should reach, or be sent to a person."""

FLOOD = 6.0
"""ΔE*ab from the border's median colour up to which the plain flood goes."""


@dataclass
class Scores:
    """Of one system on one backdrop."""

    iou: list[float] = field(default_factory=list)
    mae: list[float] = field(default_factory=list)
    boundary: list[float] = field(default_factory=list)
    confidence: list[float] = field(default_factory=list)
    worst: str = ""

    def add(self, name: str, alpha: U8, truth: U8, confidence: float = 1.0) -> None:
        found, wanted = alpha >= 128, truth >= 128
        iou = float((found & wanted).sum() / max(1, (found | wanted).sum()))
        if iou < min(self.iou, default=2.0):
            self.worst = name
        self.iou.append(iou)
        self.mae.append(float(np.abs(alpha.astype(np.float32) - truth).mean() / 255.0))
        self.boundary.append(boundary_f(found, wanted))
        self.confidence.append(confidence)

    def row(self) -> str:
        figures = f"{np.mean(self.iou):8.4f}  {min(self.iou):8.4f}  {np.mean(self.mae):8.4f}  {np.mean(self.boundary):8.4f}"
        return f"{figures}  {self.worst}"


def doubts(ious: list[float], confidences: list[float]) -> dict[str, int]:
    """How many masks are below GOAL, how many of those are sent to a person, and how many good ones are sent as well."""
    pairs = list(zip(ious, confidences, strict=True))
    return {
        "wrong": sum(iou < GOAL for iou, _ in pairs),
        "caught": sum(iou < GOAL and sure < DOUBTFUL for iou, sure in pairs),
        "good": sum(iou >= GOAL for iou, _ in pairs),
        "false alarms": sum(iou >= GOAL and sure < DOUBTFUL for iou, sure in pairs),
    }


class Kept:
    """A network whose answers are kept in a folder, by photo."""

    def __init__(self, network: Network, folder: Path) -> None:
        self.network, self.folder = network, folder
        self.name, self.fingerprint = network.name, network.fingerprint

    def predict(self, rgb: U8) -> F32:
        digest = hashlib.sha256(rgb.tobytes()).hexdigest()[:24]
        path = self.folder / f"{self.fingerprint}-{digest}.npy"
        if path.exists():
            return np.load(path).astype(np.float32) / 255.0
        answer = self.network.predict(rgb)
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, np.rint(answer * 255.0).astype(np.uint8))
        return answer


def run() -> list[Result]:
    options = _options()
    network = _network()
    ours = f"ours with {network.name}" if network else SHIPPED
    results: list[Result] = []
    all_ious: list[float] = []
    all_confidences: list[float] = []
    print(
        f"  {'backdrop':19}{'system':24}{'mean IoU':>8}  {'worst':>8}  {'α MAE':>8}  {'edge F':>8}  worst picture"
    )
    for name, shots in _sets(options):
        alone = ["border flood alone", *([f"{network.name} alone"] if network else [])]
        systems = list(dict.fromkeys([ours, SHIPPED, BARE, *alone]))
        table = {system: Scores() for system in systems}
        rings: dict[str, list[float]] = {scene: [] for scene in SCENES}
        for item, photo in shots:
            _score(table, item, photo, network)
            if name in ("white", "dark"):
                for scene, value in ring_errors(item, photo).items():
                    rings[scene].append(value)
        mine = table[ours]
        for system in (one for one in systems if one.startswith("ours")):
            found = doubts(table[system].iou, table[system].confidence)
            told = ", ".join(f"{what} {count}" for what, count in found.items())
            print(f"  {name:19}{system:24}confidence below {DOUBTFUL}: {told}", flush=True)
        all_ious += mine.iou
        all_confidences += mine.confidence
        for system, scores in table.items():
            print(f"  {name:19}{system:24}{scores.row()}", flush=True)
            results.append(
                {
                    "name": f"masks on {name}: {system}, mean IoU",
                    "value": float(np.mean(scores.iou)),
                    "unit": "IoU",
                }
            )
        for scene, values in rings.items():
            if values:
                print(
                    f"  {name:19}{'rim on a ' + scene:24}{np.mean(values):8.2f}  {max(values):8.2f}  ΔE, mean and worst"
                )
                results.append(
                    {
                        "name": f"rim of photos on {name}, {scene}",
                        "value": float(np.mean(values)),
                        "unit": "ΔE*ab",
                    }
                )
    found = doubts(all_ious, all_confidences)
    for what, count, of in (("below", "caught", "wrong"), ("at or above", "false alarms", "good")):
        results.append(
            {
                "name": f"masks {what} {GOAL} that are sent to a person, of {found[of]}",
                "value": found[count] / max(1, found[of]),
                "unit": "share",
            }
        )
    return results


def _score(table: dict[str, Scores], item: CutOut, photo: U8, network: Network | None) -> None:
    for system, scores in table.items():
        sure = 1.0
        if system.startswith("ours"):
            asked = {SHIPPED: (None, studio_mask), BARE: (None, without_network)}
            mask = _ours(photo, *asked.get(system, (network, studio_mask)))
            alpha, sure = mask.alpha, mask.confidence
        elif system.startswith("border"):
            alpha = border_flood(photo)
        elif network:
            alpha = np.rint(network.predict(photo) * 255.0).astype(np.uint8)
        scores.add(item.name, alpha, item.alpha, sure)


def _ours(photo: U8, network: Network | None, find_studio: Callable[[], Network]) -> Mask:
    def find() -> Network:
        if network is None:
            raise WeightsError("no network here")
        return network

    try:
        return segment(from_array(photo), find, find_studio)
    except ImageError:
        return Mask(np.zeros(photo.shape[:2], np.uint8), "none", 0.0)


def border_flood(photo: U8) -> U8:
    """The plain means: what is within FLOOD of the border's median colour and connected with the border is not product."""
    colours = lab(photo)
    border = np.concatenate(
        [
            colours[:4].reshape(-1, 3),
            colours[-4:].reshape(-1, 3),
            colours[:, :4].reshape(-1, 3),
            colours[:, -4:].reshape(-1, 3),
        ]
    )
    alike = (np.linalg.norm(colours - np.median(border, axis=0), axis=2) <= FLOOD).astype(np.uint8)
    _, labels = cv2.connectedComponents(alike, connectivity=4)
    outer = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    return np.where(np.isin(labels, outer[outer > 0]), 0, 255).astype(np.uint8)


def boundary_f(found: Bool, wanted: Bool) -> float:
    """F measure of the outlines within TOLERANCE pixels (Martin et al. 2004)."""
    edges = [_outline(found), _outline(wanted)]
    if not (edges[0].any() and edges[1].any()):
        return float(edges[0].any() == edges[1].any())
    away = [cv2.distanceTransform((~edge).astype(np.uint8), cv2.DIST_L2, 5) for edge in edges]
    precision = float((away[1][edges[0]] <= TOLERANCE).mean())
    recall = float((away[0][edges[1]] <= TOLERANCE).mean())
    return 2 * precision * recall / max(precision + recall, 1e-9)


def _outline(region: Bool) -> Bool:
    solid = region.astype(np.uint8)
    return solid > cv2.erode(solid, np.ones((3, 3), np.uint8))


def ring_errors(item: CutOut, photo: U8) -> dict[str, float]:
    """Mean ΔE*ab along the rim between the product cut from `photo` and the true one, both on a plain scene, by scene."""
    cut = cut_out(photo)
    height, width = item.alpha.shape
    found = np.zeros((height, width, 4), np.uint8)
    (left, top), (rows, columns) = cut.origin, cut.product.shape[:2]
    found[top : top + rows, left : left + columns] = cut.product
    rim = cv2.dilate(((item.alpha > 0) & (item.alpha < 255)).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    errors = {}
    for scene, colour in SCENES.items():
        ours = lab(_on(found[..., :3], found[..., 3], colour))
        truth = lab(_on(item.rgb, item.alpha, colour))
        errors[scene] = float(np.linalg.norm(ours - truth, axis=2)[rim].mean())
    return errors


def _on(rgb: U8, alpha: U8, colour: tuple[int, int, int]) -> U8:
    from creatives.pipeline.compose import compose

    background = np.broadcast_to(np.array(colour, np.uint8), rgb.shape)
    return compose(np.dstack([rgb, alpha]), np.ascontiguousarray(background), shadow=0.0)


def _photo(item: CutOut, name: str) -> U8:
    backdrop = BACKDROPS[name]
    if name.endswith("shadow"):
        return _cutouts.photo_of(
            item, name, lambda *size: _cutouts.with_cast_shadow(item, 0.94 * backdrop(*size))
        )
    return _cutouts.photo_of(item, name, backdrop)


def _sets(options: argparse.Namespace) -> Iterator[tuple[str, Iterator[tuple[CutOut, U8]]]]:
    """Each set's name, and its products with the photos of them."""
    if options.photos:
        yield "studio photos", ((item, item.rgb) for item in _rendered(options.photos, options.limit))
        return
    for name in options.only or BACKDROPS:
        yield name, ((item, _photo(item, name)) for item in _limited(options.data, options.limit))


def _rendered(folder: Path, limit: int) -> Iterator[CutOut]:
    """Photos as cut-outs: their colours are the photo's."""
    from training.dataset import load_scene, scene_names
    from training.masks import SMALLEST

    for name in scene_names(folder)[:limit]:
        scene = load_scene(folder, name)
        if (scene.alpha >= 128).mean() >= SMALLEST:
            yield CutOut(name, scene.rgb, scene.alpha)


def _limited(folder: Path | None, limit: int) -> Iterator[CutOut]:
    for number, item in enumerate(_cutouts.cut_outs(folder)):
        if number >= limit:
            return
        yield item


def _network() -> Kept | None:
    folder = Path(os.environ.get("MODELS_DIR", "var/models"))
    try:
        return Kept(Segmenter(os.environ.get("SEGMENTER", "auto"), folder).load(), Path("var/bench-masks"))
    except WeightsError as error:
        print(f"  without a network: {error}")
        return None


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks masks")
    parser.add_argument("--data", type=Path, default=None)
    parser.add_argument("--photos", type=Path, default=None)
    parser.add_argument("--limit", type=int, default=10_000)
    parser.add_argument("--only", type=lambda text: [name.strip() for name in text.split(",")], default=[])
    options, _ = parser.parse_known_args(sys.argv[2:])
    unknown = set(options.only) - set(BACKDROPS)
    if unknown:
        parser.error(f"no backdrop {', '.join(sorted(unknown))}; there are {', '.join(BACKDROPS)}")
    return options
