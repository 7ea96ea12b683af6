"""What a photo's own file says: EXIF, then XMP and IPTC, in every format that holds them."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import raw_files
from PIL import Image, PngImagePlugin, TiffImagePlugin

from personalizer.photos.decode import DecodedPhoto, decode_photo
from personalizer.photos.embedded import parse_iptc
from personalizer.photos.raw import raw_xmp
from personalizer.photos.sidecars import MAX_BYTES, SidecarFacts

NOW = datetime(2026, 3, 4, 12)
XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"
xmlns:xmp="http://ns.adobe.com/xap/1.0/" exif:DateTimeOriginal="2019-08-07T06:05:04" xmp:Rating="4"
exif:GPSLatitude="48,51.5N" exif:GPSLongitude="2,17,40.2E">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">At the pond</rdf:li></rdf:Alt></dc:title>
<dc:subject><rdf:Bag><rdf:li>ducks</rdf:li></rdf:Bag></dc:subject>
</rdf:Description></rdf:RDF></x:xmpmeta>"""
XMP_DATE = datetime(2019, 8, 7, 6, 5, 4)
IPTC_DATE = datetime(2018, 3, 4, 5, 6, 7)


def data_set(number: int, value: bytes, record: int = 2) -> bytes:
    return struct.pack(">BBBH", 0x1C, record, number, len(value)) + value


IPTC = b"".join(
    [
        data_set(90, b"\x1b%G", record=1),
        data_set(5, "Am Fluß".encode()),
        data_set(25, b"swans"),
        data_set(25, "Zürich".encode()),
        data_set(55, b"20180304"),
        data_set(60, b"050607+0100"),
        data_set(120, b"Three swans"),
    ]
)


def exif(original: Any = None, digitized: Any = None, changed: Any = None) -> Image.Exif:
    tags = Image.Exif()
    for directory, tag, value in (
        (tags.get_ifd(0x8769), 0x9003, original),
        (tags.get_ifd(0x8769), 0x9004, digitized),
        (tags, 0x0132, changed),
    ):
        if value is not None:
            directory[tag] = value
    return tags


def photoshop(iptc: bytes) -> bytes:
    block = b"8BIM" + struct.pack(">HHI", 0x0404, 0, len(iptc)) + iptc + b"\0" * (len(iptc) % 2)
    return b"\xff\xed" + struct.pack(">H", len(block) + 16) + b"Photoshop 3.0\0" + block


def jpeg(*, iptc: bytes = b"", **options: Any) -> bytes:
    content = raw_files.jpeg(Image.new("RGB", (40, 30), "teal"), **options)
    return content[:2] + photoshop(iptc) + content[2:] if iptc else content


def saved(form: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), "teal").save(buffer, form, **options)
    return buffer.getvalue()


def png() -> bytes:
    texts = PngImagePlugin.PngInfo()
    texts.add_itxt("XML:com.adobe.xmp", XMP)
    return saved("PNG", pnginfo=texts)


def png_with_xmp_behind_the_pixels() -> bytes:
    content = png()
    start = content.index(b"iTXt") - 4
    end = start + 12 + int.from_bytes(content[start : start + 4], "big")
    return content[:start] + content[end:-12] + content[start:end] + content[-12:]


def tiff(**blocks: bytes) -> bytes:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, kind, name in ((700, 1, "xmp"), (33723, 7, "iptc")):
        if name in blocks:
            tags.tagtype[tag] = kind
            tags[tag] = blocks[name]
    return saved("TIFF", tiffinfo=tags)


def tiff_with_iptc_as_numbers() -> bytes:
    padded = IPTC + b"\0" * (-len(IPTC) % 4)
    as_bytes = struct.pack("<HHI", 33723, 7, len(padded))
    return tiff(iptc=padded).replace(as_bytes, struct.pack("<HHI", 33723, 4, len(padded) // 4))


def heic() -> bytes:
    import pillow_heif

    pillow_heif.register_heif_opener(thumbnails=False)
    return saved("HEIF", xmp=XMP.encode())


def decoded(content: bytes) -> DecodedPhoto:
    return decode_photo(content, Path("a.jpg"), now=NOW)


def when(content: bytes) -> tuple[datetime | None, str | None]:
    photo = decoded(content)
    return photo.taken_at, photo.date_source


@pytest.mark.parametrize(
    "make",
    [
        lambda: jpeg(xmp=XMP.encode()),
        png,
        png_with_xmp_behind_the_pixels,
        lambda: tiff(xmp=XMP.encode()),
        lambda: saved("WEBP", xmp=XMP.encode()),
        lambda: saved("AVIF", xmp=XMP.encode()),
        heic,
    ],
    ids=["jpeg", "png", "late-png", "tiff", "webp", "avif", "heic"],
)
def test_xmp_in_every_format(make: Callable[[], bytes]) -> None:
    photo = decoded(make())
    assert (photo.taken_at, photo.date_source) == (XMP_DATE, "XMP in the file")
    assert (photo.latitude, photo.longitude) == (48.8583333, 2.2945)
    assert (photo.written.title, photo.written.keywords, photo.written.rating) == (
        "At the pond",
        ("ducks",),
        4,
    )


@pytest.mark.parametrize(
    "make",
    [lambda: jpeg(iptc=IPTC), lambda: tiff(iptc=IPTC), tiff_with_iptc_as_numbers],
    ids=["jpeg", "tiff", "tiff-of-numbers"],
)
def test_iptc_in_every_format(make: Callable[[], bytes]) -> None:
    photo = decoded(make())
    assert (photo.taken_at, photo.date_source) == (IPTC_DATE, "IPTC in the file")
    assert photo.written == SidecarFacts(
        title="Am Fluß", description="Three swans", taken_at=IPTC_DATE, keywords=("swans", "Zürich")
    )


def test_xmp_in_a_raw_file() -> None:
    writer = raw_files.TiffWriter()
    tags = {700: (1, XMP.encode()), 271: (2, "Pentax")}
    assert raw_xmp(writer.finish(writer.directory(tags))) == XMP.encode()
    assert raw_xmp(XMP.encode()) == raw_xmp(b"") == b""


def test_exif_comes_first_then_xmp_then_iptc() -> None:
    own = "2015:08:22 24:08:19"
    taken = datetime(2015, 8, 22, 0, 8, 19)
    everything = {"xmp": XMP.encode(), "iptc": IPTC}
    assert when(jpeg(exif=exif(original=own), **everything)) == (taken, "EXIF")
    assert when(jpeg(exif=exif(digitized=own), **everything)) == (taken, "EXIF")
    assert when(jpeg(**everything)) == (XMP_DATE, "XMP in the file")
    assert when(jpeg(exif=exif(changed=own), **everything)) == (XMP_DATE, "XMP in the file")
    assert when(jpeg(exif=exif(changed=own))) == (taken, "EXIF")
    both = decoded(jpeg(**everything)).written
    assert (both.title, both.description) == ("At the pond", "Three swans")


@pytest.mark.parametrize(
    "unset",
    [
        "0000:00:00 00:00:00", "    :  :     :  :  ", "1904:01:01 00:00:00", "1970:01:01 01:00:00",
        "1980:01:01 00:12:01",
        "2000:01:01 00:00:00", "2031:01:01 10:00:00", "1700:05:06 07:08:09", "2019:02:31 10:00:00", "soon",
    ],
)  # fmt: skip
def test_an_unset_exif_date_makes_way_for_xmp(unset: str) -> None:
    assert when(jpeg(exif=exif(original=unset), xmp=XMP.encode())) == (XMP_DATE, "XMP in the file")


def test_an_unset_date_makes_way_for_the_next_tag() -> None:
    dates = exif(original="0000:00:00 00:00:00", digitized="2012/12/22 10:37:28")
    assert when(jpeg(exif=dates)) == (datetime(2012, 12, 22, 10, 37, 28), "EXIF")


def test_new_year_stands_where_nothing_knows_better() -> None:
    assert when(jpeg(exif=exif(original="2000:01:01 00:00:00"))) == (datetime(2000, 1, 1), "EXIF")
    assert when(jpeg(exif=exif(original="1904:01:01 00:00:00"))) == (None, None)


def test_a_place_in_exif_comes_first() -> None:
    tags = exif()
    tags.get_ifd(0x8825).update({1: "S", 2: (33.0, 0.0, 0.0), 3: "E", 4: (151.0, 0.0, 0.0)})
    photo = decoded(jpeg(exif=tags, xmp=XMP.encode()))
    assert (photo.latitude, photo.longitude) == (-33.0, 151.0)


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_broken_blocks_lose_no_picture(part: float) -> None:
    cut = int(len(XMP) * part)
    photo = decoded(jpeg(xmp=XMP.encode()[:cut], iptc=IPTC[: int(len(IPTC) * part)]))
    assert photo.image.size == (40, 30) and photo.written.keywords in ((), ("swans",), ("swans", "Zürich"))
    hostile = f"<!DOCTYPE x [<!ENTITY a 'b'>]>{XMP}".encode()
    assert decoded(jpeg(xmp=hostile)).written == SidecarFacts()


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"\x1c",
        b"\x1c\x02\x05\xff\xffabc",
        b"\x1c\x02\x05\x00\x40abc",
        b"\0" * 100,
        data_set(55, b"00000000") + data_set(60, b"000000"),
        data_set(55, b"20191301"),
        data_set(55, b"20190000"),
    ],
)
def test_iptc_that_says_nothing(block: bytes) -> None:
    assert parse_iptc(block, NOW) == SidecarFacts()


def test_iptc_in_old_letters_and_without_an_end() -> None:
    assert parse_iptc(data_set(120, "Müller".encode("latin-1"))).description == "Müller"
    assert parse_iptc(data_set(55, b"20190506")).taken_at == datetime(2019, 5, 6)
    assert (
        len(
            parse_iptc(
                data_set(25, b"k") * 1 + b"".join(data_set(25, b"%d" % n) for n in range(5000))
            ).keywords
        )
        <= 100
    )
    assert parse_iptc(data_set(120, b"x" * 30_000) * (MAX_BYTES // 30_000 + 9)).description == "x" * 2000
