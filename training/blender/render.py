"""Renders scene descriptions with Cycles: a picture, the product's alpha and the description of each."""

from __future__ import annotations

import json
import math
import random
import time
from pathlib import Path
from typing import Any

import bpy
from mathutils import Matrix, Vector

from training.blender import stage
from training.blender.products import BUILDERS, UPRIGHT
from training.palette import PRODUCT_COLOURS, jittered
from training.scenes import SceneSpec, sample_scene

LYING = frozenset({"tshirt", "hoodie", "phone", "watch", "sneaker", "box"})


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
    scene.cycles.denoising_quality, scene.cycles.denoising_prefilter = "BALANCED", "FAST"
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
    if spec.view == "front" and spec.product in UPRIGHT and spec.product != "phone":
        apply(product, Matrix.Translation((0, 0.2, rng.choice((0.0, 0.12, 0.25)))))
    low, high = corners(product)
    if spec.backdrop == "paper":
        stage.sweep(
            stage.surface_material(spec, rng), rng.uniform(0.9, 2.2), -0.32 if spec.prop == "podium" else 0.0
        )
    else:
        ground = stage.plane("ground", 60, 60, Matrix(), stage.surface_material(spec, rng))
        if spec.backdrop in ("foliage", "bokeh") and spec.surface not in ("grass", "moss"):
            ground.matrix_world = Matrix.Translation(
                (0, -28.6 + rng.uniform(0, 0.8), 0)
            )  # a table's far edge
        if spec.prop == "podium":
            apply([ground], Matrix.Translation((0, 0, -0.32)))
    if spec.surface == "grass":
        stage.blades(rng)
    stage.backdrop(spec, rng)
    stage.props(spec, rng, min(low.z, 0.0))
    stage.lights(spec, rng)
    stage.camera(spec, rng, low, high)
    return product


def shoot(path: Path, size: tuple[int, int], kind: str) -> None:
    """Render the current scene into a file."""
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = size
    scene.render.image_settings.file_format = kind
    scene.render.image_settings.color_mode = "RGBA" if kind == "PNG" else "RGB"
    scene.render.image_settings.quality = 90
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)


def shoot_alpha(path: Path, size: tuple[int, int], product: list[Any]) -> None:
    """Render the product alone, unlit and transparent around, for its exact coverage."""
    scene = bpy.context.scene
    keep = set(product)
    for obj in bpy.data.objects:
        obj.hide_render = obj not in keep and obj.type != "CAMERA"
    scene.render.film_transparent = True
    scene.cycles.samples, scene.cycles.use_denoising, scene.cycles.max_bounces = 6, False, 0
    shoot(path, size, "PNG")


def render_scenes(
    out: Path, count: int, seed: int, samples: int = 10, shard: tuple[int, int] = (0, 1)
) -> None:
    """Render the scenes below ``count`` that ``out`` does not hold yet; ``shard`` (k, n) takes each n-th from k on."""
    out.mkdir(parents=True, exist_ok=True)
    missing = [i for i in range(shard[0], count, shard[1]) if not (out / f"{seed}-{i:05d}.json").exists()]
    started = time.monotonic()
    for done, index in enumerate(missing, 1):
        spec = sample_scene(seed, index)
        stem = out / f"{seed}-{index:05d}"
        reset(samples, 1 if shard[1] > 1 else 0)
        product = build(spec)
        shoot(stem.with_suffix(".jpg"), spec.size, "JPEG")
        shoot_alpha(stem.with_suffix(".png"), spec.size, product)
        stem.with_suffix(".json").write_text(json.dumps(spec.as_dict()))
        if done % 10 == 0 or done == len(missing):
            spent = time.monotonic() - started
            left = (len(missing) - done) * spent / done / 60
            print(f"scene {done}/{len(missing)}  {spent / done:.2f} s each  {left:.1f} min left", flush=True)
