"""The clusters table on the sample library and on people who do not exist, through the real scan and grouping."""

import json
import shutil
from pathlib import Path

import pytest

from assistant.cli.evaluate import clusters_lines
from assistant.evaluation.data.options import ClustersOptions, EvaluationRun
from assistant.evaluation.data.synthetic_people import draw_people, draw_siblings
from assistant.evaluation.recognition.clusters import evaluate_clusters
from assistant.evaluation.recognition.synthetic import evaluate_siblings, evaluate_synthetic
from assistant.evaluation.report.report import write_report
from personalizer.errors import NotFoundError, UsageError
from personalizer.home import PACKAGE_DATA, Home

SAMPLES = PACKAGE_DATA / "sample_library"


@pytest.fixture
def sample_folders(tmp_path: Path) -> tuple[Path, Path]:
    """Three things of the sample library, and photos of anything else."""
    subjects, negatives = tmp_path / "subjects", tmp_path / "negatives"
    negatives.mkdir()
    for entry in json.loads((SAMPLES / "manifest.json").read_text("utf-8")):
        if entry["split"] != "library":
            continue
        folder = subjects / entry["subject"] if entry["subject"] else negatives
        if entry["subject"] in ("Sunny", "Honey", "Bolt", None):
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(SAMPLES / entry["file"], folder)
    return subjects, negatives


@pytest.mark.slow
def test_things_of_the_sample_library_are_found_among_others(
    sample_folders: tuple[Path, Path], tmp_path: Path
) -> None:
    home = Home(tmp_path / "home").ensure()
    subjects, negatives = sample_folders
    copies = subjects / "Bolt" / "not a photo.jpg"
    copies.write_bytes(b"nothing")
    asked, run = ClustersOptions(objects=subjects, negatives=negatives, orders=3), EvaluationRun(home)
    report = evaluate_clusters(asked, run)
    assert report["identities"] == 3
    assert report["bcubed"]["precision"] > 0.85
    assert report["bcubed"]["recall"] > 0.6
    assert report["unreadable"] == report["undetected"] == 1
    assert report["negatives"] == len(list(negatives.iterdir()))
    assert 0 <= report["negatives_clustered"] <= 3
    assert report["incremental"]["worst_difference"] <= 0.02
    assert report["named"]["attached_wrong"] == 0
    assert set(report) >= {"pairwise", "clusters", "unassigned"}
    # What was measured in is gone; what was scanned is kept, and measuring again finds the same.
    assert [
        path.name for path in home.root.iterdir() if path.name.startswith("clusters-") and path.is_dir()
    ] == []
    assert evaluate_clusters(asked, run) == report
    assert "shuffled, in 2 parts" in clusters_lines(report)
    files = write_report("clusters", report, tmp_path, "familiar evaluate clusters")
    assert "| all photos |" in files[0].read_text("utf-8")


def test_synthetic_people_are_grouped_at_once_and_in_parts(tmp_path: Path) -> None:
    found = evaluate_synthetic(150, home=Home(tmp_path / "home"))
    assert found["identities"] == 150
    assert found["bcubed"]["f"] >= 0.99
    assert abs(found["incremental"]["difference"]) <= 0.02
    assert list((tmp_path / "home").glob("clusters-*")) == []


def test_no_sibling_joins_a_named_person(tmp_path: Path) -> None:
    found = evaluate_siblings(home=Home(tmp_path / "home"), pairs=12)
    assert found["merged"] == 0
    assert all(row["own_attached"] > 0.6 * row["own"] for row in found["rows"])
    assert all(row["siblings"] == 12 * 11 for row in found["rows"])


def test_drawn_people_are_as_far_apart_as_they_should_be() -> None:
    import numpy as np

    people = draw_people(60, 0)
    assert len(people.identities) == len(people.vectors)
    assert np.bincount(people.identities).min() >= 2
    distance = np.linalg.norm(people.vectors[:, None] - people.vectors[None], axis=2)
    same = people.identities[:, None] == people.identities[None]
    assert 0.75 < distance[~same].mean() < 0.9
    assert distance[same & (distance > 0)].mean() < 0.45
    person, sibling = draw_siblings(30, 0.5, 6, 0)
    across = ((person.vectors[:, None] - sibling.vectors[None]) ** 2).sum(axis=2)
    own = person.identities[:, None] == sibling.identities[None]
    assert np.sqrt(across[own].mean()) == pytest.approx(0.5, abs=0.02)


def test_what_cannot_be_measured_is_refused(tmp_path: Path) -> None:
    run = EvaluationRun(Home(tmp_path / "home"))
    with pytest.raises(UsageError, match="neither faces"):
        evaluate_clusters(ClustersOptions(), run)
    with pytest.raises(UsageError, match="without --objects"):
        evaluate_clusters(ClustersOptions(negatives=tmp_path, synthetic=5), run)
    with pytest.raises(NotFoundError):
        evaluate_clusters(ClustersOptions(faces=tmp_path / "nowhere"), run)
