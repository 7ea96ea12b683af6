"""Files that are made to do harm: they claim, or become, far more than they are. Written here byte by byte."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator

from scripts.faults.sources import Source, draw

Broken = tuple[str, bytes]
"""File name and content."""

PNG = b"\x89PNG\r\n\x1a\n"


def bombs(sound: dict[str, Source]) -> Iterator[Broken]:
    """All of them. `sound` has the sound files by name."""
    yield from _png_bombs(sound["png"].content)
    yield from _gif_bombs(sound["gif"].content)
    yield from _webp_bombs(sound["webp-lossless"].content)
    yield from _tiff_bombs()
    yield from jpeg_bombs(sound["jpeg"].content, sound["jpeg-progressive"].content)
    yield from _heic_bombs(sound["heic"].content)


# --- PNG


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def header(width: int, height: int, depth: int = 8, color: int = 2, interlaced: int = 0) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlaced))


def zeros(size: int) -> bytes:
    """So many zero bytes, deflated; a thousandth of them."""
    packer = zlib.compressobj(9)
    block = b"\0" * 2**20
    parts = [packer.compress(block) for _ in range(size // len(block))]
    return b"".join([*parts, packer.compress(b"\0" * (size % len(block))), packer.flush()])


def _png_bombs(whole: bytes) -> Iterator[Broken]:
    end, small = chunk(b"IEND", b""), chunk(b"IDAT", zeros(1000))
    yield "png-65535-square-header.png", PNG + header(65535, 65535) + small + end
    yield "png-2-billion-wide.png", PNG + header(2**31 - 1, 1) + small + end
    yield "png-2-billion-square.png", PNG + header(2**31 - 1, 2**31 - 1) + small + end
    yield "png-no-width.png", PNG + header(0, 72) + small + end
    yield "png-no-depth.png", PNG + header(96, 72, depth=0) + small + end
    yield "png-odd-colour.png", PNG + header(96, 72, color=5) + small + end
    # Just within the limit of pixels, and all of them there: what has to be held is what counts.
    for name, side, depth, color, bytes_per_pixel in (
        ("grey-bits", 9900, 1, 0, 1 / 8),
        ("rgb", 9900, 8, 2, 3),
        ("rgba", 9900, 8, 6, 4),
        ("rgba-deep", 9900, 16, 6, 8),
        ("grey-deep", 9900, 16, 0, 2),
        ("grey-alpha", 9900, 8, 4, 2),
    ):
        row = int(-(-side * bytes_per_pixel // 1)) + 1
        content = chunk(b"IDAT", zeros(row * side))
        yield f"png-98-megapixels-{name}.png", PNG + header(side, side, depth, color) + content + end
    interlaced = chunk(b"IDAT", zeros(9900 * 9900 * 4 + 40000))
    yield "png-98-megapixels-interlaced.png", PNG + header(9900, 9900, 8, 6, 1) + interlaced + end
    yield "png-too-many-pixels.png", PNG + header(30000, 30000, 1, 0) + chunk(b"IDAT", zeros(10**6)) + end
    # More behind the pixels than there are pixels.
    yield "png-gigabyte-behind-pixels.png", PNG + header(96, 72) + chunk(b"IDAT", zeros(10**9)) + end
    head, rest = whole[:33], whole[33:]
    big = zeros(2 * 10**8)
    yield "png-text-bomb.png", head + chunk(b"zTXt", b"Comment\0\0" + big) + rest
    yield "png-international-text-bomb.png", head + chunk(b"iTXt", b"Comment\0\1\0\0\0" + big) + rest
    yield "png-profile-bomb.png", head + chunk(b"iCCP", b"icc\0\0" + big) + rest
    yield "png-100k-texts.png", head + chunk(b"tEXt", b"k\0v") * 100_000 + rest
    yield "png-million-empty-chunks.png", head + chunk(b"juNk", b"") * 1_000_000 + rest
    yield "png-chunk-of-2-gib.png", head + struct.pack(">I", 2**31 - 1) + b"juNk" + rest
    yield "png-empty-data.png", PNG + header(96, 72) + chunk(b"IDAT", b"") * 50_000 + end
    yield "png-exif-of-noise.png", head + chunk(b"eXIf", b"MM\0*" + bytes(range(256)) * 200) + rest
    control = chunk(b"acTL", struct.pack(">II", 10_000, 0))
    frame = b"".join(
        chunk(b"fcTL", struct.pack(">IIIIIHHBB", number, 96, 72, 0, 0, 1, 10, 0, 0))
        for number in range(10_000)
    )
    yield "png-animated-10k.png", head + control + frame + rest


# --- GIF


def _gif_bombs(whole: bytes) -> Iterator[Broken]:
    palette = b"\0\0\0\xff\xff\xff"
    pixels = b"\x02\x02\x44\x01\x00"

    def gif(width: int, height: int, body: bytes, end: bytes = b";") -> bytes:
        return b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + palette + body + end

    def frame(width: int, height: int, left: int = 0) -> bytes:
        return b"," + struct.pack("<HHHHB", left, 0, width, height, 0) + pixels

    yield "gif-65535-square.gif", gif(65535, 65535, frame(65535, 65535))
    yield "gif-9900-square.gif", gif(9900, 9900, frame(9900, 9900))
    yield "gif-frame-outside.gif", gif(1, 1, frame(9900, 9900, 60000))
    yield "gif-10k-frames.gif", gif(1000, 1000, frame(1, 1) * 10_000)
    yield "gif-10k-large-frames.gif", gif(4000, 4000, frame(4000, 4000) * 10_000)
    yield "gif-no-size.gif", gif(0, 0, frame(0, 0))
    yield "gif-million-comments.gif", gif(96, 72, b"!\xfe\x01x\0" * 400_000 + frame(1, 1))
    yield "gif-endless-block.gif", gif(96, 72, b",\0\0\0\0\x60\0\x48\0\0\x02" + b"\xff" * 300_000, b"")
    yield "gif-code-size-255.gif", gif(96, 72, b",\0\0\0\0\x60\0\x48\0\0\xff\x04abcd\0")
    yield "gif-named-jpg.jpg", gif(4000, 4000, frame(4000, 4000) * 100)
    yield "gif-twice.gif", whole + whole


# --- WebP


def _riff(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"WEBP" + b"".join(
        kind + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)
        for kind, content in chunks
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _webp_bombs(lossless: bytes) -> Iterator[Broken]:
    stream = lossless[20 : 20 + struct.unpack_from("<I", lossless, 16)[0]]
    sizes = struct.pack("<I", (16383 - 1) | (16383 - 1) << 14)
    yield "webp-16383-square.webp", _riff((b"VP8L", b"\x2f" + sizes + stream[5:]))
    yield (
        "webp-9900-square.webp",
        _riff((b"VP8L", b"\x2f" + struct.pack("<I", 9899 | 9899 << 14) + stream[5:])),
    )
    canvas = b"\x02\0\0\0" + (2**24 - 1).to_bytes(3, "little") * 2
    animated = b"\xff\xff\xff\xff\0\0"
    size = (95).to_bytes(3, "little") + (71).to_bytes(3, "little")
    inner = b"VP8L" + struct.pack("<I", len(stream)) + stream + b"\0" * (len(stream) % 2)
    one = (b"ANMF", b"\0" * 6 + size + (100).to_bytes(3, "little") + b"\0" + inner)
    yield "webp-canvas-of-281-terapixels.webp", _riff((b"VP8X", canvas), (b"ANIM", animated), one)
    canvas = b"\x02\0\0\0" + (9899).to_bytes(3, "little") * 2
    yield "webp-large-canvas.webp", _riff((b"VP8X", canvas), (b"ANIM", animated), one)
    canvas = b"\x02\0\0\0" + size
    yield "webp-2k-frames.webp", _riff((b"VP8X", canvas), (b"ANIM", animated), *[one] * 2000)
    yield "webp-empty.webp", _riff()
    yield "webp-no-picture.webp", _riff((b"VP8X", canvas), (b"EXIF", b"MM\0*" + b"\xff" * 100))
    yield "webp-size-lies.webp", lossless[:4] + b"\xff\xff\xff\x7f" + lossless[8:]
    into = io.BytesIO()
    draw(3, (4096, 4096)).resize((10000, 9900)).save(into, "WEBP", quality=10)
    yield "webp-99-megapixels.webp", into.getvalue()


# --- TIFF


def _tiff(entries: list[tuple[int, int, int, int]], tail: bytes = b"", following: int = 0) -> bytes:
    """One directory of (tag, type, count, value); the tail begins right behind it."""
    listed = b"".join(struct.pack("<HHII", *entry) for entry in sorted(entries))
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + listed + struct.pack("<I", following) + tail


def _tiff_entries(
    width: int, height: int, packing: int, offset: int, size: int
) -> list[tuple[int, int, int, int]]:
    return [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, 8),
        (259, 3, 1, packing),
        (262, 3, 1, 1),
        (273, 4, 1, offset),
        (277, 3, 1, 1),
        (278, 4, 1, height),
        (279, 4, 1, size),
    ]


def _tiff_bombs() -> Iterator[Broken]:
    begin = 8 + 2 + 12 * 9 + 4
    deflated = zeros(9900 * 9900)
    yield "tiff-65535-square.tif", _tiff(_tiff_entries(65535, 65535, 1, begin, 100), b"\0" * 100)
    yield "tiff-4-billion-square.tif", _tiff(_tiff_entries(2**32 - 1, 2**32 - 1, 1, begin, 100), b"\0" * 100)
    yield "tiff-98-megapixels.tif", _tiff(_tiff_entries(9900, 9900, 8, begin, len(deflated)), deflated)
    yield (
        "tiff-98-megapixels-missing.tif",
        _tiff(_tiff_entries(9900, 9900, 1, begin, 9900 * 9900), b"\0" * 100),
    )
    yield "tiff-gigabyte-strip.tif", _tiff(_tiff_entries(96, 72, 8, begin, 10**6), zeros(10**9))
    yield "tiff-strip-outside.tif", _tiff(_tiff_entries(96, 72, 1, 2**32 - 100, 2**32 - 1))
    yield "tiff-no-size.tif", _tiff(_tiff_entries(0, 0, 1, begin, 1), b"\0")
    yield "tiff-unknown-packing.tif", _tiff(_tiff_entries(96, 72, 54321, begin, 100), b"\0" * 100)
    entries = _tiff_entries(96, 72, 1, begin, 96 * 72)
    many = [
        (tag, 4, 500_000_000, begin) if tag in (273, 279) else (tag, kind, n, v)
        for tag, kind, n, v in entries
    ]
    yield "tiff-half-a-billion-strips.tif", _tiff(many, b"\0" * 5000)
    strips = 200_000
    rows = [
        (tag, 4, strips, begin)
        if tag == 273
        else (tag, 4, strips, begin + 4 * strips)
        if tag == 279
        else entry
        for entry in _tiff_entries(1, strips, 1, 0, 0)
        for tag in entry[:1]
    ]
    rows = [(278, 4, 1, 1) if entry[0] == 278 else entry for entry in rows]
    yield (
        "tiff-200k-strips.tif",
        _tiff(rows, struct.pack("<I", begin) * strips + struct.pack("<I", 1) * strips),
    )
    yield "tiff-directory-is-its-next.tif", _tiff(entries, b"\x80" * 96 * 72, following=8)
    sub = [*entries, (330, 4, 1, 8), (34665, 4, 1, 8), (34853, 4, 1, 8)]
    yield "tiff-directories-in-themselves.tif", _tiff(sub, b"\x80" * 96 * 72)
    chain = b"".join(
        struct.pack("<HHHIII", 1, 330, 4, 1, begin + 18 * (n + 1), begin + 18 * (n + 1))
        for n in range(20_000)
    )
    yield "tiff-20k-nested-directories.tif", _tiff(entries, chain, following=begin)
    yield (
        "tiff-65535-entries.tif",
        b"II*\0" + struct.pack("<IH", 8, 65535) + struct.pack("<HHII", 256, 4, 2**31, 2**31) * 65535,
    )
    yield "tiff-directory-outside.tif", b"II*\0" + struct.pack("<I", 2**32 - 2) + b"\0" * 64
    yield "tiff-big.tif", b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, 2**63)
    yield "tiff-text-of-4-gib.tif", _tiff([*entries, (270, 2, 2**32 - 1, begin)], b"\x80" * 96 * 72)


# --- JPEG


def _segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content


def _with_size(whole: bytes, width: int, height: int) -> bytes:
    at = min(at for marker in (0xC0, 0xC2) if (at := whole.find(bytes((0xFF, marker, 0)))) > 0)
    return whole[: at + 5] + struct.pack(">HH", height, width) + whole[at + 9 :]


def jpeg_bombs(whole: bytes, progressive: bytes) -> Iterator[Broken]:
    head, rest = whole[:2], whole[2:]
    yield "jpeg-65535-square.jpg", _with_size(whole, 65535, 65535)
    yield "jpeg-9900-square.jpg", _with_size(whole, 9900, 9900)
    yield "jpeg-9900-square-progressive.jpg", _with_size(progressive, 9900, 9900)
    yield "jpeg-no-height.jpg", _with_size(whole, 96, 0)
    yield "jpeg-one-row-of-65535.jpg", _with_size(whole, 65535, 1)
    # Every scan makes the decoder go over the whole picture again.
    scan_at = progressive.rfind(b"\xff\xda")
    scans = progressive[scan_at:-2]
    yield "jpeg-5000-scans.jpg", _with_size(progressive, 8000, 8000)[:-2] + scans * 5000 + b"\xff\xd9"
    yield "jpeg-500-scans.jpg", _with_size(progressive, 2000, 2000)[:-2] + scans * 500 + b"\xff\xd9"
    exif = b"Exif\0\0"
    yield "jpeg-exif-of-6-mib.jpg", head + _segment(0xE1, exif + b"MM\0*" + b"\0" * 65000) * 100 + rest
    for name, offset, entries in (("itself", 8, 3), ("outside", 2**31, 3), ("too-many", 8, 65535)):
        directory = b"MM\0*" + struct.pack(">IH", offset, entries)
        pointers = struct.pack(">HHII", 0x8769, 4, 1, 8) + struct.pack(">HHII", 0x8825, 4, 1, 8)
        huge = struct.pack(">HHII", 0x010F, 2, 2**31 - 1, 26)
        content = exif + directory + pointers + huge + struct.pack(">I", 8)
        yield f"jpeg-exif-directory-{name}.jpg", head + _segment(0xE1, content) + rest
    profile = b"ICC_PROFILE\0"
    noise = bytes((number * 197 + 11) % 256 for number in range(60_000))
    yield "jpeg-profile-of-noise.jpg", head + _segment(0xE2, profile + b"\1\1" + noise) + rest
    size_lies = (
        struct.pack(">I", 2**32 - 1) + noise[4:36] + b"acsp" + noise[40:128] + struct.pack(">I", 2**32 - 1)
    )
    yield (
        "jpeg-profile-size-lies.jpg",
        head + _segment(0xE2, profile + b"\1\1" + size_lies + noise[:500]) + rest,
    )
    parts = b"".join(_segment(0xE2, profile + bytes((n, 255)) + noise) for n in range(1, 256))
    yield "jpeg-profile-in-255-parts.jpg", head + parts + rest
    table = bytes((0x00,)) + b"\xff" * 16 + bytes(range(256)) * 4
    yield "jpeg-huffman-table-too-large.jpg", head + _segment(0xC4, table) + rest
    yield "jpeg-100k-comments.jpg", head + _segment(0xFE, b"") * 100_000 + rest
    yield "jpeg-million-fill-bytes.jpg", head + b"\xff" * 1_000_000 + rest
    yield "jpeg-256-components.jpg", whole.replace(b"\x00\x11\x08", b"\x03\x0b\x08", 1)
    yield (
        "jpeg-pictures-in-pictures.jpg",
        head + _segment(0xE2, b"MPF\0II*\0\x08\0\0\0\xff\xff" + noise[:200]) + rest,
    )
    yield "jpeg-thousand-beginnings.jpg", head * 1000 + rest


# --- HEIC


def _heic_bombs(whole: bytes) -> Iterator[Broken]:
    at = whole.find(b"ispe") + 8
    for name, width, height in (
        ("65535-square", 65535, 65535),
        ("4-billion-square", 2**32 - 1, 2**32 - 1),
        ("9900-square", 9900, 9900),
        ("no-size", 0, 0),
    ):
        yield f"heic-{name}.heic", whole[:at] + struct.pack(">II", width, height) + whole[at + 8 :]
    at = whole.find(b"iloc") + 8
    yield "heic-extents-outside.heic", whole[:at] + b"\xff" * 24 + whole[at + 24 :]
    at = whole.find(b"hvcC") + 4
    yield "heic-no-decoder-settings.heic", whole[:at] + b"\0" * 20 + whole[at + 20 :]
    at = whole.find(b"meta") - 4
    yield "heic-meta-of-4-gib.heic", whole[:at] + b"\xff\xff\xff\xff" + whole[at + 4 :]
    box = b""
    for _ in range(2000):
        box = struct.pack(">I", len(box) + 8) + b"moov" + box
    yield "heic-2000-boxes-in-boxes.heic", whole[: struct.unpack_from(">I", whole)[0]] + box
    yield "heic-only-its-type.heic", whole[: struct.unpack_from(">I", whole)[0]]
    yield "heic-million-empty-boxes.heic", whole[:24] + b"\0\0\0\x08free" * 1_000_000 + whole[24:]
    yield "heic-boxes-of-nothing.heic", whole[:24] + b"\0\0\0\0meta" * 1000
