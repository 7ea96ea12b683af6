"""Quality against the number of photos, on small drawn subjects through the real embedder and library."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from assistant.evaluation.data.options import EvaluationRun, ShotsOptions
from assistant.evaluation.data.photos import EvaluationPhotos
from assistant.evaluation.data.protocol import make_nested_splits, read_photos, read_subjects
from assistant.evaluation.recognition.comparison import compare_splits
from assistant.evaluation.recognition.shots import evaluate_shots
from personalizer.errors import NotFoundError, UsageError
from personalizer.home import Home

FAMILIAR = [sys.executable, "-c", "from tui.entry import main; main()"]


def _home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").ensure()


@pytest.mark.slow
def test_every_row_is_tested_on_the_same_photos(folders: tuple[Path, Path], tmp_path: Path) -> None:
    subjects, _ = read_subjects(folders[0], 3)
    negatives = read_photos(folders[1])
    photos = EvaluationPhotos(_home(tmp_path))
    try:
        photos.prepare([*(photo for one in subjects for photo in one.photos), *negatives])
        nested = make_nested_splits(subjects, [1, 3], 2, seed=0)
        one, three = (compare_splits(photos, nested[count], subjects, negatives, None) for count in (1, 3))
    finally:
        photos.close()
    assert len(one) == len(three) == 4
    for few, many in zip(one, three, strict=True):
        assert few.photo_ids == many.photo_ids
        assert few.is_positive.tolist() == many.is_positive.tolist()
        assert few.same_class.tolist() == many.same_class.tolist()
        assert set(few.shot_ids) < set(many.shot_ids) and len(many.shot_ids) == 3
        assert not set(many.shot_ids) & set(many.photo_ids)
        assert few.is_positive.sum() == 2


@pytest.mark.slow
def test_rows_are_recognition_tables_and_subjects_without_enough_different_photos_are_named(
    folders: tuple[Path, Path], draw_subject: Callable[[str, int], Path], tmp_path: Path
) -> None:
    draw_subject("few", 2)
    twice = draw_subject("copies", 3)
    for number in range(2):
        (twice / f"again{number}.png").write_bytes((twice / "0.png").read_bytes())
    spoiled = draw_subject("spoiled", 4)
    (spoiled / "4.png").write_bytes(b"no photo")
    asked = ShotsOptions(subjects=folders[0], negatives=folders[1], shots="4,1,1", splits=2)
    report = evaluate_shots(asked, EvaluationRun(_home(tmp_path)))
    assert [row["shots"] for row in report["rows"]] == [1, 4]
    for row in report["rows"]:
        assert row["trials"] == 4 and row["prefix_only"] is None
        assert set(row["per_concept"]) == {"target", "board"}
        assert {"weighted", "interval", "ece", "coverage_at_98", "same_class", "retrieval_only"} <= set(row)
    assert report["rows"][-1]["weighted"] > 0.9
    assert report["settings"]["skipped_subjects"] == ["copies", "few", "spoiled"]
    assert report["settings"]["shots"] == [1, 4]


@pytest.mark.slow
def test_numbers_are_printed_even_where_the_report_cannot_be_written_in_the_end(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    """The folder takes files, but something that is no file has the report's name."""
    blocked = tmp_path / "report"
    (blocked / "report.md").mkdir(parents=True)
    home = _home(tmp_path)

    def run(*more: str) -> subprocess.CompletedProcess[str]:
        given = [
            "--subjects",
            str(folders[0]),
            "--negatives",
            str(folders[1]),
            "--shots",
            "1,2",
            "--splits",
            "1",
        ]
        command = [*FAMILIAR, "--home", str(home.root), "--json", "evaluate", "shots", *given, *more]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)

    failed = run("--report", str(blocked))
    assert failed.returncode == 1 and str(blocked) in failed.stderr
    found = json.loads(failed.stdout)
    assert [row["shots"] for row in found["rows"]] == [1, 2] and set(found["error"]) == {
        "tried",
        "found",
        "fix",
    }
    done = run("--report", str(tmp_path / "other"))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rows"] == found["rows"]
    text = (tmp_path / "other" / "report.md").read_text()
    assert "evaluate shots --subjects" in text and "--shots 1,2" in text and "--trained-splits" not in text
    assert (tmp_path / "other" / "shots.png").stat().st_size > 5000


def test_more_shots_than_there_are_photos_is_refused_before_anything_is_analysed(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="0 folders with more than 5 photos"):
        evaluate_shots(
            ShotsOptions(subjects=folders[0], negatives=folders[1], shots="1,5"),
            EvaluationRun(Home(tmp_path / "home")),
        )
    assert not (tmp_path / "home").exists()


def test_missing_folders_and_senseless_numbers_are_refused(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    run = EvaluationRun(Home(tmp_path / "home"))
    subjects, negatives = folders
    for wrong, said in (("", "--shots"), ("1,two", "--shots"), ("0,1", "from 1 up"), ("-1", "from 1 up")):
        with pytest.raises(UsageError, match=said):
            evaluate_shots(ShotsOptions(subjects=subjects, negatives=negatives, shots=wrong), run)
    with pytest.raises(NotFoundError, match="no such folder"):
        evaluate_shots(ShotsOptions(subjects=tmp_path / "nowhere", negatives=negatives), run)
    with pytest.raises(NotFoundError, match="no such folder"):
        evaluate_shots(ShotsOptions(subjects=subjects, negatives=tmp_path / "nowhere", shots="1"), run)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["shots", "--negatives", "{dir}", "--shots", "1,two"], 2),
        (["shots", "--negatives", "{dir}", "--shots", ""], 2),
        (["recognition", "--negatives", "{dir}", "--report", "{dir}/file"], 2),
        (["generation", "--report", "{dir}/file"], 2),
        (["retention", "--report", "{dir}/file"], 2),
        (["retention", "--images", "{dir}/nowhere"], 3),
        (["shots", "--negatives", "{dir}/nowhere", "--shots", "1"], 3),
    ],
)
def test_the_command_line_says_what_is_wrong(
    folders: tuple[Path, Path], tmp_path: Path, arguments: list[str], code: int
) -> None:
    (tmp_path / "file").write_text("in the way")
    given = [argument.format(dir=tmp_path) for argument in arguments]
    command = [*FAMILIAR, "--home", str(tmp_path / "home"), "--json", "evaluate", *given]
    done = subprocess.run(
        [*command, "--subjects", str(folders[0])], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == code, done.stderr
    assert all(json.loads(done.stdout)["error"].values()) and "Traceback" not in done.stderr
