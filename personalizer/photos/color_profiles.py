"""Converts colors from an embedded profile to sRGB; a broken profile never fails a photo."""

from __future__ import annotations

import io
from functools import lru_cache

from PIL import Image, ImageCms

_MAX_PROFILE_BYTES = 4 * 2**20
"""The largest honest ones, of printing presses, take two."""
_SPACE_OF_MODE = {"RGB": "RGB", "L": "GRAY", "CMYK": "CMYK"}


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """`image` (RGB, L or CMYK) as RGB; without a profile, or with one that is broken, by the plain formulas."""
    if profile and image.mode in _SPACE_OF_MODE and len(profile) <= _MAX_PROFILE_BYTES:
        try:
            transform = _transform(profile, image.mode)
            if transform is not None:
                converted = ImageCms.applyTransform(image, transform)
                if converted is not None:
                    return converted
        except Exception:  # lcms refuses what it cannot use; the photo is there all the same
            pass
    return image if image.mode == "RGB" else image.convert("RGB")


@lru_cache(maxsize=8)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """None where nothing has to be done: the profile is sRGB, or is for another kind of picture.

    Kept, since all photos of one camera carry the same profile.
    """
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    if source.profile.xcolor_space.strip() != _SPACE_OF_MODE[mode]:
        return None
    if mode == "RGB" and "srgb" in (source.profile.profile_description or "").lower():
        return None
    return ImageCms.buildTransform(
        source, ImageCms.createProfile("sRGB"), mode, "RGB", ImageCms.Intent.RELATIVE_COLORIMETRIC
    )
