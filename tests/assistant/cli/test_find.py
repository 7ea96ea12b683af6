"""`familiar find`: what it prints, as text and as JSON, and what it refuses."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from commands import json_here, run_here
from stored_photos import store_photo

from personalizer.home import Home
from personalizer.library.library import Library
from personalizer.schemas import BoundingBox, Embedding, NewDetection


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """25 photos of Bo, one a month."""
    made = Home(tmp_path / "home").ensure()
    with Library.open(made.database) as library:
        library.add_root(tmp_path / "photos")
        bo = library.create_concept("object", "Bo").id
        for number in range(25):
            whole = NewDetection("photo", BoundingBox(0, 0, 9, 9), 1.0, "test")
            photo = store_photo(
                library,
                content_hash=str(number),
                path=tmp_path / "photos" / f"{number:02}.jpg",
                detections=[(whole, Embedding(np.ones(2, dtype=np.float32), "o", "1"))],
                taken_at=datetime(2020 + number // 12, number % 12 + 1, 5, 9, 30),
                texts={"title": "By the river"} if number == 3 else {},
            )
            member = library.detections(photo.id)[0].id
            library.add_members(bo, [member], source="cluster", status="confirmed")
    return made


def test_text_lists_twenty_and_counts_the_rest(home: Home) -> None:
    done = run_here(home.root, "find", "photos of Bo")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "I found 25 photos of Bo, taken between 5 January 2020 and 5 January 2022."
    assert sum(".jpg" in line for line in lines) == 20
    assert "24.jpg" in lines[2] and "5 Jan 2022" in lines[2] and lines[3].strip() == "Bo is in it"
    assert lines[-1].startswith("and 5 more")
    done = run_here(home.root, "find", "--limit", "3", "photos of Bo")
    assert sum(".jpg" in line for line in done.stdout.splitlines()) == 3


def test_json_has_all_of_them(home: Home, tmp_path: Path) -> None:
    found = json_here(home.root, "find", "Bo by the river in 2020")
    assert found["count"] == 1 and found["elapsed_s"] >= 0
    [photo] = found["photos"]
    assert photo == {
        "path": str(tmp_path / "photos" / "03.jpg"),
        "score": 1.0,
        "why": ["Bo is in it", "its title is “By the river”"],
        "taken_at": "2020-04-05T09:30:00",
    }
    assert found["understood"]["names"] == ["Bo"]
    assert found["understood"]["times"] == ["1 January 2020 to 31 December 2020"]
    assert len(json_here(home.root, "find", "photos of Bo")["photos"]) == 25
    assert len(json_here(home.root, "find", "--limit", "4", "photos of Bo")["photos"]) == 4


def test_nothing_is_an_answer_and_no_failure(home: Home) -> None:
    found = json_here(home.root, "find", "Bo in 1999")
    assert (found["photos"], found["count"]) == ([], 0)
    done = run_here(home.root, "find", "Bo in 1999")
    assert done.returncode == 0 and "no photo" in done.stdout


def test_a_search_that_is_too_long_is_a_usage_error(home: Home) -> None:
    done = run_here(home.root, "find", "Bo " * 4000)
    assert done.returncode == 2 and "12000 characters" in done.stderr


def test_bytes_that_are_no_text_are_only_words(home: Home) -> None:
    done = run_here(home.root, "find", b"Bo \xeb\xff".decode("utf-8", "surrogateescape"))
    assert done.returncode == 0, done.stderr


def test_an_empty_home_says_what_to_do(tmp_path: Path) -> None:
    done = run_here(tmp_path / "new", "find", "photos of Bo")
    assert done.returncode == 0 and "familiar add" in done.stdout
