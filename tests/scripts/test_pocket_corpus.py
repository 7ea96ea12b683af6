from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from assistant.evaluation.data.corpora import Picture, Record, load_arrays
from personalizer.errors import FamiliarError
from scripts.pocket.data import corpus
from scripts.pocket.data.corpus import read_renders, write


def pictures(count: int = 6) -> list[Picture]:
    """Every other one with a label."""
    random = np.random.default_rng(0)
    return [
        Picture(
            Record("test", "photo", "apple", "a photo of an apple", "grocery:apple")
            if number % 2
            else Record("test", "photo", None, None),
            random.integers(0, 256, (24, 32, 3), dtype=np.uint8),
        )
        for number in range(count)
    ]


def test_pictures_become_arrays_and_records(tmp_path: Path) -> None:
    assert write(pictures(), tmp_path / "out") == 6
    [array], records = load_arrays([tmp_path / "out"])
    assert array.shape == (6, corpus.SIZE_PX, corpus.SIZE_PX, 3) and array.dtype == np.uint8
    assert [record.label for record in records] == [None, "apple"] * 3
    assert records[0].caption is None and records[1].caption == "a photo of an apple"
    assert records[0].subject is None and records[1].subject == "grocery:apple"
    arrays, twice = load_arrays([tmp_path / "out", tmp_path / "out"])
    assert len(arrays) == 2 and twice == records * 2


def test_nothing_to_write_is_said(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="out"):
        write(iter(()), tmp_path / "out")


def test_renders_are_read_across_shards(tmp_path: Path) -> None:
    for shard in range(2):
        np.save(tmp_path / f"{shard}.npy", np.full((2, 8, 8, 3), shard * 100 + 7, np.uint8))
    lines = [
        {"index": index, "caption": f"a red cup {index}.", "label": "cup", "subject_id": index // 2}
        for index in range(4)
    ]
    lines[3]["questions"] = [["is there a cup in this photo?", "yes"]]
    (tmp_path / "captions.jsonl").write_text("\n".join(map(json.dumps, lines)))
    pictures = list(read_renders(tmp_path))
    assert [picture.image().getpixel((0, 0))[0] for picture in pictures] == [7, 7, 107, 107]
    assert [picture.record.subject for picture in pictures] == [
        "render:0",
        "render:0",
        "render:1",
        "render:1",
    ]
    assert pictures[3].record.questions == [["is there a cup in this photo?", "yes"]]
    assert len({picture.record.held_out for picture in pictures[:2]}) == 1, "a subject is never on both sides"
    (tmp_path / "1.npy").unlink()
    with pytest.raises(SystemExit, match=re.escape(str(tmp_path))):
        list(read_renders(tmp_path))


def test_counts_that_do_not_fit_name_the_folder(tmp_path: Path) -> None:
    write(pictures(), tmp_path / "out")
    records = tmp_path / "out" / "records.jsonl"
    records.write_text("\n".join(records.read_text().splitlines()[:-1]))
    with pytest.raises(FamiliarError, match=re.escape(str(tmp_path / "out")) + ".*6 pictures but 5 records"):
        load_arrays([tmp_path / "out"])
