"""Renders scene descriptions with Cycles: a picture, the product's alpha and the description of each."""

from __future__ import annotations

import json
import math
import os
import random
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Matrix, Vector

from training.blender import backdrops, grounds, lighting, materials, props, stage
from training.blender.foliage import blades
from training.blender.mesh import tube
from training.blender.products import BUILDERS
from training.empty_scenes import example_scenes
from training.palette import PRODUCT_COLOURS, jittered
from training.scenes import ON_HANGERS, SceneSpec, rare, sample_scene, smaller

LYING = frozenset(
    {
        "tshirt",
        "hoodie",
        "phone",
        "watch",
        "sneaker",
        "box",
        "bottle",
        "tube",
        "perfume",
        "shirt",
        "dress",
        "handbag",
    }
)


def reset(samples: int, threads: int = 0) -> Any:
    """An empty scene with Cycles and the denoiser set up; ``threads`` 0 takes all cores."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.cycles.samples = samples
    scene.cycles.use_adaptive_sampling = False
    scene.cycles.use_denoising = True
    scene.cycles.denoiser = "OPENIMAGEDENOISE"
    scene.cycles.denoising_quality, scene.cycles.denoising_prefilter = "BALANCED", "ACCURATE"
    scene.cycles.max_bounces, scene.cycles.diffuse_bounces, scene.cycles.glossy_bounces = 3, 1, 2
    scene.cycles.use_light_tree = False
    scene.cycles.caustics_reflective = scene.cycles.caustics_refractive = False
    scene.cycles.sample_clamp_indirect = 3.0
    scene.view_settings.view_transform = "Khronos PBR Neutral"
    scene.render.resolution_percentage = 100
    scene.render.threads_mode, scene.render.threads = ("FIXED", threads) if threads else ("AUTO", 1)
    return scene


def corners(objects: list[Any]) -> tuple[Any, Any]:
    """Least and greatest corner of the evaluated objects in world space."""
    graph = bpy.context.evaluated_depsgraph_get()
    points = []
    for obj in objects:
        final = obj.evaluated_get(graph)
        points += [final.matrix_world @ Vector(p) for p in final.bound_box]
    low = Vector([min(p[k] for p in points) for k in range(3)])
    return low, Vector([max(p[k] for p in points) for k in range(3)])


def build_product(name: str, rng: random.Random, main: Any, accent: Any, move: Any) -> list[Any]:
    """The product's visible objects, its size normalised to 1, transformed by ``move``, resting on z = 0."""
    before = set(bpy.data.objects)
    BUILDERS[name](rng, main, accent)
    made = [o for o in bpy.data.objects if o not in before]
    visible = [o for o in made if o.type != "EMPTY"]
    bpy.context.view_layer.update()
    low, high = corners(visible)
    scale = 1.0 / max(high - low)
    apply(made, move @ Matrix.Scale(scale, 4))
    low, high = corners(visible)
    apply(made, Matrix.Translation((-(low.x + high.x) / 2, -(low.y + high.y) / 2, -low.z)))
    return visible


def apply(objects: list[Any], matrix: Any) -> None:
    """Transform objects in world space."""
    for obj in objects:
        obj.matrix_world = matrix @ obj.matrix_world
    bpy.context.view_layer.update()


def build(spec: SceneSpec) -> list[Any]:
    """Build the whole scene; returns the product's objects."""
    rng = random.Random(f"build:{spec.seed}:{spec.index}")
    main = jittered(PRODUCT_COLOURS[spec.product_colour].rgb, rng, 0.06)
    accent = jittered(PRODUCT_COLOURS[spec.accent_colour].rgb, rng, 0.06)
    turn = Matrix.Rotation(math.radians(rng.uniform(-24, 24)), 4, "Z")
    if spec.view == "top" and spec.product in LYING:
        move = turn @ Matrix.Rotation(math.radians(-90), 4, "X")
    else:
        move = turn @ (
            Matrix.Rotation(math.radians(rng.choice((0, 0, 180))), 4, "Z")
            if spec.product == "sneaker"
            else Matrix()
        )
    product = build_product(spec.product, rng, main, accent, move)
    low, high = corners(product)
    if spec.view == "front" and spec.product in ON_HANGERS:
        _rail(high.z, rng)
    reach = ((high.x - low.x) / 2, (high.y - low.y) / 2)
    grounds.ground(spec, rng, reach)
    if spec.surface == "grass":
        blades(rng)
    backdrops.backdrop(spec, rng)
    props.props(spec, rng, reach, min(low.z, 0.0))
    lighting.lights(spec, rng)
    stage.camera(spec, rng, low, high)
    return product


def _rail(height: float, rng: random.Random) -> None:
    """A clothes rail at the hanger's hook."""
    z = height - 0.012
    metal = materials.plain(
        rng.choice(((0.10, 0.10, 0.11), (0.75, 0.76, 0.78), (0.72, 0.55, 0.30))), 0.3, 0.9
    )
    tube("rail", [(-9, 0, z), (0, 0, z), (9, 0, z)], 0.014).data.materials.append(metal)


def shoot(path: Path, size: tuple[int, int], kind: str) -> None:
    """Render the current scene into a file."""
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = size
    scene.render.image_settings.file_format = kind
    scene.render.image_settings.color_mode = "RGBA" if kind == "PNG" else "RGB"
    scene.render.image_settings.quality = 92
    scene.render.filepath = str(path)
    with _silent():
        bpy.ops.render.render(write_still=True)


@contextmanager
def _silent() -> Iterator[None]:
    """Blender writes hundreds of lines per picture to the process's standard output: drop them."""
    sys.stdout.flush()
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)


def shoot_alpha(path: Path, size: tuple[int, int], product: list[Any]) -> None:
    """Render the product alone, unlit and transparent around, for its exact coverage."""
    scene = bpy.context.scene
    keep = set(product)
    for obj in bpy.data.objects:
        obj.hide_render = obj not in keep and obj.type != "CAMERA"
    blank = bpy.data.materials.new("blank")
    blank.use_nodes = True
    blank.node_tree.nodes.clear()
    bpy.context.view_layer.material_override = blank
    low, high = _frame_part(product)
    scene.render.use_border, scene.render.use_crop_to_border = True, False
    scene.render.border_min_x, scene.render.border_min_y = low
    scene.render.border_max_x, scene.render.border_max_y = high
    scene.render.film_transparent = True
    scene.cycles.samples, scene.cycles.use_denoising, scene.cycles.max_bounces = 8, False, 0
    shoot(path, size, "PNG")


def _frame_part(objects: list[Any]) -> tuple[tuple[float, float], tuple[float, float]]:
    """The part of the frame (0..1 from its lower left) that holds the objects, with a margin for blur."""
    scene = bpy.context.scene
    low, high = corners(objects)
    ends = [Vector((x, y, z)) for x in (low.x, high.x) for y in (low.y, high.y) for z in (low.z, high.z)]
    seen = [world_to_camera_view(scene, scene.camera, end) for end in ends]
    least = [max(0.0, min(p[k] for p in seen) - 0.04) for k in (0, 1)]
    most = [min(1.0, max(p[k] for p in seen) + 0.04) for k in (0, 1)]
    return (least[0], least[1]), (most[0], most[1])


def render_scenes(
    out: Path, count: int, seed: int, samples: int = 4, shard: tuple[int, int] = (0, 1), *,
    only_rare: bool = False, surfaces: Sequence[str] = (), small: bool = False, empty: bool = False,
) -> None:  # fmt: skip
    """Render the scenes below ``count`` that ``out`` does not hold yet; ``shard`` (k, n) takes each n-th from k on.

    ``only_rare`` leaves out what chance shows often enough; ``surfaces``, where given, all that stand on others; ``small``
    renders at the smaller class, a quarter of the time; ``empty`` leaves out products and props, and renders as many scenes
    as are needed for examples of lines instead of ``count``.
    """
    out.mkdir(parents=True, exist_ok=True)
    specs = example_scenes(seed) if empty else [sample_scene(seed, index) for index in range(count)]
    specs = [spec for spec in specs if rare(spec) or not only_rare]
    specs = [spec for spec in specs if spec.surface in surfaces or not surfaces]
    missing = [
        spec for spec in specs[shard[0] :: shard[1]] if not (out / f"{seed}-{spec.index:05d}.json").exists()
    ]
    started = time.monotonic()
    for done, full in enumerate(missing, 1):
        spec = replace(full, size=smaller(full.size)) if small else full
        stem = out / f"{seed}-{spec.index:05d}"
        reset(samples, 1 if shard[1] > 1 else 0)
        product = build(spec)
        for part in product if empty else ():
            part.hide_render = True
        shoot(stem.with_suffix(".jpg"), spec.size, "JPEG")
        if not empty:
            shoot_alpha(stem.with_suffix(".png"), spec.size, product)
        stem.with_suffix(".json").write_text(json.dumps(spec.as_dict()))
        if done % 10 == 0 or done == len(missing):
            spent = time.monotonic() - started
            left = (len(missing) - done) * spent / done / 60
            print(f"scene {done}/{len(missing)}  {spent / done:.2f} s each  {left:.1f} min left", flush=True)
