"""`bench ingest`: what it compares with does what it says, and the command measures both."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import dlib
import numpy as np
import pytest
from photos import FLOWER, PORTRAIT, package_file
from PIL import Image

from assistant.cli.bench import ingest_lines
from assistant.evaluation.bench.ingest import (
    benchmark_ingest,
    faces_said,
    find_command,
    prepared_folder,
    reference_finds,
)
from assistant.evaluation.bench.memory import write_many
from assistant.evaluation.data.options import EvaluationRun, IngestOptions
from personalizer.errors import NotFoundError, UsageError
from personalizer.home import Home


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A face and a flower, as packages carry them."""
    folder = tmp_path / "photos"
    folder.mkdir()
    shutil.copy(package_file(*PORTRAIT), folder)
    shutil.copy(package_file(*FLOWER), folder)
    return folder


def test_the_other_side_finds_faces_in_large_photos_as_the_command_does(tmp_path: Path, photos: Path) -> None:
    people, unknown = tmp_path / "people", tmp_path / "unknown"
    people.mkdir()
    unknown.mkdir()
    portrait = Image.open(photos / "gracehopper.jpg").convert("RGB")
    portrait.save(people / "grace.png")
    large = Image.new("RGB", (3200, 2400), "grey")
    large.paste(portrait, (1700, 300))
    large.save(unknown / "large.jpg", quality=95)
    shutil.copy(photos / "flower.jpg", unknown)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "personalizer.benchmarks.face_recognition_tool",
            "2",
            str(people),
            str(unknown),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    lines = {line["photo"]: line["faces"] for line in map(json.loads, done.stdout.splitlines())}
    assert lines["flower.jpg"] == []
    [face] = lines["large.jpg"]
    assert face["known"] == [0], "the same person as the known one"
    # By hand: half the size, twice enlarged for the detector, and the box is in pixels of the photo.
    half = large.resize((1600, 1200), Image.Resampling.LANCZOS)
    [box] = dlib.get_frontal_face_detector()(np.asarray(half), 1)
    [[found]] = [boxes for boxes in reference_finds(done.stdout).values() if boxes]
    assert (found.left, found.top) == pytest.approx((2 * box.left(), 2 * box.top()), abs=10)
    assert 1700 < found.left < found.right < 1700 + portrait.width


def test_what_the_command_prints_is_counted_by_photo() -> None:
    said = "some/a,b.jpg,unknown_person\nsome/a,b.jpg,grace\nsome/c.jpg,no_persons_found\n\n"
    assert faces_said(said) == {"a,b.jpg": 2, "c.jpg": 0}


def test_a_command_that_is_not_there_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotFoundError, match="no such program"):
        find_command(tmp_path / "face_recognition")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_command(None) is None
    program = tmp_path / "face_recognition"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert find_command(None) == program == find_command(program)


def test_composed_photos_are_kept_only_where_nothing_is(tmp_path: Path) -> None:
    assert prepared_folder(tmp_path / "new") == tmp_path / "new"
    (tmp_path / "file").write_text("mine")
    for taken in (tmp_path, tmp_path / "file"):
        with pytest.raises(UsageError, match="not an empty folder"):
            prepared_folder(taken)


def test_many_photos_are_all_different_and_can_be_read(tmp_path: Path) -> None:
    pictures = [Image.new("RGB", (400, 300), "teal"), Image.new("RGB", (90, 90), "red")]
    write_many(pictures, tmp_path / "many", 30, 0, lambda progress: None)
    files = sorted((tmp_path / "many").rglob("*.jpg"))
    assert len(files) == len({path.read_bytes() for path in files}) == 30
    for path in files:
        with Image.open(path) as image:
            image.load()
            assert 50 <= max(image.size) <= 224


@pytest.mark.slow
def test_both_sides_are_measured_on_the_same_photos(tmp_path: Path, photos: Path) -> None:
    """With a command that finds nobody, so that it is seen to be the one that was asked."""
    home = Home(tmp_path / "home").ensure()
    program = tmp_path / "face_recognition"
    program.write_text('#!/bin/sh\nfor photo in "$4"/*; do echo "$photo,no_persons_found"; done\n')
    program.chmod(0o755)
    keep = tmp_path / "kept"
    asked = IngestOptions(
        photos=[photos], count=2, repeats=1, photos_count=30, reference_command=program, keep=keep
    )
    report = benchmark_ingest(asked, EvaluationRun(home))
    assert report["ratio"] == pytest.approx(report["ours"] / report["baseline"])
    assert report["reference"] == {"command": str(program), "photos_agreed": 0}
    assert sorted(path.name for path in keep.iterdir()) == ["00000.jpg", "00001.jpg"]
    with Image.open(keep / "00000.jpg") as image:
        assert image.size == (4000, 3000)
    faces = report["faces"]
    assert faces["known"] >= 6 and faces["reference"] >= faces["known"] - 1
    assert faces["by_size_px"]["760"]["ours"] == faces["by_size_px"]["760"]["known"] > 0
    assert report["memory"]["photos"] == 30 and report["memory"]["failed"] == 0
    assert report["memory"]["peak_mib"] > 100
    assert [path.name for path in home.root.iterdir() if path.name.startswith("ingest-")] == []
    assert "photos/s here" in ingest_lines(report)
    json.dumps(report, allow_nan=False)


@pytest.mark.slow
def test_the_command_measures_against_the_same_work_without_the_other_program(
    tmp_path: Path, photos: Path
) -> None:
    home = Home(tmp_path / "home").ensure()
    code = "import sys; from tui.entry import main; sys.exit(main())"
    arguments = ["--home", str(home.root), "--json", "--quiet", "bench", "ingest", "--photos", str(photos)]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments, "--count", "1", "--repeats", "1"],
        capture_output=True,
        check=False,
        text=True,
        timeout=600,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PATH": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["reference"]["command"] is None
    assert report["ratio"] == pytest.approx(report["ours"] / report["baseline"])
    assert report["cpu_s_per_photo"]["baseline"] > 0.2
    assert report["faces"]["reference"] >= 3
