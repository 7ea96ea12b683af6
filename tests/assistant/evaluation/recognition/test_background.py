"""Whether yes is said to a thing or to its surroundings: of changed pictures of the sample library."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from assistant.evaluation.data.options import EvaluationRun, RecognitionOptions
from assistant.evaluation.data.protocol import Split, Subject, Trial
from assistant.evaluation.recognition.background import GROUNDS, Said, drawn_grounds, said_yes, share_of_yes
from assistant.evaluation.recognition.comparison import Comparison
from assistant.evaluation.recognition.recognition import evaluate_recognition
from assistant.evaluation.report.tables import BACKGROUND_PARTS, BACKGROUND_ROWS, background_table
from personalizer.home import PACKAGE_DATA
from personalizer.recognition.calibration import shipped_calibration
from personalizer.recognition.picture_bank import BANK_FILE

SAMPLE = PACKAGE_DATA / "sample_library"


def compared(name: str = "a") -> Comparison:
    """Three photos of its own among twelve, and two of its class."""
    return Comparison(
        split=Split(Subject(name, (Path("a.jpg"), Path("b.jpg"))), 0, (Path("a.jpg"),)),
        kind="object",
        shot_ids=[90],
        photo_ids=list(range(12)),
        is_positive=np.isin(range(12), (0, 1, 2)),
        same_class=np.isin(range(12), (0, 1, 2, 3, 4)),
        log_odds=[0.0] * 12,
        retrieval_log_odds=[0.0] * 12,
        boxes=[None] * 12,
    )


def test_grounds_are_seeded_and_show_nothing_like_the_concept() -> None:
    drawn = drawn_grounds(compared(), 20, seed=0)
    assert drawn == drawn_grounds(compared(), 20, seed=0) != drawn_grounds(compared(), 20, seed=1)
    assert {len(of_photo) for of_photo in drawn} == {GROUNDS}
    assert {place for of_photo in drawn for place in of_photo} == set(range(5, 12))


def test_each_part_says_yes_by_its_own_evidence() -> None:
    random = np.random.default_rng(0)
    truth = np.repeat([True, False], 40)
    reference = [
        Trial("other", np.where(truth, 3.0, -3.0) + random.normal(0, 1, 80), truth),
        # Were the concept's own photos used, its prefix would be taken for one that says no to everything.
        Trial("mug", np.full(80, 50.0), ~truth),
    ]
    yes = said_yes("mug", [Said(9, -9, -9), Said(-9, 9, 9), Said(None, None, None)], reference)
    assert yes["embedding_only"].tolist() == [True, False, False]
    assert yes["retrieval_only"].tolist() == [False, True, False]
    assert yes["prefix_only"].tolist() == [False, True, False]
    combine = shipped_calibration().combine
    assert yes["product"].tolist() == [combine(9, -9) >= 0.5, combine(-9, 9) >= 0.5, False]


def test_shares_are_means_over_concepts() -> None:
    found = [("a", np.array([True, False])), ("a", np.array([True, True])), ("b", np.array([False]))]
    share = share_of_yes(found, seed=0)
    assert share["yes"] == pytest.approx(0.375)
    assert share["interval"][0] <= 0.375 <= share["interval"][1]
    assert share_of_yes([], seed=0) == {"yes": None, "interval": None}


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Two subjects of the sample library, and photos of anything else in it."""
    for entry in json.loads((SAMPLE / "manifest.json").read_text()):
        if entry["subject"] in ("Sunny", "Dash"):
            folder = tmp_path / "subjects" / entry["subject"]
        elif entry["subject"] is None and entry["split"] == "held_out":
            folder = tmp_path / "negatives"
        else:
            continue
        folder.mkdir(parents=True, exist_ok=True)
        if len(list(folder.iterdir())) < 5:
            shutil.copy(SAMPLE / entry["file"], folder)
    return tmp_path / "subjects", tmp_path / "negatives"


@pytest.mark.slow
def test_backgrounds_of_the_sample_library(
    folders: tuple[Path, Path], home: Any, exported: Any, tmp_path: Path
) -> None:
    checkpoint = Path(shutil.copytree(exported.checkpoint, tmp_path / "tiny"))
    random = np.random.default_rng(0)
    bank = {
        "codes": random.integers(0, 32, (40, 16)).astype(np.int16),
        "vectors": random.normal(size=(40, 1280)).astype(np.float32),
    }
    save_file(bank, checkpoint / BANK_FILE, metadata={"embedding_version": "another"})
    run = EvaluationRun(home, str(checkpoint), "cpu")
    subjects, negatives = folders
    asked = RecognitionOptions(subjects=subjects, negatives=negatives, shots=2, splits=1, backgrounds=True)
    report = evaluate_recognition(asked, run)
    found = report["background"]
    assert found["photos"] == 6 and found["concepts"] == 2 and 4 <= found["with_mask"] <= 6
    for row in BACKGROUND_ROWS:
        for part in BACKGROUND_PARTS:
            low, high = found[row][part]["interval"]
            assert 0 <= low <= found[row][part]["yes"] <= high <= 1
    # Embeddings know things from their surroundings, also where the backbone knows nothing.
    learned = {row: found[row]["embedding_only"]["yes"] for row in BACKGROUND_ROWS}
    assert learned["untouched"] >= 0.5 and learned["swapped"] >= 0.5
    assert learned["background_only"] <= 0.5 and learned["strangers"] <= 0.2
    head, *rows = background_table(report)
    assert head[0] == f"yes, {found['with_mask']} of 6 photos" and [row[0] for row in rows] == [
        *BACKGROUND_ROWS
    ]

    heard = {path: path.stat().st_mtime_ns for path in home.root.glob("trained/*/background.json")}
    assert evaluate_recognition(asked, run) == report
    assert len(heard) == 2 and all(path.stat().st_mtime_ns == at for path, at in heard.items())
    without = evaluate_recognition(dataclasses.replace(asked, backgrounds=False), run)
    assert "background" not in without and background_table(without) == []
