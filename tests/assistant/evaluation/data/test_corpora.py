"""Training corpora as a measurement reads them: damaged sources, the split, a folder of either form."""

from __future__ import annotations

import io
import json
import re
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from assistant.evaluation.data.corpora import (
    Rows,
    is_held_out,
    open_record,
    read_archive,
    read_corpus,
    with_article,
)
from personalizer.errors import FamiliarError, NotFoundError


def webp(seed: int) -> bytes:
    stream = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(stream, "WEBP")
    return stream.getvalue()


def write_source(folder: Path, count: int = 6) -> tuple[Path, Path]:
    archive, captions = folder / "photos.tar", folder / "captions.jsonl"
    lines = []
    with tarfile.open(archive, "w") as tar:
        for number in range(count):
            name, content = f"grocery/{number:05d}.webp", webp(number)
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
            label = "Apple" if number % 2 else None
            lines.append({"image": name, "source": "grocery", "kind": "photo", "label": label})
    captions.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return archive, captions


def test_pictures_without_a_caption_line_are_left_out(tmp_path: Path) -> None:
    archive, captions = write_source(tmp_path)
    captions.write_text("\n".join(captions.read_text().splitlines()[2:4]))
    assert len(list(read_archive(archive, captions))) == 2


def test_rows_of_several_arrays_are_counted_through() -> None:
    rows = Rows([np.full((2, 1), 1, np.uint8), np.zeros((0, 1), np.uint8), np.full((1, 1), 3, np.uint8)])
    assert len(rows) == 3 and [rows[index].item() for index in range(3)] == [1, 1, 3]
    for outside in (-1, 3):
        with pytest.raises(IndexError):
            rows[outside]


def test_pictures_that_a_source_has_twice_are_read_once(tmp_path: Path) -> None:
    archive, captions = write_source(tmp_path)
    lines = [json.loads(line) for line in captions.read_text().splitlines()]
    for line, label in zip(lines, ["Faces", "Faces_easy", "Faces easy", "Apple", None, "Faces"], strict=True):
        line |= {"source": "caltech101", "label": label and label.replace("_", " ")}
    captions.write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = [picture.record.label for picture in read_archive(archive, captions)]
    assert found == ["faces", "apple", None, "faces"]


def missing_tar(archive: Path, captions: Path) -> None:
    archive.unlink()


def missing_captions(archive: Path, captions: Path) -> None:
    captions.unlink()


def cut_in_a_picture(archive: Path, captions: Path) -> None:
    with tarfile.open(archive) as tar:
        last = tar.getmembers()[-1]
    archive.write_bytes(archive.read_bytes()[: last.offset_data + 10])


def cut_between_pictures(archive: Path, captions: Path) -> None:
    with tarfile.open(archive) as tar:
        last = tar.getmembers()[-1]
    archive.write_bytes(archive.read_bytes()[: last.offset])


def cut_in_a_header(archive: Path, captions: Path) -> None:
    with tarfile.open(archive) as tar:
        last = tar.getmembers()[-1]
    archive.write_bytes(archive.read_bytes()[: last.offset + 100])


def no_tar(archive: Path, captions: Path) -> None:
    archive.write_bytes(b"<html>not found</html>" * 100)


def empty_tar(archive: Path, captions: Path) -> None:
    archive.write_bytes(b"")


def broken_picture(archive: Path, captions: Path) -> None:
    content = bytearray(archive.read_bytes())
    with tarfile.open(archive) as tar:
        first = tar.getmembers()[0]
    content[first.offset_data : first.offset_data + first.size] = bytes(first.size)
    archive.write_bytes(content)


def one_caption_more(archive: Path, captions: Path) -> None:
    line = {"image": "grocery/99999.webp", "source": "grocery", "kind": "photo"}
    captions.write_text(captions.read_text() + json.dumps(line) + "\n")


@pytest.mark.parametrize(
    "damage",
    [
        missing_tar,
        missing_captions,
        cut_in_a_picture,
        cut_between_pictures,
        cut_in_a_header,
        no_tar,
        empty_tar,
        broken_picture,
        one_caption_more,
    ],
)
def test_damaged_sources_are_an_error_that_names_the_archive(tmp_path: Path, damage: Any) -> None:
    archive, captions = write_source(tmp_path)
    damage(archive, captions)
    with pytest.raises(FamiliarError, match=re.escape(str(archive))):
        list(read_archive(archive, captions))


@pytest.mark.parametrize("line", ["{", "[]", "{}"])
def test_a_damaged_caption_names_file_and_line(tmp_path: Path, line: str) -> None:
    archive, captions = write_source(tmp_path)
    captions.write_text(captions.read_text() + line + "\n")
    with pytest.raises(FamiliarError, match=re.escape(str(captions)) + ".*line 7"):
        list(read_archive(archive, captions))


def test_articles_and_labels() -> None:
    assert [with_article(noun) for noun in ("apple", "cup", "glass", "grapes")] == [
        "an apple",
        "a cup",
        "a glass",
        "grapes",
    ]
    record = open_record({"image": "x/1.webp", "source": "emoji", "kind": "3d emoji", "label": "Keycap: #"})
    assert record.caption == "a 3d emoji of a keycap: #" and record.subject is None


def test_the_split_is_stable_and_small() -> None:
    held = [is_held_out(f"image {number}") for number in range(4000)]
    assert 0.02 < np.mean(held) < 0.06
    assert held == [is_held_out(f"image {number}") for number in range(4000)]


def test_a_folder_is_read_whatever_form_it_has(tmp_path: Path) -> None:
    write_source(tmp_path)
    assert [picture.record.label for picture in read_corpus(tmp_path)] == [None, "apple"] * 3
    prepared = tmp_path / "renders"
    prepared.mkdir()
    np.save(prepared / "images.npy", np.full((2, 8, 8, 3), 9, np.uint8))
    line = {"source": "render", "kind": "render", "label": "cup", "caption": "a cup", "held_out": True}
    (prepared / "records.jsonl").write_text(f"{json.dumps(line)}\n" * 2)
    pictures = list(read_corpus(tmp_path))
    assert [picture.record.kind for picture in pictures] == ["photo"] * 6 + ["render"] * 2
    assert pictures[-1].image().getpixel((0, 0)) == (9, 9, 9) and pictures[0].image().size == (32, 24)


def test_a_folder_without_pictures_is_an_error_that_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"photos\.tar"):
        list(read_corpus(tmp_path))
    with pytest.raises(NotFoundError, match="no such folder"):
        list(read_corpus(tmp_path / "nowhere"))
