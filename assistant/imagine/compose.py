"""Puts cut-outs into a scene: in its light, with a shadow, before a blurred distance. Knows pictures only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from assistant.imagine.cutout import Cutout
from assistant.imagine.placing import Placement
from assistant.imagine.scenes import Scene
from personalizer.schemas import Float32Array, Int64Array

_MOST_SHADE = 0.82
_GRAIN = 0.008


def compose(scene: Scene, cutouts: Sequence[Cutout], places: Sequence[Placement]) -> Image.Image:
    """`cutouts` in front of `scene`; who stands further down the picture stands in front."""
    order = sorted(range(len(cutouts)), key=lambda index: places[index].base)
    focus = min((places[index].base for index in order), default=scene.image.height) / scene.image.height
    canvas = with_depth(_floats(scene.image), scene, focus)
    for index in order:
        cutout, place = cutouts[index], places[index]
        resized = _floats(cutout.image.resize((place.width, place.height), Image.Resampling.LANCZOS))
        color, alpha = relit(resized[..., :3], resized[..., 3], scene), resized[..., 3]
        if not cutout.cut_below and scene.surface != "water":
            canvas = _with_shadow(canvas, alpha, place, scene)
        canvas = _over(canvas, color, alpha, place)
    return Image.fromarray((_grained(canvas) * 255).round().clip(0, 255).astype(np.uint8))


def _floats(image: Image.Image) -> Float32Array:
    pixels: Float32Array = np.asarray(image, dtype=np.float32) / np.float32(255)
    return pixels


def with_depth(pixels: Float32Array, scene: Scene, focus: float) -> Float32Array:
    """The scene with the sharp zone of a lens where the thing stands, at a height of `focus`."""
    import cv2

    height = pixels.shape[0]
    blur = scene.blur_px * height / 768
    if blur < 0.3:
        return pixels
    soft = cv2.GaussianBlur(pixels, (0, 0), blur)
    softer = cv2.GaussianBlur(pixels, (0, 0), 2.2 * blur)
    rows = (np.arange(height, dtype=np.float32) + 0.5) / height
    # 0 where the thing stands, 1 at the horizon and above it; nearer than the thing it is soft again.
    reach = max(0.05, focus - scene.horizon)
    away = np.where(rows < focus, (focus - rows) / reach, (rows - focus) / (2 * reach))
    away = np.clip(away, 0, 1)[:, None, None]
    half = np.clip(2 * away, 0, 1)
    rest = np.clip(2 * away - 1, 0, 1)
    return np.asarray(pixels * (1 - half) + half * (soft * (1 - rest) + softer * rest), dtype=np.float32)


def relit(color: Float32Array, alpha: Float32Array, scene: Scene) -> Float32Array:
    """The colors of a thing in the scene's light: only partly, so that a black dog stays black and is recognized."""
    if not (alpha > 0.5).any():
        return color
    light = np.asarray(scene.light_color, dtype=np.float32)
    tinted = color * (1 + 0.6 * (light / max(float(light.mean()), 1e-3) - 1))
    # Against a mid-gray that is lit as photos usually are.
    level = float(np.clip(scene.ambient_level / 0.55, 0.3, 1.15)) ** 0.6
    return np.asarray(np.clip(tinted * level, 0, 1), dtype=np.float32)


def _over(canvas: Float32Array, color: Float32Array, alpha: Float32Array, place: Placement) -> Float32Array:
    """`color` over the canvas; what lies outside the frame is left out."""
    height, width = canvas.shape[:2]
    top, left = max(0, place.top), max(0, place.left)
    bottom, right = min(height, place.top + place.height), min(width, place.left + place.width)
    if bottom <= top or right <= left:
        return canvas
    own = np.s_[top - place.top : bottom - place.top, left - place.left : right - place.left]
    share = alpha[own][..., None]
    canvas = canvas.copy()
    canvas[top:bottom, left:right] = canvas[top:bottom, left:right] * (1 - share) + color[own] * share
    return canvas


def _with_shadow(canvas: Float32Array, alpha: Float32Array, place: Placement, scene: Scene) -> Float32Array:
    """Darkens the ground where the thing stands, and where it keeps the light away."""
    shade = _cast(canvas.shape[:2], alpha, place, scene)
    contact = _contact(canvas.shape[:2], alpha, place)
    dark = 1 - (1 - scene.shadow_strength * shade) * (1 - (0.45 + 0.3 * scene.shadow_strength) * contact)
    return np.asarray(canvas * (1 - np.clip(dark, 0, _MOST_SHADE)[..., None]), dtype=np.float32)


def _cast(shape: tuple[int, ...], alpha: Float32Array, place: Placement, scene: Scene) -> Float32Array:
    """The outline laid on the ground, away from the light `[height, width]`, 0 to 1."""
    import cv2

    toward_x, toward_y = scene.shadow_direction
    down = -1.0 if toward_y < 0 else 1.0
    flat, across = down * (0.06 + 0.14 * abs(toward_y)), 0.5 * toward_x
    lift = 0.02 * place.height
    moved = np.array(
        [
            [1, -across, place.left + across * place.height],
            [0, -flat, place.base - lift + flat * place.height],
        ],
        dtype=np.float32,
    )
    cast = cv2.warpAffine(alpha, moved, (shape[1], shape[0]))
    softness = max(0.8, (0.008 + 0.035 * scene.shadow_softness) * place.height)
    return np.asarray(cv2.GaussianBlur(cast, (0, 0), softness), dtype=np.float32)


def _contact(shape: tuple[int, ...], alpha: Float32Array, place: Placement) -> Float32Array:
    """Narrow and dark, right below whatever of the outline comes near the ground `[height, width]`, 0 to 1."""
    import cv2

    solid = alpha > 0.5
    lowest = np.where(solid.any(axis=0), solid.shape[0] - 1 - np.argmax(solid[::-1], axis=0), -1)
    above = (solid.shape[0] - 1 - lowest) / solid.shape[0]
    # What ends more than a seventh of its height above the ground does not touch it.
    near = np.where(lowest >= 0, np.clip(1 - above / 0.14, 0, 1), 0).astype(np.float32)
    drawn = np.zeros(shape[:2], np.float32)
    thick = max(2, round(0.014 * place.height))
    for column in np.flatnonzero(near):
        x = place.left + int(column)
        y = place.top + int(lowest[column])
        if 0 <= x < shape[1] and 0 <= y < shape[0]:
            drawn[max(0, y - thick) : y + thick, x] = near[column]
    spread = max(1.0, 0.016 * place.height)
    wide = cv2.GaussianBlur(drawn, (0, 0), 2.4 * spread, sigmaY=0.9 * spread)
    narrow = cv2.GaussianBlur(drawn, (0, 0), spread, sigmaY=0.45 * spread)
    under = _below(shape, lowest, place)
    return np.asarray(np.clip(0.9 * wide + 0.7 * narrow + 0.8 * under, 0, 1), dtype=np.float32)


def _below(shape: tuple[int, ...], lowest: Int64Array, place: Placement) -> Float32Array:
    """The soft shade between the ground and what stands over it `[height, width]`, 0 to 1.

    `lowest` is the last row of the thing in each of its columns, -1 where there is none.
    """
    import cv2

    shade = np.zeros(shape[:2], np.float32)
    thick = max(2, round(0.03 * place.height))
    for column in np.flatnonzero(lowest >= 0):
        over = (place.height - 1 - int(lowest[column])) / place.height
        x = place.left + int(column)
        # What is further back touches the ground higher up in the picture.
        y = round(place.base - 0.3 * over * place.height)
        if over < 0.45 and 0 <= x < shape[1] and 0 <= y < shape[0]:
            shade[max(0, y - thick) : y + thick, x] = 1 - over / 0.45
    spread = max(1.0, 0.03 * place.height)
    return np.asarray(cv2.GaussianBlur(shade, (0, 0), 1.6 * spread, sigmaY=0.7 * spread), dtype=np.float32)


def _grained(canvas: Float32Array) -> Float32Array:
    """One grain over all of it, as one sensor would have left."""
    noise = np.random.default_rng(0).normal(0, 1, canvas.shape[:2]).astype(np.float32)
    return np.asarray(np.clip(canvas + _GRAIN * noise[..., None], 0, 1), dtype=np.float32)
