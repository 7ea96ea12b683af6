"""Evaluations that train, one after the other in one home, on a tiny backbone that knows nothing."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from PIL import Image

from assistant.evaluation.data.options import (
    EvaluationRun,
    GenerationOptions,
    RecognitionOptions,
    RetentionOptions,
    ShotsOptions,
)
from assistant.evaluation.drawing.generation import evaluate_generation
from assistant.evaluation.drawing.retention import evaluate_retention
from assistant.evaluation.recognition.recognition import evaluate_recognition
from assistant.evaluation.recognition.shots import evaluate_shots
from assistant.evaluation.report.report import write_report
from assistant.evaluation.report.tables import BESIDE, MEASURES, recognition_table
from personalizer.home import Home

pytestmark = pytest.mark.slow


def trainings(home: Home) -> dict[str, int]:
    """When each prefix was written, by the folder of its split."""
    found = home.root.glob("trained/*/concepts/*/prefix.safetensors")
    return {path.parts[-4]: path.stat().st_mtime_ns for path in found}


def test_prefixes_are_trained_once_for_all_evaluations(
    folders: tuple[Path, Path], run: EvaluationRun, tmp_path: Path
) -> None:
    home, (subjects, negatives) = run.home, folders
    asked = RecognitionOptions(subjects=subjects, negatives=negatives, shots=2, splits=1)
    two = dataclasses.replace(asked, together=True)
    recognition = evaluate_recognition(asked, run)
    assert recognition["prefix_only"]["concepts"] == 2 and recognition["no_concept"]["concepts"] == 2
    of_recognition = trainings(home)
    assert len(of_recognition) == 2

    with_another = evaluate_recognition(two, run)
    together = with_another["together"]
    assert sorted(together["pairs"]) == [["board", "target"], ["target", "board"]]
    beside, alone = together["beside_another"], together["alone"]
    assert beside["concepts"] == alone["concepts"] == 2
    assert beside["kept"] == pytest.approx(beside["weighted"] / alone["weighted"], abs=1e-3)
    assert set(together["composites"]) == {"product", "alone", "beside_another"}
    rows = [row[0] for row in recognition_table(with_another)]
    assert "beside_another" in rows and "two subjects: beside_another" in rows
    heard = {path: path.stat().st_mtime_ns for path in home.root.glob("trained/*/together.json")}
    assert with_another == evaluate_recognition(two, run)
    assert len(heard) == 2 and all(path.stat().st_mtime_ns == at for path, at in heard.items())

    retention = evaluate_retention(RetentionOptions(subjects=subjects, shots=2, count=4), run)
    assert retention["identical_without_name"] is True
    assert retention["unnamed"] == {"captions": 4, "drawings": 2, "sessions": 2, "differing": 0}
    assert set(retention["per_concept"]) == {"board", "target"}
    for name in MEASURES:
        low, high = retention[name]["interval"]
        assert low <= high and retention[name]["count"] == 4
    assert retention["caption_top1"]["chance"] < 0.2
    assert retention["text_bits_per_token"]["with_prompt"] != retention["text_bits_per_token"]["bare"]

    sheets = tmp_path / "report" / "contact_sheets"
    generation = evaluate_generation(
        GenerationOptions(subjects=subjects, shots=2, samples=3, sheets=sheets, painter="backbone"), run
    )
    for name in BESIDE:
        assert -1 <= generation[name]["similarity"] <= 1 and len(generation[name]["interval"]) == 2
        assert set(generation["per_concept"]["board"][name]) == {"similarity", "position"}
    names = sorted(path.name for path in sheets.iterdir())
    kinds = ("-in_places.png", "-reranked.png", ".png")
    assert names == [f"{name}-0{kind}" for name in ("board", "target") for kind in kinds]
    assert sorted(generation["contact_sheets"]) == [str(sheets / name) for name in names]
    detail = generation["prompt_fidelity_detail"]
    assert len(detail["places"]) == 5 and detail["chance"] == 0.2
    assert generation["settings"]["samples_per_place"] == 1, "three samples are five, one of each place"
    for row in (
        detail,
        *detail["places"].values(),
        generation["per_concept"]["board"]["prompt_fidelity_detail"],
    ):
        assert 0 <= row["with_concept"] <= 1 and 0 <= row["no_concept"] <= 1
    # Noise is in no place: what it is taken for has nothing to do with what was asked for.
    assert generation["prompt_fidelity"] is None and detail["interval"] is None
    assert "bare backbone" in generation["prompt_fidelity_reason"]
    with Image.open(sheets / "board-0.png") as sheet:
        assert sheet.width > 1000
    written = write_report("generation", generation, tmp_path / "report", "familiar evaluate generation")
    assert "(contact_sheets/board-0-reranked.png)" in written[0].read_text()

    shots = evaluate_shots(
        ShotsOptions(subjects=subjects, negatives=negatives, shots="2", splits=1, trained_splits=1), run
    )
    (row,) = shots["rows"]
    for name in ("weighted", "prefix_only", "no_concept", "other_prefix", "same_class", "reliability"):
        assert row[name] == recognition[name]
    assert trainings(home) == of_recognition, "all used what the first had trained"
