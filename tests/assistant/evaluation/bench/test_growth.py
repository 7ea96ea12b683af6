"""The cost of new photos, with a library small enough for a test: what is counted, not how much it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from photos import PORTRAIT, package_file

from assistant.evaluation.bench.growth import measure_growth
from personalizer.errors import FamiliarError, UsageError
from personalizer.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").ensure()


@pytest.fixture
def portrait() -> Path:
    """In the public domain."""
    return package_file(*PORTRAIT)


@pytest.mark.slow
def test_new_photos_are_taken_in_by_both_libraries_in_turn(home: Home, portrait: Path) -> None:
    found = measure_growth(home, [portrait], faces=300, batches=(2, 1), repeats=1)
    assert found["faces_found"] == {"empty": 4, "full": 4}, (
        "two at a time, then one, and one before it counts"
    )
    assert list(found["by_batch"]) == ["2", "1"]
    for row in (found, *found["by_batch"].values()):
        assert set(row["per_photo_s"]) == set(row["cpu_s"]) == {"empty", "full"}
        seconds = row["per_photo_s"]
        assert row["ratio"] == pytest.approx(seconds["full"] / seconds["empty"], rel=0.01)
    assert found["ratio"] == found["by_batch"]["2"]["ratio"]
    assert [path.name for path in home.root.iterdir() if path.name.startswith("growth-")] == []


def test_what_cannot_be_measured_is_said(home: Home, portrait: Path, tmp_path: Path) -> None:
    for wrong in ({"faces": 0}, {"batches": [0]}, {"batches": []}, {"repeats": 0}):
        with pytest.raises(UsageError):
            measure_growth(home, [portrait], **wrong)
    with pytest.raises(UsageError):
        measure_growth(home, [])
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no photo")
    with pytest.raises(FamiliarError, match="no photo that"):
        measure_growth(home, [broken], faces=10, repeats=1)
