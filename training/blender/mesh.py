"""Small mesh builders: lathes, lofts, rounded boxes, cloth from an outline, tubes along a path."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import bpy
import numpy as np

Point2 = tuple[float, float]
Point3 = tuple[float, float, float]


def link(obj: Any) -> Any:
    """Put an object into the scene and return it."""
    bpy.context.scene.collection.objects.link(obj)
    return obj


def mesh_object(name: str, vertices: Any, faces: Any, *, smooth: bool = True) -> Any:
    """A linked object from vertices (N, 3) and faces (lists of vertex numbers)."""
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata([tuple(v) for v in np.asarray(vertices, float)], [], [list(f) for f in faces])
    mesh.update()
    if smooth:
        mesh.polygons.foreach_set("use_smooth", [True] * len(mesh.polygons))
    return link(bpy.data.objects.new(name, mesh))


def fillet(profile: Sequence[Point2], radius: float, steps: int = 4) -> list[Point2]:
    """A polyline whose inner corners are rounded by quadratic curves of about ``radius``."""
    out = [profile[0]]
    for a, b, c in zip(profile, profile[1:], profile[2:], strict=False):
        p, q, r = (np.array(x, float) for x in (a, b, c))
        before, after = float(np.linalg.norm(p - q)), float(np.linalg.norm(r - q))
        start = q + (p - q) * min(0.45, radius / max(before, 1e-6))
        end = q + (r - q) * min(0.45, radius / max(after, 1e-6))
        for t in np.linspace(0, 1, steps + 1):
            point = (1 - t) ** 2 * start + 2 * t * (1 - t) * q + t * t * end
            out.append((float(point[0]), float(point[1])))
    return [*out, profile[-1]]


def lathe(name: str, profile: Sequence[Point2], *, radius: float = 0.02, segments: int = 48) -> Any:
    """A body of revolution about z from (r, z) points, corners rounded by ``radius``."""
    points = fillet(profile, radius)
    angles = np.linspace(0, 2 * math.pi, segments, endpoint=False)
    vertices = [(r * math.cos(a), r * math.sin(a), z) for r, z in points for a in angles]
    faces = [
        (
            i * segments + j,
            i * segments + (j + 1) % segments,
            (i + 1) * segments + (j + 1) % segments,
            (i + 1) * segments + j,
        )
        for i in range(len(points) - 1)
        for j in range(segments)
    ]
    return mesh_object(name, vertices, faces)


def box(name: str, size: Point3, centre: Point3, bevel: float = 0.03) -> Any:
    """A box with rounded edges and flat-looking sides."""
    sx, sy, sz = (s / 2 for s in size)
    vertices = [(x * sx, y * sy, z * sz) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]
    faces = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    obj = mesh_object(name, vertices, faces)
    obj.location = centre
    modifier = obj.modifiers.new("bevel", "BEVEL")
    modifier.width, modifier.segments = bevel, 5
    obj.modifiers.new("normals", "WEIGHTED_NORMAL")
    return obj


def loft(
    name: str, sections: Sequence[tuple[float, float, float, float]], power: float = 2.4, around: int = 28
) -> Any:
    """A body along x from (x, z_bottom, z_top, half_width) superellipse sections, its bottom flattened, ends closed."""
    angles = np.linspace(0, 2 * math.pi, around, endpoint=False)
    vertices: list[Point3] = []
    for x, low, high, half in sections:
        middle, tall = (low + high) / 2, (high - low) / 2
        for a in angles:
            y = half * np.sign(math.cos(a)) * abs(math.cos(a)) ** (2 / power)
            z = middle + tall * np.sign(math.sin(a)) * abs(math.sin(a)) ** (2 / power)
            vertices.append((x, float(y), float(max(z, low))))
    faces: list[Sequence[int]] = [
        (
            i * around + j,
            i * around + (j + 1) % around,
            (i + 1) * around + (j + 1) % around,
            (i + 1) * around + j,
        )
        for i in range(len(sections) - 1)
        for j in range(around)
    ]
    last = (len(sections) - 1) * around
    faces += [list(range(around - 1, -1, -1)), list(range(last, last + around))]
    obj = mesh_object(name, vertices, faces)
    subsurf(obj, 1)
    return obj


def subsurf(obj: Any, levels: int) -> None:
    """Catmull-Clark subdivision."""
    modifier = obj.modifiers.new("subsurf", "SUBSURF")
    modifier.levels = modifier.render_levels = levels


def cloth(
    name: str, outline: Sequence[Point2], thickness: float, wrinkles: float, seed: int, voxel: float = 0.014
) -> Any:
    """A padded, wrinkled piece of cloth standing in the xz plane from its outline."""
    points = fillet([*outline, outline[0], outline[1]], 0.03, 3)[1:-1]
    obj = mesh_object(name, [(x, 0.0, z) for x, z in points], [list(range(len(points)))])
    solid = obj.modifiers.new("solid", "SOLIDIFY")
    solid.thickness, solid.offset = thickness, 0.0
    remesh = obj.modifiers.new("remesh", "REMESH")
    remesh.mode, remesh.voxel_size, remesh.use_smooth_shade = "VOXEL", voxel, True
    smooth = obj.modifiers.new("smooth", "SMOOTH")
    smooth.factor, smooth.iterations = 0.5, 12
    texture = bpy.data.textures.new(name, "CLOUDS")
    texture.noise_scale, texture.noise_depth = 0.28, 1
    displace = obj.modifiers.new("wrinkles", "DISPLACE")
    displace.texture, displace.strength = texture, wrinkles
    empty = link(bpy.data.objects.new("anchor", None))
    empty.location = (seed % 97 * 3.1, seed % 13 * 1.7, 0)
    empty.scale = (1, 1, 3)
    displace.texture_coords, displace.texture_coords_object = "OBJECT", empty
    return obj


def tube(name: str, points: Sequence[Point3], radius: float, *, closed: bool = False) -> Any:
    """A round tube along a smooth path."""
    curve = bpy.data.curves.new(name, "CURVE")
    curve.dimensions, curve.bevel_depth, curve.bevel_resolution, curve.use_fill_caps = "3D", radius, 4, True
    spline = curve.splines.new("NURBS")
    spline.points.add(len(points) - 1)
    for point, co in zip(spline.points, points, strict=True):
        point.co = (*co, 1.0)
    spline.use_endpoint_u, spline.order_u, spline.use_cyclic_u = not closed, 3, closed
    return link(bpy.data.objects.new(name, curve))


def arc(centre: Point3, rx: float, rz: float, start: float, end: float, steps: int = 16) -> list[Point3]:
    """Points of an elliptic arc in the xz plane; angles in degrees."""
    angles = np.radians(np.linspace(start, end, steps))
    return [(centre[0] + rx * math.cos(a), centre[1], centre[2] + rz * math.sin(a)) for a in angles]


def plane(name: str, width: float, height: float, matrix: Any, material: Any) -> Any:
    """A rectangle; ``matrix`` moves it from the xy plane."""
    w, h = width / 2, height / 2
    obj = mesh_object(name, [(-w, -h, 0), (w, -h, 0), (w, h, 0), (-w, h, 0)], [(0, 1, 2, 3)])
    obj.matrix_world = matrix
    obj.data.materials.append(material)
    return obj


def block(name: str, size: Point3, centre: Point3, material: Any) -> Any:
    """A box with sharp edges: for things too far away to need round ones."""
    low, high = (np.array(centre) - np.array(size) / 2, np.array(centre) + np.array(size) / 2)
    ends = (low, high)
    vertices = [(ends[i][0], ends[j][1], ends[k][2]) for i in (0, 1) for j in (0, 1) for k in (0, 1)]
    faces = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    obj = mesh_object(name, vertices, faces, smooth=False)
    obj.data.materials.append(material)
    return obj


def ball(name: str, radius: float, squash: float = 1.0, segments: int = 24) -> Any:
    """A ball resting on z = 0, ``squash`` times as high as wide."""
    angles = np.linspace(-math.pi / 2, math.pi / 2, segments // 2)
    profile = [(float(radius * math.cos(a)), float(radius * squash * (1 + math.sin(a)))) for a in angles]
    return lathe(name, profile, radius=0.0, segments=segments)


def height_field(name: str, x: Any, y: Any, z: Any) -> Any:
    """A smooth surface over the grid of ``x`` (W,) and ``y`` (H,) with heights ``z`` (H, W)."""
    width, height = len(x), len(y)
    gx, gy = np.meshgrid(x, y)
    points = np.stack([gx, gy, z], 2).reshape(-1, 3).astype(np.float32)
    corner = (np.arange(height - 1)[:, None] * width + np.arange(width - 1)[None]).reshape(-1, 1)
    quads = corner + np.array([[0, 1, width + 1, width]])
    mesh = bpy.data.meshes.new(name)
    mesh.vertices.add(len(points))
    mesh.vertices.foreach_set("co", points.ravel())
    mesh.loops.add(quads.size)
    mesh.loops.foreach_set("vertex_index", quads.ravel().astype(np.int32))
    mesh.polygons.add(len(quads))
    mesh.polygons.foreach_set("loop_start", np.arange(0, quads.size, 4, dtype=np.int32))
    mesh.polygons.foreach_set("use_smooth", np.ones(len(quads), bool))
    mesh.update(calc_edges=True)
    return link(bpy.data.objects.new(name, mesh))
