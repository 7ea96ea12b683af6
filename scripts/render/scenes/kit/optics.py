"""What a lens and a sensor do: defocus, bloom, exposure, film curve, vignette, grain."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import numpy.typing as npt

from scripts.render.scenes.kit.camera import Camera
from scripts.render.scenes.kit.noise import Array, f32, mix


def disc_blur(image: Array, radius: float) -> Array:
    """Blurs like a lens out of focus: a disc of `radius` pixels, with a soft rim."""
    if radius < 0.4:
        return image
    if radius > 14:  # at half size, where the disc is hardly coarser
        half = cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        blurred = disc_blur(f32(half), radius / 2)
        return f32(cv2.resize(blurred, image.shape[1::-1], interpolation=cv2.INTER_LINEAR))
    reach = int(np.ceil(radius)) + 1
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    distance = np.hypot(x, y)
    kernel = f32(np.clip(radius + 0.5 - distance, 0, 1) * (0.85 + 0.15 * np.clip(distance / radius, 0, 1)))
    return f32(cv2.filter2D(image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT))


def focus(image: Array, depth: Array, sharp_at: float, far_blur: float) -> Array:
    """Blurs by depth: far * |1 - sharp_at / z| pixels at 768, blended between blurred copies."""
    scale = image.shape[0] / 768
    radius = f32(far_blur * np.abs(1 - sharp_at / np.maximum(depth, 0.05)) * scale)
    top = float(radius.max())
    levels = [0.0, 0.7, 1.5, 2.6, 4.2, 6.5, 9.5, 14.0, 20.0, 28.0, 40.0]
    levels = [level for level in levels if level < top] + [top + 1e-3]
    result = image.copy()
    below = image
    for low, high in itertools.pairwise(levels):
        above = disc_blur(image, high)
        weight = np.clip((radius - low) / (high - low), 0, 1)
        inside = (radius >= low)[..., None]
        result = np.where(inside, mix(below, above, f32(weight)), result)
        below = above
    return f32(result)


def over(below: Array, layer: Array, blur: float) -> Array:
    """Lays a picture with opacity [..., 4], not premultiplied, defocused by `blur` pixels at 768, over another."""
    alpha = layer[..., 3:4]
    spread = disc_blur(f32(np.concatenate([layer[..., :3] * alpha, alpha], -1)), blur * below.shape[0] / 768)
    return f32(below * (1 - spread[..., 3:4]) + spread[..., :3])


def film(linear: Array) -> Array:
    """A filmic curve (Hable's form with a short shoulder), then the sRGB transfer."""
    x = np.maximum(linear, 0)
    a, b, c, d, e = 2.5, 0.03, 2.35, 0.62, 0.22
    toned = np.clip((x * (a * x + b)) / (x * (c * x + d) + e), 0, 1)
    return f32(np.where(toned <= 0.0031308, toned * 12.92, 1.055 * toned ** (1 / 2.4) - 0.055))


def develop(
    image: Array,
    size: int,
    exposure: float = 1.0,
    white: tuple[float, float, float] = (1, 1, 1),
    grain: float = 0.008,
    bloom: float = 0.06,
    vignette: float = 0.30,
    saturation: float = 1.0,
    seed: int = 0,
) -> npt.NDArray[np.uint8]:
    """Linear light at any resolution → the picture at `size` pixels."""
    small = (
        f32(cv2.resize(np.minimum(image, 60), (size, size), interpolation=cv2.INTER_AREA))
        * f32(white)
        * exposure
    )
    wide = cv2.GaussianBlur(np.minimum(small, 12), (0, 0), size / 40) + cv2.GaussianBlur(
        small, (0, 0), size / 150
    )
    small = small * (1 - bloom) + wide * (bloom / 2)
    line = (np.arange(size) + 0.5) / size - 0.5
    r2 = line[:, None] ** 2 + line[None] ** 2
    small = small * f32(1 - vignette * r2 * 1.6)[..., None]
    gray = small @ f32([0.25, 0.62, 0.13])
    small = gray[..., None] + (small - gray[..., None]) * np.float32(saturation)
    picture = film(f32(small))
    rng = np.random.default_rng(seed)
    noise = cv2.GaussianBlur(f32(rng.standard_normal((size, size, 3))), (0, 0), 0.6) * 1.6
    noise = noise * 0.45 + noise.mean(-1, keepdims=True) * 0.9
    picture = picture + f32(noise) * np.float32(grain) * (
        0.5 + np.sqrt(np.clip(picture, 0, 1)) * (1.2 - picture)
    )
    return np.clip(picture * 255 + 0.5, 0, 255).astype(np.uint8)


def blur_at(camera: Camera, y: float, sharp_at: float, far_blur: float) -> float:
    """The blur in pixels at 768 of what stands at y."""
    return far_blur * abs(1 - sharp_at / camera.depth(y))
