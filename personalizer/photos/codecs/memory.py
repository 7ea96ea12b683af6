"""Estimates the memory for decoding a picture before it is decoded, and shrinks pictures without a second copy."""

from __future__ import annotations

from collections.abc import Callable

from PIL import Image, Jpeg2KImagePlugin

_MIB = 2**20
_SMALL_MODES = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16L": 2, "I;16B": 2, "I;16N": 2}
"""Bytes for a pixel; Pillow keeps four of all others, RGB included."""
_DECODER_BYTES = {"WEBP": 12, "HEIF": 3, "AVIF": 5, "JPEG2000": 24}
"""What a decoder keeps of its own for a pixel beside Pillow's. The others decode row by row."""
_ROOM = 1.25
"""How much larger than wanted a picture is left for a better filter."""
_STRIP_PX = 2_000_000
_WHOLE_PX = 24_000_000
"""A picture up to this size is converted as a whole."""


def reduce_while_decoding(image: Image.Image, side_px: int, share: float) -> None:
    """Have a JPEG or JPEG 2000 decoded to a smaller size, not below `share` of `side_px`; others ignore this."""
    # JPEG decodes at 1/2, 1/4 or 1/8 for a fraction of the work. Both sides have to be asked for as they will be: the
    # shorter one would else keep all pixels.
    scale = min(1.0, side_px * share / max(image.size))
    image.draft("RGB", (max(1, int(image.width * scale)), max(1, int(image.height * scale))))
    if isinstance(image, Jpeg2KImagePlugin.Jpeg2KImageFile):
        halvings = max(0, int(max(image.size) / side_px).bit_length() - 1)
        # It has so many smaller sizes inside; asking for more is an error.
        image.reduce = min(halvings, _levels(image))


def _levels(image: Jpeg2KImagePlugin.Jpeg2KImageFile) -> int:
    """How often a JPEG 2000 can be halved, as its header says (the marker COD)."""
    file = image.fp
    assert file is not None
    position = file.tell()
    try:
        file.seek(0)
        head = file.read(1 << 16)
    finally:
        file.seek(position)
    start = head.find(b"\xff\x52", head.find(b"\xff\x4f\xff\x51"))
    return min(head[start + 9], 32) if start >= 0 and len(head) > start + 9 else 0


def webp_mib(content: bytes) -> float:
    """What opening a WebP takes, which is as much as decoding it, by its header; 0 for anything else."""
    if content[:4] != b"RIFF" or content[8:12] != b"WEBP":
        return 0.0
    kind = content[12:16]
    if kind == b"VP8X":
        width, height = (1 + int.from_bytes(content[at : at + 3], "little") for at in (24, 27))
    elif kind == b"VP8L":
        bits = int.from_bytes(content[21:25], "little")
        width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    else:
        width, height = (int.from_bytes(content[at : at + 2], "little") & 0x3FFF for at in (26, 28))
    return width * height * (4 + _DECODER_BYTES["WEBP"]) / _MIB


def needed_mib(image: Image.Image, content_bytes: int, original: tuple[int, int]) -> float:
    """The memory that loading `image` takes beside the file's bytes, whose number counts; `original` is its size in the
    file where it is decoded to a smaller one.
    """
    width, height = image.size
    if image.format == "JPEG2000":
        halved = 1 << int(getattr(image, "_reduce", 0))
        width, height = -(-width // halved), -(-height // halved)
    each = _SMALL_MODES.get(image.mode, 4) + _DECODER_BYTES.get(image.format or "", 0)
    return (content_bytes + width * height * each + _coefficients(image, original)) / _MIB


def _coefficients(image: Image.Image, original: tuple[int, int]) -> float:
    """Bytes of the coefficients that a progressive JPEG has decoded before its first pixel, at whatever size."""
    if image.format not in ("JPEG", "MPO") or not image.info.get("progressive"):
        return 0.0
    layers = [(layer[1], layer[2]) for layer in getattr(image, "layer", [])]
    most = max((h * v for h, v in layers), default=1)
    return float(2 * original[0] * original[1] * sum(h * v for h, v in layers) / most)


def smaller(
    image: Image.Image, side_px: int, convert: Callable[[Image.Image], Image.Image]
) -> Image.Image | None:
    """A large picture at an even fraction of its size, somewhat above `side_px`, each part after `convert`.

    Strip by strip: a converted copy of a whole picture of 100 megapixels takes 400 MB. None for one that need not be
    made smaller so.
    """
    factor = int(max(image.size) / (_ROOM * side_px))
    if factor < 2 or image.width * image.height <= _WHOLE_PX:
        return None
    rows = factor * max(1, _STRIP_PX // (image.width * factor))
    made: Image.Image | None = None
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(top + rows, image.height)))
        part = convert(strip).reduce(factor)
        if made is None:
            made = Image.new(part.mode, (part.width, -(-image.height // factor)))
            # Its profile, which the colors are read by.
            made.info = dict(image.info)
        made.paste(part, (0, top // factor))
    return made
