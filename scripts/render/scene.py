"""Ray-marches a scene (solids in a place under a light) to an RGB picture with shadows and ambient occlusion.

Knows geometry and light; knows nothing of which subjects exist or how pictures are described.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from .materials import FINISHES, Material, albedo, noise
from .places import Place
from .sdf import Solid, rotation

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Light:
    """A key light from a direction, with ambient light from above. Colours are linear RGB strengths."""

    name: str
    direction: tuple[float, float, float]
    color: tuple[float, float, float]
    ambient: tuple[float, float, float]
    softness: float = 10.0
    falloff: float = 0.0


@dataclass(frozen=True)
class Camera:
    """Pinhole camera; `fov_deg` spans the longer side of the picture."""

    eye: tuple[float, float, float]
    target: tuple[float, float, float]
    fov_deg: float = 36.0
    roll_deg: float = 0.0


@dataclass(frozen=True)
class Item:
    """A solid standing at (x, z), lifted by y, turned by yaw and then tipped, scaled."""

    solid: Solid
    materials: Sequence[Material]
    at: tuple[float, float, float] = (0.0, 0.0, 0.0)
    yaw_deg: float = 0.0
    scale: float = 1.0
    tip: tuple[float, float] = (0.0, 0.0)

    def turn(self) -> Array:
        """Rotation [3, 3] from the solid's space to the world."""
        return rotation(0, self.yaw_deg, 0) @ rotation(self.tip[0], 0, self.tip[1])


@dataclass(frozen=True)
class Quality:
    """Effort: march and shadow steps, ambient-occlusion samples, supersampling factor."""

    steps: int = 26
    shadow_steps: int = 9
    occlusion: int = 2
    supersample: int = 1
    focus_blur: float = 1.0
    noise: float = 0.012


FAST = Quality()
FINE = Quality(steps=90, shadow_steps=28, occlusion=4, supersample=2, focus_blur=1.0, noise=0.008)


@dataclass(frozen=True)
class Scene:
    """Everything that is needed for a picture; `seed` drives sensor noise only."""

    items: Sequence[Item]
    place: Place
    light: Light
    camera: Camera
    seed: int = 0
    exposure: float = 1.0


class _Posed:
    """An item with its rotation at hand."""

    def __init__(self, item: Item) -> None:
        self.item, self.turn = item, item.turn()
        self.at = np.asarray(item.at, dtype=np.float32)[:, None]
        self.inverse = np.float32(1 / item.scale)

    def points(self, p: Array) -> Array:
        return np.asarray(self.turn.T @ (p - self.at) * self.inverse, dtype=np.float32)

    def directions(self, d: Array) -> Array:
        return np.asarray(self.turn.T @ d, dtype=np.float32)

    def span(self, origin: Array, direction: Array, grow: float = 0.0) -> tuple[Array, Array]:
        """Entry and exit distances, in the solid's units, of local rays through its box."""
        with np.errstate(divide="ignore", invalid="ignore"):
            inverse = np.float32(1) / np.where(np.abs(direction) < 1e-6, np.float32(1e-6), direction)
        a = (self.item.solid.low[:, None] - np.float32(grow) - origin) * inverse
        b = (self.item.solid.high[:, None] + np.float32(grow) - origin) * inverse
        return np.minimum(a, b).max(axis=0), np.maximum(a, b).min(axis=0)


def _rays(camera: Camera, width: int, height: int) -> tuple[Array, Array, float]:
    """Eye [3, 1], unit directions [3, n] and the angle of a pixel in radians."""
    eye, target = np.asarray(camera.eye, np.float64), np.asarray(camera.target, np.float64)
    forward = (target - eye) / np.linalg.norm(target - eye)
    right = np.cross(forward, [0, 1, 0])
    right /= np.linalg.norm(right)
    up = np.cross(right, forward)
    roll = np.radians(camera.roll_deg)
    right, up = right * np.cos(roll) + up * np.sin(roll), up * np.cos(roll) - right * np.sin(roll)
    pixel = 2 * np.tan(np.radians(camera.fov_deg) / 2) / max(width, height)
    xs = (np.arange(width) + 0.5 - width / 2) * pixel
    ys = (height / 2 - np.arange(height) - 0.5) * pixel
    d = forward[:, None, None] + right[:, None, None] * xs[None, None, :] + up[:, None, None] * ys[None, :, None]
    d = d.reshape(3, -1)
    d /= np.sqrt((d * d).sum(axis=0))
    return eye.astype(np.float32)[:, None], d.astype(np.float32), float(pixel)


def _march(solid: Solid, origin: Array, direction: Array, t0: Array, t1: Array, pixel: float, steps: int) -> tuple[Array, Array]:
    """Distance along each ray to the surface or closest approach, and coverage 0…1 of the pixel."""
    n = direction.shape[1]
    t, best, at = t0.copy(), np.full(n, 9.0, np.float32), t0.copy()
    alive = np.arange(n)
    for _ in range(steps):
        ta = t[alive]
        d = solid.distance(origin + direction[:, alive] * ta)
        size = np.maximum(ta, np.float32(0.2)) * np.float32(pixel)
        ratio = d / size
        better = ratio < best[alive]
        improved = alive[better]
        best[improved] = ratio[better]
        at[improved] = ta[better]
        ta = ta + np.maximum(d * np.float32(0.92), size * np.float32(0.25))
        t[alive] = ta
        alive = alive[(ratio > 0.2) & (ta < t1[alive])]
        if alive.size == 0:
            break
    return at, np.clip(1.3 - best, 0, 1)


def _shadow(posed: Sequence[_Posed], p: Array, light: Light, steps: int) -> Array:
    """Share of the key light [n] that reaches world points [3, n]."""
    lit = np.ones(p.shape[1], np.float32)
    toward = np.asarray(light.direction, np.float32)[:, None]
    for one in posed:
        local = one.points(p)
        direction = one.directions(toward)
        t0, t1 = one.span(local, np.broadcast_to(direction, local.shape), 0.03)
        near = np.flatnonzero((t1 > np.maximum(t0, 0)) & (lit > 0.01))
        if near.size == 0:
            continue
        start, end = local[:, near], t1[near]
        t = np.maximum(t0[near], np.float32(0.012))
        least = np.ones(near.size, np.float32)
        alive = np.arange(near.size)
        for _ in range(steps):
            ta = t[alive]
            d = one.item.solid.distance(start[:, alive] + direction * ta)
            seen = np.clip(np.float32(0.5) + np.float32(0.5) * d * np.float32(light.softness) / (ta + np.float32(0.05)), 0, 1)
            least[alive] = np.minimum(least[alive], seen)
            ta = ta + np.maximum(d, np.float32(1.1 / (steps + 4)) * np.float32(0.35))
            t[alive] = ta
            alive = alive[(least[alive] > 0.02) & (ta < end[alive])]
            if alive.size == 0:
                break
        least = least * least * (3 - 2 * least)
        lit[near] *= least
    return lit


def _ground_occlusion(posed: Sequence[_Posed], p: Array) -> Array:
    """Darkening [n] of ground points near where things stand."""
    result = np.ones(p.shape[1], np.float32)
    for one in posed:
        local = one.points(p)
        low, high = one.item.solid.low[:, None] - np.float32(0.28), one.item.solid.high[:, None] + np.float32(0.28)
        near = np.flatnonzero(((local > low) & (local < high)).all(axis=0))
        if near.size:
            d = np.clip(one.item.solid.distance(local[:, near]) * np.float32(1 / 0.34), 0, 1)
            result[near] *= np.float32(0.32) + np.float32(0.68) * np.sqrt(d)
    return result


def _occlusion(one: _Posed, local: Array, normal: Array, samples: int) -> Array:
    total = np.zeros(local.shape[1], np.float32)
    weight = 0.0
    for i in range(samples):
        h = 0.05 * 2.1**i
        d = np.clip(one.item.solid.distance(local + normal * np.float32(h)) * np.float32(1 / h), 0, 1)
        total += d * np.float32(0.7**i)
        weight += 0.7**i
    own = total * np.float32(1 / weight)
    floor = np.clip((local[1] + np.float32(0.05)) * np.float32(3.2) + np.maximum(normal[1], 0), 0, 1)
    return np.asarray((np.float32(0.25) + np.float32(0.75) * own) * (np.float32(0.45) + np.float32(0.55) * floor), np.float32)


def _environment(scene: Scene, direction: Array) -> Array:
    """Reflected surroundings [3, n] without the key light."""
    place, ambient = scene.place, np.asarray(scene.light.ambient, np.float32)
    y = direction[1]
    t = np.clip(y, 0, 1)[None, :]
    sky = place.horizon[:, None] + (place.zenith - place.horizon)[:, None] * t
    down = place.mean[:, None] * np.float32(0.55)
    mix = np.clip(y * np.float32(6) + np.float32(0.5), 0, 1)[None, :]
    result = (down + (sky - down) * mix) * ambient[:, None] * np.float32(1.6)
    if place.indoor:  # the window that lights the room, as a soft white patch
        key = scene.light.direction
        side = np.float32(1.0 if key[0] >= 0 else -1.0)
        pane = ((direction[0] * side > 0.30) & (direction[0] * side < 0.72) & (y > 0.18) & (y < 0.72) & (direction[2] > 0.05)).astype(np.float32)
        result = result + pane * np.asarray(scene.light.color, np.float32)[:, None] * np.float32(0.9)
    return np.asarray(result, np.float32)


def _shade(scene: Scene, posed: Sequence[_Posed], one: _Posed, p: Array, local: Array, view: Array, soft: float, quality: Quality) -> Array:
    """Linear radiance [3, n] of surface points."""
    solid, light = one.item.solid, scene.light
    step = max(0.004, 0.6 * soft)
    n_local = solid.normal(local, step)
    material, texture = solid.surface(local)
    color = np.empty_like(local)
    finish = np.zeros((5, local.shape[1]), np.float32)
    glow = np.zeros(local.shape[1], np.float32)
    for index in np.unique(material):
        mask = material == index
        stuff = one.item.materials[index]
        color[:, mask] = albedo(stuff, texture[:, mask], soft)
        finish[:, mask] = np.asarray(FINISHES[stuff.finish], np.float32)[:, None]
        glow[mask] = stuff.glow
    fuzzy = np.flatnonzero(finish[4] > 0.1)
    if fuzzy.size:  # fur and plush: ruffle the normals
        q = texture[:, fuzzy]
        ruffle = np.stack([noise(q[0] * 1.1 + q[2] * 0.8 + s, q[1] * 0.9 - q[2] * 0.5 + s * 0.7) for s in (0.0, 0.31, 0.67)]) - np.float32(0.5)
        bent = n_local[:, fuzzy] + ruffle * np.float32(0.9 * min(1.0, max(0.3, 0.010 / soft)))
        n_local[:, fuzzy] = bent / (np.sqrt((bent * bent).sum(axis=0)) + np.float32(1e-6))
    normal = one.turn @ n_local
    toward = np.asarray(light.direction, np.float32)[:, None]
    wrap = np.float32(0.18) * (finish[4] > 0.1)
    diffuse = np.clip(((normal * toward).sum(axis=0) + wrap) / (1 + wrap), 0, 1)
    lit = np.zeros(local.shape[1], np.float32)
    facing = np.flatnonzero(diffuse > 0.01)
    if facing.size:
        start = p[:, facing] + normal[:, facing] * np.float32(0.02 * one.item.scale)
        lit[facing] = _shadow(posed, start, light, quality.shadow_steps)
    occluded = _occlusion(one, local, n_local, quality.occlusion)
    key = np.asarray(light.color, np.float32)[:, None]
    ambient = np.asarray(light.ambient, np.float32)[:, None]
    up = np.float32(0.5) + np.float32(0.5) * normal[1]
    bounce = scene.place.mean[:, None] * (ambient * np.float32(0.6) + key * np.float32(0.28))
    indirect = (ambient * up + bounce * (1 - up)) * occluded
    radiance = color * (key * (diffuse * lit) + indirect)
    facing_ratio = np.clip(-(normal * view).sum(axis=0), 0, 1)
    fresnel = (1 - facing_ratio) ** 4
    radiance += color * (finish[3] * fresnel * occluded)[None, :] * (ambient + key * np.float32(0.5)) * np.float32(1.6)
    shiny = np.flatnonzero(finish[0] > 0.03)
    if shiny.size:
        v, m, f = view[:, shiny], normal[:, shiny], finish[:, shiny]
        half = toward - v
        half /= np.sqrt((half * half).sum(axis=0)) + np.float32(1e-6)
        spec = np.clip((m * half).sum(axis=0), 0, 1) ** f[1] * f[0] * lit[shiny]
        metal = (f[2] > 0.4).astype(np.float32)
        tint = color[:, shiny] * metal + (1 - metal)
        extra = key * spec * (tint * np.float32(0.6) + np.float32(0.4))
        mirror = v - 2 * (v * m).sum(axis=0) * m
        amount = f[2] + (1 - f[2]) * fresnel[shiny] * np.clip(f[2] * 4, 0, 0.55)
        around = _environment(scene, mirror) * (np.float32(0.35) + np.float32(0.65) * occluded[shiny])
        radiance[:, shiny] = radiance[:, shiny] * (1 - amount * (0.25 + 0.45 * metal)) + around * tint * amount * (1 + metal) + extra
    return np.asarray(radiance + color * glow, np.float32)


def _ground(scene: Scene, posed: Sequence[_Posed], eye: Array, d: Array, pixel: float, quality: Quality) -> tuple[Array, Array]:
    """Linear radiance [3, n] of place and ground, and the distance [n] at which each ray meets the ground."""
    place, light = scene.place, scene.light
    n = d.shape[1]
    reach = np.full(n, 1e3, np.float32)
    down = d[1] < -1e-4
    reach[down] = -eye[1] / d[1, down]
    z = eye[2] + d[2] * reach
    on_ground = down & (z > place.edge_z)
    reach[~on_ground] = 1e3
    key, ambient = np.asarray(light.color, np.float32)[:, None], np.asarray(light.ambient, np.float32)[:, None]
    result = np.zeros((3, n), np.float32)
    far = np.flatnonzero(~on_ground)
    if far.size:
        s = (np.float32(place.wall_z) - eye[2]) / np.minimum(d[2, far], np.float32(-1e-3))
        u, v = eye[0] + d[0, far] * s, eye[1] + d[1, far] * s
        strength = ambient * np.float32(0.62) + key * np.float32(0.42)
        result[:, far] = place.backdrop(u, v) * strength
        if light.falloff:
            result[:, far] *= 1 / (1 + np.float32(light.falloff) * ((u - np.float32(light.direction[0] * 2)) ** 2 + (v - 1) ** 2) * np.float32(0.5))
    ground = np.flatnonzero(on_ground)
    if ground.size:
        p = eye + d[:, ground] * reach[ground]
        p[1] = 0
        texture = place.ground(p[0], p[2])
        footprint = reach[ground] * np.float32(pixel) / np.maximum(-d[1, ground], np.float32(0.02))
        detail = np.exp(-np.maximum(footprint - np.float32(0.05), 0) * np.float32(5))
        average = np.float32(0.55) * texture + np.float32(0.45) * place.mean[:, None]
        texture = average + (texture - average) * detail
        lit = _shadow(posed, p, light, quality.shadow_steps)
        dark = _ground_occlusion(posed, p)
        strength = key * (lit * np.float32(max(light.direction[1], 0.25))) + ambient * dark
        if light.falloff:
            strength = strength / (1 + np.float32(light.falloff) * (p[0] ** 2 + p[2] ** 2) * np.float32(0.25))
        result[:, ground] = texture * strength
    return result, reach


def _blurred(picture: Array, width: int, height: int, radius: float) -> Array:
    """The linear picture [3, n] blurred by a Gaussian of the radius in pixels."""
    out = np.empty_like(picture)
    for c in range(3):
        coded = np.clip(np.sqrt(np.clip(picture[c], 0, 4)) * 127.0, 0, 255).astype(np.uint8)
        plane = Image.fromarray(coded.reshape(height, width))
        soft = np.asarray(plane.filter(ImageFilter.GaussianBlur(radius)), np.float32) / np.float32(127)
        out[c] = (soft * soft).reshape(-1)
    return out


def render(scene: Scene, width: int, height: int, quality: Quality = FAST) -> npt.NDArray[np.uint8]:
    """Renders the scene; returns RGB uint8 [height, width, 3]."""
    factor = quality.supersample
    w, h = width * factor, height * factor
    eye, d, pixel = _rays(scene.camera, w, h)
    posed = [_Posed(item) for item in scene.items]
    picture, depth = _ground(scene, posed, eye, d, pixel, quality)
    focus = float(np.linalg.norm(np.asarray(scene.camera.eye) - np.asarray(scene.camera.target)))
    if quality.focus_blur > 0:
        soft = _blurred(picture, w, h, max(w, h) / 110 * quality.focus_blur)
        mix = np.clip((depth - np.float32(focus * 1.12)) / np.float32(focus * 0.6), 0, 1)
        picture += (soft - picture) * mix
    front = np.full(w * h, 1e3, np.float32)
    order = sorted(posed, key=lambda one: -float(np.linalg.norm(one.at[:, 0] - eye[:, 0])))
    for one in order:
        _draw(scene, posed, one, picture, depth, front, eye, d, pixel, quality)
    return _develop(picture, w, h, scene, quality)


def _draw(scene: Scene, posed: Sequence[_Posed], one: _Posed, picture: Array, depth: Array, front: Array, eye: Array, d: Array,
          pixel: float, quality: Quality) -> None:
    """Marches one item and lays it over the picture (in place)."""
    scale = np.float32(one.item.scale)
    origin = one.points(eye)
    direction = one.directions(d)
    t0, t1 = one.span(origin, direction)
    t1 = np.minimum(t1, np.minimum(depth, 50) / scale)
    chosen = np.flatnonzero((t1 > t0) & (t1 > 0.05))
    if chosen.size == 0:
        return
    direction = direction[:, chosen]
    t, cover = _march(one.item.solid, origin, direction, np.maximum(t0[chosen], 0.05), t1[chosen], pixel, quality.steps)
    cover[t * scale > front[chosen] + np.float32(0.02)] = 0
    seen = np.flatnonzero(cover > 0.03)
    if seen.size == 0:
        return
    t, cover, where = t[seen], cover[seen], chosen[seen]
    local = origin + direction[:, seen] * t
    p = eye + d[:, where] * (t * scale)
    soft = pixel * float(np.median(t))
    color = _shade(scene, posed, one, p, local, d[:, where], soft, quality)
    picture[:, where] += (color - picture[:, where]) * cover
    solid = cover > 0.5
    front[where[solid]] = np.minimum(front[where[solid]], t[solid] * scale)


def _develop(picture: Array, w: int, h: int, scene: Scene, quality: Quality) -> npt.NDArray[np.uint8]:
    """Tone curve, supersampling, vignette and sensor noise."""
    x = picture.reshape(3, h, w) * np.float32(scene.exposure)
    x = np.where(x < 0.6, x, np.float32(0.6) + np.float32(0.4) * (1 - np.exp(-(x - np.float32(0.6)) * np.float32(2.5))))
    f = quality.supersample
    if f > 1:
        x = x.reshape(3, h // f, f, w // f, f).mean(axis=(2, 4))
        h, w = h // f, w // f
    yy, xx = np.mgrid[0:h, 0:w].astype(np.float32)
    r2 = ((xx - w / 2) / (w / 2)) ** 2 + ((yy - h / 2) / (h / 2)) ** 2
    x = np.clip(x, 0, 1) * (1 - np.float32(0.07) * r2)
    x = np.power(x, np.float32(1 / 2.2))
    if quality.noise > 0:
        x = x + np.random.default_rng(scene.seed).normal(0, quality.noise, x.shape).astype(np.float32)
    return np.ascontiguousarray((np.clip(x, 0, 1) * 255 + 0.5).astype(np.uint8).transpose(1, 2, 0))
