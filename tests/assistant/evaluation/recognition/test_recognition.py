"""The recognition table on small drawn subjects, through the real embedder and library."""

from pathlib import Path

import pytest

from assistant.evaluation.data.options import EvaluationRun, RecognitionOptions
from assistant.evaluation.recognition.recognition import evaluate_recognition
from personalizer.home import Home
from personalizer.schemas import Progress

pytestmark = pytest.mark.slow


def test_retrieval_knows_drawn_subjects_and_resumes(folders: tuple[Path, Path], tmp_path: Path) -> None:
    seen: list[Progress] = []
    home = Home(tmp_path / "home")
    run = EvaluationRun(home, on_progress=seen.append)
    subjects, negatives = folders
    asked = RecognitionOptions(subjects=subjects, negatives=negatives, splits=2, trained_splits=0)
    report = evaluate_recognition(asked, run)
    assert report["weighted"] > 0.9
    assert report["retrieval_only"]["trials"] == 4
    assert report["prefix_only"] is None
    # 2 subjects, 2 splits: 2 positives, 5 photos of the other subject and 8 negatives each.
    assert sum(one["count"] for one in report["reliability"]) == 4 * (2 + 5 + 8)
    assert set(report["per_concept"]) == {"target", "board"}
    assert list(report["settings"]["unreadable"]) == [str(folders[1] / "broken.jpg")]
    assert report["settings"]["photos"] == 18
    analysed = sum("analysing" in progress.message for progress in seen)
    seen.clear()
    again = evaluate_recognition(asked, run)
    assert (
        analysed == 19 and sum("analysing" in p.message for p in seen) == 1
    )  # the broken one is tried again
    assert again == report
