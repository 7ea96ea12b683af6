"""An update of Familiar brings another backbone: concepts go on by retrieval, and their prefixes are made anew."""

from __future__ import annotations

import json
import re
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from analysis_children import KnownPhotos
from index_here import index_in_this_process
from safetensors.torch import load_file, save_file
from worlds import World

from assistant.answers.backbone_service import BackboneService
from assistant.answers.describe import Describer
from assistant.demo.run import read_samples
from assistant.language.parse import parse
from exporters.installed import exported_version
from personalizer.home import Home
from personalizer.jobs.loop import run_worker_loop
from personalizer.library.library import Library
from personalizer.schemas import Concept, Job

pytestmark = pytest.mark.slow  # it trains and exports what it renews


@dataclass
class Updated(World):
    """A home whose backbone can be replaced by another version of itself."""

    checkpoint: Path
    photos: list[Path]

    def __post_init__(self) -> None:
        self.options["backbone"] = str(self.checkpoint)

    @property
    def bo(self) -> Concept:
        found = self.library.concept_by_name("Bo")
        assert found is not None
        return found

    def work(self, *kinds: str) -> None:
        super().work(*kinds)
        assert [job.error for job in self.queue.list("failed")] == []

    def waiting(self, kind: str) -> list[Job]:
        return [job for job in self.queue.list("queued") if job.kind == kind]

    def serving(self) -> BackboneService:
        return BackboneService(self.home, str(self.checkpoint))

    def update(self) -> None:
        """Other weights under the same name, as an update brings them."""
        file = self.checkpoint / "model.safetensors"
        weights = load_file(file)
        weights["lm_head.weight"] = weights["lm_head.weight"] * 1.25
        save_file(weights, file, metadata={"format": "pt"})


@pytest.fixture(scope="module")
def learned(
    exported: Any, tmp_path_factory: pytest.TempPathFactory, known_photos: KnownPhotos
) -> tuple[Path, Path]:
    """Bo, learned from three photos and trained for the version that is there: where all is, and a copy of it."""
    from exporters.installed import note_export, runtime_directory

    place = tmp_path_factory.mktemp("learned") / "here"
    home = Home(place / "home").ensure()
    shutil.copytree(exported.runtime, runtime_directory(home, exported.version))
    checkpoint = Path(shutil.copytree(exported.checkpoint, place / "tiny"))
    note_export(home, str(checkpoint), exported.version)
    others = place / "others"
    others.mkdir()
    mine, *rest = _photos()
    for found in rest[:8]:
        shutil.copy(found[0], others)
    with (
        Library.open(home.database) as library,
        known_photos.used_by_scans(),
        index_in_this_process(),
    ):
        library.add_root(others)
        world = Updated(home, library, checkpoint, mine[:3])
        world.do("scan")
        world.do("learn", "Bo", name="Bo", photos=[str(photo) for photo in mine[:3]])
        world.work("train")
        assert world.bo.state == "ready" and world.bo.backbone == exported.version
    return place, Path(shutil.copytree(place, place.with_name("kept")))


@pytest.fixture
def updated(learned: tuple[Path, Path], known_analyses: None, index_here: None) -> Iterator[Updated]:
    """All of it as it was, and in the same place."""
    place, kept = learned
    shutil.rmtree(place)
    shutil.copytree(kept, place)
    home = Home(place / "home")
    with Library.open(home.database) as library:
        yield Updated(home, library, place / "tiny", _photos()[0][:3])


def _photos() -> list[list[Path]]:
    """Of the sample library, by subject: those with three or more."""
    by_subject: dict[str, list[Path]] = {}
    for sample in read_samples():
        by_subject.setdefault(sample.subject, []).append(sample.path)
    return [found for found in by_subject.values() if len(found) >= 3]


def evidence(world: Updated) -> tuple[bool, str]:
    """Whether Bo is recognised in the first photo, and why."""
    described = Describer(world.library, world.serving()).describe(
        world.photos[0], parse("is this Bo?", ["Bo"]), 0.0
    )
    (found,) = [one for one in described.concepts if one.name == "Bo"]
    return found.verdict == "yes", "; ".join(found.evidence)


def asked_the_prefix(why: str) -> bool:
    return re.search(r"trained prefix \d\.\d\d", why) is not None


@pytest.mark.slow
def test_prefixes_are_made_anew_and_concepts_work_meanwhile(updated: Updated) -> None:
    before = updated.bo
    assert updated.serving().has_prefix(before)
    present, why = evidence(updated)
    assert present and asked_the_prefix(why)
    updated.update()
    assert exported_version(updated.home, str(updated.checkpoint)) is None
    updated.do("export", str(updated.checkpoint))
    assert updated.bo.state == "stale" and updated.bo.backbone == before.backbone
    assert not updated.serving().has_prefix(updated.bo)
    present, why = evidence(updated)
    assert present and "another version" in why and not asked_the_prefix(why)
    updated.work("train")
    assert updated.bo.state == "ready"
    assert updated.bo.backbone == exported_version(updated.home, str(updated.checkpoint)) != before.backbone
    present, why = evidence(updated)
    assert present and asked_the_prefix(why)
    updated.do("export", str(updated.checkpoint))
    assert updated.waiting("train") == []


@pytest.mark.parametrize("ending", ["fails", "is stopped"])
def test_a_daemon_finds_out_by_itself_and_does_not_try_for_ever(updated: Updated, ending: str) -> None:
    updated.update()
    updated.do("scan")
    assert len(updated.waiting("export")) == 1 and updated.waiting("train") == []
    updated.work("export")
    (job,) = updated.waiting("train")
    updated.do("scan")
    assert [one.id for one in updated.waiting("train")] == [job.id]
    found = updated.library.connection.execute("SELECT priority FROM jobs WHERE id = ?", (job.id,))
    assert found.fetchone()[0] < 0, "whatever else is asked for goes first"
    if ending == "fails":
        updated.queue.claim(1, ["train"])
        updated.queue.fail(job.id, "its photos are gone")
    else:
        updated.queue.request_cancel(job.id)
    updated.queue.enqueue("scan", "library", updated.options)
    handlers = updated.handlers()
    run_worker_loop(updated.queue, {"scan": handlers["scan"]}, threading.Event(), idle_exit_s=0)
    assert updated.waiting("train") == [] and updated.bo.state == "stale"


def test_an_older_version_is_still_of_the_same_backbone_after_two_updates(updated: Updated) -> None:
    for _ in range(2):
        updated.update()
        updated.queue.enqueue("export", str(updated.checkpoint), updated.options)
        updated.work("export")
    (job,) = updated.waiting("train")
    assert job.payload["concept"] == updated.bo.id and updated.bo.state == "stale"


def test_an_update_counts_as_one_wherever_familiar_is_installed(
    updated: Updated, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The bundled backbone goes by its name: a new environment, or an older index, changes nothing about it."""
    bundled = tmp_path / "old environment" / "pocket"
    shutil.copytree(updated.checkpoint, bundled)
    monkeypatch.setattr("personalizer.backbones.registry.PACKAGE_DATA", bundled.parent)
    index = updated.home.runtimes / "index.json"
    index.write_text(json.dumps({"pocket": {"version": updated.bo.backbone, "files": {}}}))
    moved = tmp_path / "new environment" / "pocket"
    shutil.copytree(bundled, moved)
    monkeypatch.setattr("personalizer.backbones.registry.PACKAGE_DATA", moved.parent)
    updated.checkpoint = moved
    updated.update()
    updated.queue.enqueue("export", "pocket", {"backbone": "pocket", "device": "cpu"})
    updated.work("export")
    (job,) = updated.waiting("train")
    assert job.payload["concept"] == updated.bo.id


def test_without_an_index_names_decide(updated: Updated) -> None:
    (updated.home.runtimes / "index.json").unlink()
    other = updated.checkpoint.parent / "other"
    shutil.copytree(updated.checkpoint, other)
    mine, updated.checkpoint = updated.checkpoint, other
    updated.update()
    updated.do("export", str(other))
    assert updated.waiting("train") == [], "the prefix is of `tiny`"
    updated.checkpoint = mine
    updated.update()
    updated.queue.enqueue("export", str(mine), updated.options)
    updated.work("export")
    assert len(updated.waiting("train")) == 1


def test_scanning_needs_no_backbone(updated: Updated) -> None:
    updated.checkpoint = updated.checkpoint.parent / "unplugged"
    updated.do("scan")
    assert updated.queue.list("done")[-1].kind == "scan" and updated.waiting("export") == []


@pytest.mark.parametrize("name", ["other", "elsewhere/tiny"])
def test_a_prefix_of_another_backbone_is_left_alone(updated: Updated, name: str) -> None:
    other = Path(shutil.copytree(updated.checkpoint, updated.checkpoint.parent / name))
    mine = updated.checkpoint
    updated.checkpoint = other
    updated.update()
    updated.do("export", str(other))
    assert updated.bo.state == "ready" and updated.waiting("train") == []
    updated.checkpoint = mine
    assert updated.serving().has_prefix(updated.bo)


def test_who_trains_anyway_is_not_followed_by_a_renewal_with_other_settings(updated: Updated) -> None:
    updated.update()
    updated.do("train", str(updated.bo.id), concept=updated.bo.id, settings={"steps": 2})
    assert updated.bo.state == "ready"
    assert updated.bo.backbone == exported_version(updated.home, str(updated.checkpoint))
    assert updated.waiting("train") == []
    assert (
        json.loads((updated.bo.prefix_dir / "manifest.json").read_text())["training"]["report"]["steps"] == 2
    )
