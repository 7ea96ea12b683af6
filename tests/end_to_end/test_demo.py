"""`familiar demo`: the whole job on the photos that ship, and nothing twice."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from assistant.demo.run import read_samples


def test_the_sample_library_has_what_the_demo_needs() -> None:
    samples = read_samples()
    assert all(sample.path.is_file() for sample in samples)
    subjects = {sample.subject for sample in samples if sample.subject}
    for subject in subjects:
        assert sum(s.subject == subject and not s.held_out for s in samples) >= 3
        assert any(s.subject == subject and s.held_out for s in samples)
    library = [sample for sample in samples if not sample.held_out]
    assert len(subjects) >= 6
    assert len(library) >= 70


@pytest.mark.slow
def test_the_demo_finds_names_trains_asks_and_draws_and_repeats_nothing(command: Any, tmp_path: Path) -> None:
    first = command.json("demo", "--out", str(tmp_path / "out"))
    assert first["photos"] == sum(not sample.held_out for sample in read_samples())
    assert first["detections"] >= 2 * first["photos"]
    assert len(first["concepts"]) == 2
    assert all(concept["state"] == "ready" for concept in first["concepts"])
    assert sorted(asked["expected"] for asked in first["describe"]) == ["no", "no", "yes", "yes"]
    for asked in first["describe"]:
        assert asked["correct"] == (asked["verdict"] == asked["expected"])
        assert asked["answer"]
        assert "held_out" in asked["photo"]
    assert len(first["imagine"]) == 4
    assert all(Path(drawn["path"]).is_file() for drawn in first["imagine"])
    assert Path(first["contact_sheet"]).is_file()
    assert {"ingest", "name", "train", "describe", "imagine", "total"} <= set(first["elapsed_s"])

    jobs = len(command.json("jobs"))
    started = time.monotonic()
    second = command.json("demo", "--out", str(tmp_path / "out"))
    assert second["repeated"] is True
    assert second["describe"] == first["describe"]
    assert len(command.json("jobs")) == jobs
    assert second["elapsed_s"]["this_run"] < 5
    assert time.monotonic() - started < first["elapsed_s"]["total"]
