"""Montages measured by the protocol of drawings: on real pictures, with the control beside, and copies recognized."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assistant.demo.run import read_samples
from assistant.evaluation.data.options import EvaluationRun, GenerationOptions
from assistant.evaluation.drawing.generation import evaluate_generation
from assistant.evaluation.drawing.montages import same_ground
from personalizer.errors import UsageError
from personalizer.home import Home
from personalizer.photos.decode import load_photo

SUBJECTS = ("Kiwi", "Bolt", "Quackers")


def test_a_montage_is_nearer_to_its_subject_than_the_scene_alone(tmp_path: Path) -> None:
    for sample in read_samples():
        if sample.subject in SUBJECTS:
            folder = tmp_path / "subjects" / str(sample.subject)
            folder.mkdir(parents=True, exist_ok=True)
            if len(list(folder.iterdir())) < 4:
                shutil.copy(sample.path, folder)
    options = GenerationOptions(
        subjects=tmp_path / "subjects", shots=2, samples=2, sheets=tmp_path / "sheets"
    )
    found = evaluate_generation(options, EvaluationRun(Home(tmp_path / "home")))
    assert found["similarity"] > found["no_concept"]["similarity"] + 0.1
    assert found["copy_rate"] == 0 and 0.3 < found["fill"] < 0.6
    assert found["nearest_subject"] >= 0.5
    assert set(found["per_concept"]) == set(SUBJECTS)
    assert {"position", "ceiling", "floor", "prompt_fidelity", "places_kept", "encoder"} <= set(found)
    assert found["settings"]["painter"] == "montage" and found["settings"]["size"] == 64
    assert len(found["contact_sheets"]) == 2 * len(SUBJECTS)
    assert all(Image.open(sheet).width > 300 for sheet in found["contact_sheets"])


def test_a_ground_that_is_copied_is_noticed_and_another_is_not() -> None:
    photo, other = (load_photo(sample.path).image for sample in read_samples()[:2])
    free = np.ones((64, 64), np.bool_)
    free[20:50, 20:44] = False
    covered = photo.copy()
    covered.paste((200, 0, 0), (160, 120, 330, 280))
    assert same_ground(covered, photo, free)
    assert same_ground(covered.transpose(Image.Transpose.FLIP_LEFT_RIGHT), photo, free[:, ::-1])
    assert not same_ground(other, photo, free)
    assert not same_ground(Image.new("RGB", (64, 64), "white"), photo, free)


@pytest.mark.parametrize(
    ("wrong", "said"), [({"painter": "crayon"}, "no painter"), ({"size": 65}, "not measured")]
)
def test_what_cannot_be_measured_is_refused(tmp_path: Path, wrong: dict[str, object], said: str) -> None:
    options = GenerationOptions(subjects=tmp_path, **wrong)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=said):
        evaluate_generation(options, EvaluationRun(Home(tmp_path / "home")))
