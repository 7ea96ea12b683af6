"""JPEGs without their end marker: read where the picture is whole, refused where it was cut."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from photos import draw_blocks, draw_photo, draw_red_corner
from PIL import Image

from personalizer.errors import UnreadablePhotoError
from personalizer.photos.codecs.jpeg_end import with_its_end
from personalizer.photos.decode import DecodeLimits, decode_photo

PATH = Path("a.jpg")


def jpeg(image: Image.Image, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", **options)
    return buffer.getvalue()


PICTURES = {
    "photo": jpeg(draw_photo(1)),
    "flat": jpeg(Image.new("L", (640, 480))),
    "progressive": jpeg(draw_photo(2, 900, 700), progressive=True),
    "restarts": jpeg(draw_red_corner(), restart_marker_rows=1),
    "CMYK": jpeg(draw_red_corner().convert("CMYK"), quality=95),
    "4:2:0": jpeg(draw_blocks(3, 333, 251), subsampling=2),
}


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("ending", [b"", b"\xff", bytes(3000)])
def test_a_whole_picture_is_read_as_if_nothing_were_missing(name: str, ending: bytes) -> None:
    content = PICTURES[name]
    whole = decode_photo(content, PATH)
    found = decode_photo(content[:-2] + ending, PATH)
    assert found.image.tobytes() == whole.image.tobytes()


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("share", [0.5, 0.8, 0.97])
@pytest.mark.parametrize("ending", [b"", bytes(3000), b"\xff\xd9"])
def test_a_picture_that_was_cut_gets_no_end(name: str, share: float, ending: bytes) -> None:
    content = PICTURES[name]
    header = content.rindex(b"\xff\xda") + 12
    cut = content[: header + int((len(content) - header) * share)]
    assert with_its_end(cut + ending) is None
    if not ending:
        with pytest.raises(UnreadablePhotoError):
            decode_photo(cut, PATH, DecodeLimits(max_side_px=64))


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n" + bytes(50), PICTURES["photo"]]
)
def test_nothing_is_done_to_other_files(content: bytes) -> None:
    assert with_its_end(content) is None
