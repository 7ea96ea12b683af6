"""Renders a scene to an RGB picture: place and ground, then each solid, then tone curve and sensor noise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from scripts.render.geometry.raymarch import (
    Indices,
    Posed,
    camera_rays,
    chunks,
    ground_occlusion,
    march,
    shadow,
)
from scripts.render.geometry.shading import shade
from scripts.render.scene import FAST, Quality, Scene

Array = npt.NDArray[np.float32]


def render(
    scene: Scene,
    width: int,
    height: int,
    quality: Quality = FAST,
    behind: npt.NDArray[np.uint8] | None = None,
) -> npt.NDArray[np.uint8]:
    """Renders the scene; returns RGB uint8 [height, width, 3].

    `behind` is a picture that is seen instead of the place; of any size, it is stretched.
    """
    factor = quality.supersample
    w, h = width * factor, height * factor
    eye, d, pixel = camera_rays(scene.camera, w, h)
    posed = [Posed(item) for item in scene.items]
    if behind is None:
        picture, depth = _ground(scene, posed, eye, d, pixel, quality)
    else:
        picture, depth = _photo(behind, scene, posed, eye, d, w, h)
    focus = float(np.linalg.norm(np.asarray(scene.camera.eye) - np.asarray(scene.camera.target)))
    if quality.focus_blur > 0 and behind is None:
        soft = _blurred(picture, w, h, max(w, h) / 110 * quality.focus_blur * scene.blur)
        mix = np.clip((depth - np.float32(focus * 1.12)) / np.float32(focus * 0.6), 0, 1)
        picture += (soft - picture) * mix
    front = np.full(w * h, 1e3, np.float32)
    order = sorted(posed, key=lambda one: -float(np.linalg.norm(one.at[:, 0] - eye[:, 0])))
    for one in order:
        _draw(scene, posed, one, picture, depth, front, eye, d, pixel, quality)
    return _develop(picture, w, h, scene, quality)


def _ground(
    scene: Scene, posed: Sequence[Posed], eye: Array, d: Array, pixel: float, quality: Quality
) -> tuple[Array, Array]:
    """Linear radiance [3, n] of place and ground, and the distance [n] at which each ray meets the ground."""
    place, light = scene.place, scene.light
    n = d.shape[1]
    reach = np.full(n, 1e3, np.float32)
    down = d[1] < -1e-4
    reach[down] = -eye[1] / d[1, down]
    z = eye[2] + d[2] * reach
    on_ground = down & (z > place.edge_z)
    reach[~on_ground] = 1e3
    key, ambient = (
        np.asarray(light.color, np.float32)[:, None],
        np.asarray(light.ambient, np.float32)[:, None],
    )
    result = np.zeros((3, n), np.float32)
    for far in chunks(np.flatnonzero(~on_ground)):
        s = (np.float32(place.wall_z) - eye[2]) / np.minimum(d[2, far], np.float32(-1e-3))
        u, v = eye[0] + d[0, far] * s, eye[1] + d[1, far] * s
        strength = ambient * np.float32(0.62) + key * np.float32(0.42)
        result[:, far] = place.backdrop(u, v) * strength
        if light.falloff:
            result[:, far] *= 1 / (
                1
                + np.float32(light.falloff)
                * ((u - np.float32(light.direction[0] * 2)) ** 2 + (v - 1) ** 2)
                * np.float32(0.5)
            )
    for ground in chunks(np.flatnonzero(on_ground)):
        p = eye + d[:, ground] * reach[ground]
        p[1] = 0
        texture = place.ground(p[0], p[2])
        footprint = reach[ground] * np.float32(pixel) / np.maximum(-d[1, ground], np.float32(0.02))
        detail = np.exp(-np.maximum(footprint - np.float32(0.05), 0) * np.float32(5))
        average = np.float32(0.55) * texture + np.float32(0.45) * place.mean[:, None]
        texture = average + (texture - average) * detail
        lit = shadow(posed, p, light, quality.shadow_steps)
        dark = ground_occlusion(posed, p)
        strength = key * (lit * np.float32(max(light.direction[1], 0.25))) + ambient * dark
        if light.falloff:
            strength = strength / (1 + np.float32(light.falloff) * (p[0] ** 2 + p[2] ** 2) * np.float32(0.25))
        result[:, ground] = texture * strength
    return result, reach


def _photo(
    behind: npt.NDArray[np.uint8],
    scene: Scene,
    posed: Sequence[Posed],
    eye: Array,
    d: Array,
    width: int,
    height: int,
) -> tuple[Array, Array]:
    """Linear radiance [3, n] of a photo, darkened where things stand on it; nothing of it hides them."""
    stretched = Image.fromarray(behind).resize((width, height), Image.Resampling.BILINEAR)
    coded = np.asarray(stretched, np.float32).reshape(-1, 3).T / np.float32(255)
    picture = np.power(coded, np.float32(2.2)) / np.float32(scene.exposure)
    down = np.flatnonzero(d[1] < -1e-4)
    reach = -eye[1] / d[1, down]
    p = eye + d[:, down] * reach
    p[1] = 0
    picture[:, down] *= ground_occlusion(posed, p)
    return np.ascontiguousarray(picture, np.float32), np.full(d.shape[1], 1e3, np.float32)


def _blurred(picture: Array, width: int, height: int, radius: float) -> Array:
    """The linear picture [3, n] blurred by a Gaussian of the radius in pixels."""
    out = np.empty_like(picture)
    for c in range(3):
        coded = np.clip(np.sqrt(np.clip(picture[c], 0, 4)) * 127.0, 0, 255).astype(np.uint8)
        plane = Image.fromarray(coded.reshape(height, width))
        soft = np.asarray(plane.filter(ImageFilter.GaussianBlur(radius)), np.float32) / np.float32(127)
        out[c] = (soft * soft).reshape(-1)
    return out


def _draw(
    scene: Scene,
    posed: Sequence[Posed],
    one: Posed,
    picture: Array,
    depth: Array,
    front: Array,
    eye: Array,
    d: Array,
    pixel: float,
    quality: Quality,
) -> None:
    """Marches one item and lays it over the picture (in place)."""
    scale = np.float32(one.item.scale)
    origin = one.points(eye)
    direction = one.directions(d)
    t0, t1 = one.span(origin, direction)
    t1 = np.minimum(t1, np.minimum(depth, 50) / scale)
    chosen = np.flatnonzero((t1 > t0) & (t1 > 0.05))
    if chosen.size == 0:
        return
    for chunk in chunks(chosen):
        _draw_pixels(
            scene, posed, one, picture, front, eye, d, pixel, quality, chunk, origin, direction, t0, t1
        )


def _draw_pixels(
    scene: Scene,
    posed: Sequence[Posed],
    one: Posed,
    picture: Array,
    front: Array,
    eye: Array,
    d: Array,
    pixel: float,
    quality: Quality,
    chosen: Indices,
    origin: Array,
    rays: Array,
    t0: Array,
    t1: Array,
) -> None:
    """One chunk of `_draw`."""
    scale = np.float32(one.item.scale)
    direction = rays[:, chosen]
    t, cover = march(
        one.item.solid, origin, direction, np.maximum(t0[chosen], 0.05), t1[chosen], pixel, quality.steps
    )
    cover[t * scale > front[chosen] + np.float32(0.02)] = 0
    seen = np.flatnonzero(cover > 0.03)
    if seen.size == 0:
        return
    t, cover, where = t[seen], cover[seen], chosen[seen]
    local = origin + direction[:, seen] * t
    p = eye + d[:, where] * (t * scale)
    soft = pixel * float(np.linalg.norm(origin[:, 0]))
    color = shade(scene, posed, one, p, local, d[:, where], soft, quality)
    picture[:, where] += (color - picture[:, where]) * cover
    solid = cover > 0.5
    front[where[solid]] = np.minimum(front[where[solid]], t[solid] * scale)


def _develop(picture: Array, w: int, h: int, scene: Scene, quality: Quality) -> npt.NDArray[np.uint8]:
    """Tone curve, supersampling, vignette and sensor noise."""
    x = picture.reshape(3, h, w) * np.float32(scene.exposure)
    x = np.where(
        x < 0.6, x, np.float32(0.6) + np.float32(0.4) * (1 - np.exp(-(x - np.float32(0.6)) * np.float32(2.5)))
    )
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
