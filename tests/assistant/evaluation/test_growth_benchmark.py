"""The cost of new photos, with a library small enough for a test: what is counted, not how much it is."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from assistant.evaluation.growth_benchmark import measure_growth
from personalizer.errors import FamiliarError, UsageError
from personalizer.locations import Home


@pytest.fixture
def home(tmp_path: Path, models: Path) -> Home:
    made = Home(tmp_path / "home").ensure()
    made.models.rmdir()
    made.models.symlink_to(models)
    return made


@pytest.fixture
def portrait() -> Path:
    """In the public domain."""
    spec = importlib.util.find_spec("textual_image")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent / "gracehopper.jpg"


@pytest.mark.slow
def test_new_photos_are_taken_in_by_both_libraries_in_turn(home: Home, portrait: Path) -> None:
    found = measure_growth(home, [portrait], faces=300, batch=2, repeats=2)
    assert set(found["per_photo_s"]) == set(found["cpu_s"]) == {"empty", "full"}
    assert found["faces_found"] == {"empty": 6, "full": 6}, "two at a time, and once before it counts"
    assert found["ratio"] == pytest.approx(
        found["per_photo_s"]["full"] / found["per_photo_s"]["empty"], rel=0.01
    )
    assert 0 < found["cpu_s"]["empty"] < 60
    assert [path.name for path in home.root.iterdir() if path.name.startswith("growth-")] == []


def test_what_cannot_be_measured_is_said(home: Home, portrait: Path, tmp_path: Path) -> None:
    for wrong in ({"faces": 0}, {"batch": 0}, {"repeats": 0}):
        with pytest.raises(UsageError):
            measure_growth(home, [portrait], **wrong)
    with pytest.raises(UsageError):
        measure_growth(home, [])
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no photo")
    with pytest.raises(FamiliarError, match="no photo that"):
        measure_growth(home, [broken], faces=10, repeats=1)
