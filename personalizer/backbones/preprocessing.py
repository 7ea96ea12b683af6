"""Pixels in and out of a backbone, in numpy, so that training (torch) and serving (onnxruntime) agree to the bit.

Knows the fields of a `preprocessor_config.json` and no model.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from personalizer.errors import CorruptArtifactError
from personalizer.schemas import Float32Array


@dataclass(frozen=True, slots=True)
class PixelScaling:
    """How uint8 RGB becomes model input: `(pixel * factor - mean) / std` after resize and centre crop."""

    size_px: int
    factor: float
    mean: float
    std: float

    @staticmethod
    def from_config(path: Path, *, default_size_px: int) -> PixelScaling:
        """Read a checkpoint's `preprocessor_config.json`; Chameleon's published values where a field is absent."""
        try:
            config = json.loads(path.read_text()) if path.exists() else {}
            crop = config.get("crop_size", default_size_px)
            mean = config.get("image_mean", [1.0])
            std = config.get("image_std", [1.0])
            return PixelScaling(
                size_px=int(crop["height"] if isinstance(crop, dict) else crop),
                factor=float(config.get("rescale_factor", 0.0078)),
                mean=float(mean[0] if isinstance(mean, list) else mean),
                std=float(std[0] if isinstance(std, list) else std),
            )
        except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
            raise CorruptArtifactError(
                tried=f"reading {path}", found=str(error), fix="Fetch the checkpoint again."
            ) from error

    def pixels(self, image: Image.Image) -> Float32Array:
        """`[3, size, size]`: shortest side resized to the size, centre cropped."""
        square = center_square(image, self.size_px)
        array = np.asarray(square, dtype=np.float32).transpose(2, 0, 1)
        return (array * np.float32(self.factor) - np.float32(self.mean)) / np.float32(self.std)

    def image(self, pixels: Float32Array) -> Image.Image:
        """The inverse, clipped to 0..255, from `[3, height, width]`."""
        array = (pixels * self.std + self.mean) / self.factor
        return Image.fromarray(np.clip(np.rint(array), 0, 255).astype(np.uint8).transpose(1, 2, 0))


def center_square(image: Image.Image, size_px: int) -> Image.Image:
    """The largest centred square, resized to `size_px`."""
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return image.convert("RGB").resize(
        (size_px, size_px),
        Image.Resampling.LANCZOS,
        box=(left, top, left + side, top + side),
        reducing_gap=3.0,
    )
