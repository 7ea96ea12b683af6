"""Signed-distance primitives and their combination into one solid, in numpy only.

Knows shapes, positions and which material a surface point has; knows nothing of light, cameras or colours.
Every point array is float32 of shape [3, n]; the y axis points up and one unit is about the height of a subject.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
Vector = tuple[float, float, float]


def rotation(x_deg: float = 0.0, y_deg: float = 0.0, z_deg: float = 0.0) -> Array:
    """Rotation matrix [3, 3] applying z, then x, then y (degrees)."""
    ax, ay, az = np.radians([x_deg, y_deg, z_deg])
    cx, sx, cy, sy, cz, sz = np.cos(ax), np.sin(ax), np.cos(ay), np.sin(ay), np.cos(az), np.sin(az)
    rx = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    ry = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    rz = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return np.asarray(ry @ rx @ rz, dtype=np.float32)


def ellipsoid(p: Array, rx: float, ry: float, rz: float) -> Array:
    """Approximate distance to an axis-aligned ellipsoid at the origin."""
    if rx == ry == rz:
        return np.sqrt(p[0] * p[0] + p[1] * p[1] + p[2] * p[2]) - np.float32(rx)
    ax, ay, az = p[0] * np.float32(1 / rx), p[1] * np.float32(1 / ry), p[2] * np.float32(1 / rz)
    k0 = np.sqrt(ax * ax + ay * ay + az * az)
    ax *= np.float32(1 / rx)
    ay *= np.float32(1 / ry)
    az *= np.float32(1 / rz)
    k1 = np.sqrt(ax * ax + ay * ay + az * az) + np.float32(1e-6)
    return k0 * (k0 - np.float32(1)) / k1


def box(p: Array, hx: float, hy: float, hz: float, rounding: float = 0.02) -> Array:
    """Distance to a rounded box with the given half extents (rounding included)."""
    qx = np.abs(p[0]) - np.float32(hx - rounding)
    qy = np.abs(p[1]) - np.float32(hy - rounding)
    qz = np.abs(p[2]) - np.float32(hz - rounding)
    inside = np.minimum(np.maximum(qx, np.maximum(qy, qz)), 0)
    np.maximum(qx, 0, out=qx)
    np.maximum(qy, 0, out=qy)
    np.maximum(qz, 0, out=qz)
    return np.sqrt(qx * qx + qy * qy + qz * qz) + inside - np.float32(rounding)


def cylinder(p: Array, radius: float, half_height: float, rounding: float = 0.02) -> Array:
    """Distance to a rounded cylinder around the y axis."""
    qr = np.sqrt(p[0] * p[0] + p[2] * p[2]) - np.float32(radius - rounding)
    qy = np.abs(p[1]) - np.float32(half_height - rounding)
    inside = np.minimum(np.maximum(qr, qy), 0)
    np.maximum(qr, 0, out=qr)
    np.maximum(qy, 0, out=qy)
    return np.sqrt(qr * qr + qy * qy) + inside - np.float32(rounding)


def capsule(p: Array, a: Vector, b: Vector, ra: float, rb: float) -> Array:
    """Distance to a capsule from a to b whose radius runs from ra to rb."""
    bx, by, bz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    inverse = 1.0 / (bx * bx + by * by + bz * bz + 1e-9)
    px, py, pz = p[0] - np.float32(a[0]), p[1] - np.float32(a[1]), p[2] - np.float32(a[2])
    h = px * np.float32(bx * inverse) + py * np.float32(by * inverse) + pz * np.float32(bz * inverse)
    np.clip(h, 0, 1, out=h)
    px -= h * np.float32(bx)
    py -= h * np.float32(by)
    pz -= h * np.float32(bz)
    d = np.sqrt(px * px + py * py + pz * pz)
    d -= h * np.float32(rb - ra) + np.float32(ra)
    return d


def torus(p: Array, ring: float, tube: float) -> Array:
    """Distance to a torus lying in the x-y plane."""
    q = np.sqrt(p[0] * p[0] + p[1] * p[1]) - np.float32(ring)
    return np.sqrt(q * q + p[2] * p[2]) - np.float32(tube)


def cone(p: Array, r_bottom: float, r_top: float, half_height: float, rounding: float = 0.02) -> Array:
    """Distance to a rounded truncated cone around the y axis."""
    profile = ((0.0, -half_height), (r_bottom, -half_height), (r_top, half_height), (0.0, half_height))
    return revolve(p, profile, rounding)


def polygon(x: Array, y: Array, vertices: Sequence[tuple[float, float]]) -> Array:
    """Exact signed distance of points to a closed polygon in the plane; all edges at once."""
    v = np.asarray(vertices, dtype=np.float32)
    w = np.roll(v, -1, axis=0)
    ex, ey = (w - v)[:, 0, None], (w - v)[:, 1, None]
    wx, wy = x[None, :] - v[:, 0, None], y[None, :] - v[:, 1, None]
    t = np.clip((wx * ex + wy * ey) / (ex * ex + ey * ey + np.float32(1e-9)), 0, 1)
    bx, by = wx - ex * t, wy - ey * t
    distance = np.sqrt((bx * bx + by * by).min(axis=0))
    above, below = wy >= 0, y[None, :] < w[:, 1, None]
    left = ex * wy > ey * wx
    flips = ((above & below & left) | ~(above | below | left)).sum(axis=0)
    return np.where(flips % 2 == 1, -distance, distance)


def revolve(p: Array, profile: Sequence[tuple[float, float]], rounding: float = 0.0) -> Array:
    """Distance to a (radius, height) polygon turned around the y axis."""
    return polygon(np.sqrt(p[0] * p[0] + p[2] * p[2]), p[1], profile) - np.float32(rounding)


def prism(
    p: Array, outline: Sequence[tuple[float, float]], half_depth: float, rounding: float = 0.01
) -> Array:
    """Distance to an x-y polygon extruded along z."""
    flat = polygon(p[0], p[1], outline)
    depth = np.abs(p[2]) - np.float32(half_depth)
    inside = np.minimum(np.maximum(flat, depth), 0)
    np.maximum(flat, 0, out=flat)
    np.maximum(depth, 0, out=depth)
    return np.sqrt(flat * flat + depth * depth) + inside - np.float32(rounding)


def tube(p: Array, points: Sequence[Vector], ra: float, rb: float) -> Array:
    """Distance to a chain of capsules through the points, tapering from ra to rb."""
    count = len(points) - 1
    best: Array | None = None
    for i in range(count):
        start, end = ra + (rb - ra) * i / count, ra + (rb - ra) * (i + 1) / count
        d = capsule(p, points[i], points[i + 1], start, end)
        best = d if best is None else np.minimum(best, d)
    assert best is not None, "a tube needs two points"
    return best


def half_space(p: Array, nx: float, ny: float, nz: float, offset: float) -> Array:
    """Distance to the half space n·p < offset; useful for painting."""
    return p[0] * np.float32(nx) + p[1] * np.float32(ny) + p[2] * np.float32(nz) - np.float32(offset)


PRIMITIVES: dict[str, Callable[..., Array]] = {
    f.__name__: f for f in (ellipsoid, box, cylinder, capsule, torus, cone, revolve, prism, tube, half_space)
}


@dataclass(frozen=True)
class Frame:
    """A joint: parts in it turn together around `at` (a head on a neck)."""

    at: Vector = (0.0, 0.0, 0.0)
    turn: Array | None = None

    def local(self, p: Array) -> Array:
        """Points [3, n] in this frame; at rest they equal the solid's own coordinates."""
        if self.turn is None:
            return p
        at = np.asarray(self.at, dtype=np.float32)[:, None]
        return np.asarray(self.turn.T @ (p - at) + at, dtype=np.float32)


REST = Frame()


@dataclass(frozen=True)
class Part:
    """One primitive of a solid. `op` is "add", "cut" (removes) or "paint" (only changes the coat inside it)."""

    kind: str
    params: tuple[object, ...]
    material: int = 0
    at: Vector = (0.0, 0.0, 0.0)
    turn: Array | None = None
    blend: float = 0.0
    mirror: bool = False
    op: str = "add"
    flat_z: float = 1.0
    frame: Frame = REST

    def distance(self, p: Array) -> Array:
        """Distance of points [3, n], given in the part's frame."""
        q = np.empty_like(p)
        np.subtract(np.abs(p[0]) if self.mirror else p[0], np.float32(self.at[0]), out=q[0])
        np.subtract(p[1], np.float32(self.at[1]), out=q[1])
        np.subtract(p[2], np.float32(self.at[2]), out=q[2])
        if self.turn is not None:
            q = self.turn.T @ q
        if self.flat_z != 1.0:
            q[2] *= np.float32(1 / self.flat_z)
        d = PRIMITIVES[self.kind](q, *self.params)
        return d * np.float32(min(1.0, self.flat_z)) if self.flat_z != 1.0 else d


@dataclass
class Solid:
    """Parts combined by smooth unions, with a box around them (`low`, `high`), found on construction."""

    parts: list[Part]
    low: Array = field(init=False)
    high: Array = field(init=False)

    def __post_init__(self) -> None:
        self.shapes = [p for p in self.parts if p.op != "paint"]
        self.paints = [p for p in self.parts if p.op == "paint"]
        self.low, self.high = self._bounds()

    def distance(self, p: Array) -> Array:
        """Distance of points [3, n] to the surface (negative inside)."""
        total: Array | None = None
        frame, local = REST, p
        for part in self.shapes:
            if part.frame is not frame:
                frame, local = part.frame, part.frame.local(p)
            d = part.distance(local)
            if total is None:
                total = d
            elif part.op == "cut":
                np.maximum(total, -d, out=total)
            elif part.blend > 0:
                k = np.float32(part.blend)
                h = np.maximum(k - np.abs(total - d), 0)
                np.minimum(total, d, out=total)
                h *= h
                h *= np.float32(0.25) / k
                total -= h
            else:
                np.minimum(total, d, out=total)
        assert total is not None, "a solid needs a part"
        return total

    def surface(self, p: Array) -> tuple[npt.NDArray[np.intp], Array]:
        """Material index [n] of surface points [3, n] and the points [3, n] in the frame of their part."""
        frames = {id(part.frame): part.frame.local(p) for part in self.parts}
        nearest = np.stack([np.abs(part.distance(frames[id(part.frame)])) for part in self.shapes]).argmin(
            axis=0
        )
        material = np.array([part.material for part in self.shapes])[nearest]
        local = p
        if len(frames) > 1:
            keys = list(frames)
            owner = np.array([keys.index(id(part.frame)) for part in self.shapes])[nearest]
            local = np.choose(owner[None, :], [frames[key] for key in keys])
        # Paint covers the coat (the first shape's material) and other paint, never eyes, collars or handles.
        coat = material == self.shapes[0].material
        for paint in self.paints:
            material[coat & (paint.distance(frames[id(paint.frame)]) < 0)] = paint.material
        return material, local

    def normal(self, p: Array, step: float) -> Array:
        """Outward unit normals [3, n], by tetrahedron differences of the given step."""
        corners = np.array([[1, -1, -1], [-1, -1, 1], [-1, 1, -1], [1, 1, 1]], dtype=np.float32)
        n = p.shape[1]
        many = (p[:, None, :] + np.float32(step) * corners.T[:, :, None]).reshape(3, 4 * n)
        d = self.distance(many).reshape(4, n)
        g = corners.T @ d
        return np.asarray(g / (np.sqrt((g * g).sum(axis=0)) + np.float32(1e-9)), dtype=np.float32)

    def _bounds(self) -> tuple[Array, Array]:
        """Box of the region where the distance is small, found on a coarse grid (robust for every primitive)."""
        axis = np.linspace(-1.35, 1.35, 19, dtype=np.float32)
        up = np.linspace(-0.1, 1.9, 15, dtype=np.float32)
        grid = np.stack(np.meshgrid(axis, up, axis, indexing="ij")).reshape(3, -1).astype(np.float32)
        near = self.distance(grid) < 0.11
        if not near.any():
            return np.full(3, -1, np.float32), np.full(3, 1, np.float32)
        points = grid[:, near]
        margin = np.float32(0.05)
        return points.min(axis=1) - margin, points.max(axis=1) + margin
