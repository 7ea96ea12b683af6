"""Jobs as the worker does them, on small real photos; only training is left out."""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from photos import draw_blocks
from PIL import Image, ImageEnhance
from PIL.PngImagePlugin import PngInfo
from stored_photos import store_photo
from worlds import ON_CPU, World

from assistant.daemon.process import hold_worker_lock
from assistant.results import Check
from assistant.service.familiar import Familiar
from assistant.worker.main import queue_what_is_missing
from assistant.worker.missing_work import missing_work
from assistant.worker.registry import make_handlers
from personalizer.home import Home
from personalizer.jobs.due import due_mark, settle
from personalizer.jobs.loop import JobContext, run_worker_loop
from personalizer.photos.formats import SOFTWARE
from personalizer.schemas import BoundingBox, DetectionKind, Embedding, Job, NewDetection

TRAINED = {
    "concept": "Bo",
    "steps": 1,
    "elapsed_s": 0.1,
    "trained_values": 1,
    "bytes": 1,
    "peak_rss_mib": 1.0,
    "recognition_augmented": None,
}


@dataclass
class FolderWorld(World):
    """With a front end, and a folder of drawn photos."""

    familiar: Familiar
    folder: Path

    def draw(self, name: str, seed: int, brightness: float = 1.0) -> Path:
        path = self.folder / name
        ImageEnhance.Brightness(draw_blocks(seed)).enhance(brightness).save(path)
        return path

    def meet(self, name: str, face: float | None) -> Path:
        """A photo that the library knows already, with or without a face."""
        path = self.draw(name, seed=len(name))
        path.write_bytes(path.read_bytes() + name.encode())
        found = [_found("photo", 1.0)] + ([] if face is None else [_found("face", face)])
        store_photo(
            self.library,
            content_hash=hashlib.sha256(path.read_bytes()).hexdigest(),
            path=path,
            size=path.stat().st_size,
            mtime_ns=path.stat().st_mtime_ns,
            width_px=320,
            height_px=240,
            detections=found,
        )
        return path


def _found(kind: Any, value: float) -> tuple[NewDetection, Embedding]:
    vector = np.zeros(8, np.float32)
    vector[0], vector[1] = value, (1 - value**2) ** 0.5
    return NewDetection(kind, BoundingBox(0, 0, 200, 200), 1.0, "drawn"), Embedding(
        vector, f"{kind}-model", "1"
    )


@pytest.fixture
def world(tmp_path: Path, known_analyses: None) -> Iterator[FolderWorld]:
    home = Home(tmp_path / "home").ensure()
    folder = tmp_path / "photos"
    folder.mkdir()
    familiar = Familiar(home)
    familiar.library.add_root(folder)
    yield FolderWorld(home, familiar.library, familiar, folder)
    familiar.close()


@pytest.mark.usefixtures("index_here")
def test_photos_whose_names_are_not_utf_8_are_scanned_and_learned(world: FolderWorld) -> None:
    photo = world.draw("a.jpg", 1).rename(world.folder / os.fsdecode(b"caf\xe9.jpg"))
    broken = world.folder / os.fsdecode(b"cr\xe8me.jpg")
    broken.write_bytes(b"not a photo")
    for new in (1, 0):
        scanned = world.done("scan")["scan"]
        assert (scanned["new"], [failure["path"] for failure in scanned["failed"]]) == (new, [str(broken)])
    learned = world.done("learn", "Bo", name="Bo", photos=[str(photo)])
    assert world.library.members(learned["concept"])
    failed = world.do("learn", "Bo", name="Bo", photos=[str(broken)])
    assert failed.state == "failed" and r"cr\udce8me.jpg" in (failed.error or "")


@pytest.mark.usefixtures("index_here")
def test_photos_that_cannot_be_used_are_named_and_the_others_used(world: FolderWorld) -> None:
    good, small = world.draw("good.jpg", 1), world.folder / "small.png"
    Image.open(good).resize((10, 10)).save(small)
    again = Path(shutil.copy(good, world.folder / "again.jpg"))
    drawn = world.folder / "drawn.png"
    note = PngInfo()
    note.add_text("Software", SOFTWARE)
    Image.open(good).save(drawn, pnginfo=note)
    (world.folder / "empty.jpg").touch()
    (world.folder / "text.jpg").write_bytes(b"not a photo")
    reasons = {
        again: "the same picture, byte for byte, as good.jpg",
        drawn: "Familiar drew it, so it is no photo",
        world.folder / "empty.jpg": "the file is empty",
        world.folder / "text.jpg": "not an image of a known format",
    }
    photos = [str(path) for path in (good, small, *reasons)]
    learned = world.done("learn", "Bo", name="Bo", photos=photos)
    assert learned["skipped"] == [{"path": str(path), "reason": reason} for path, reason in reasons.items()]
    library = world.library
    members = {member.photo_id for member in library.members(learned["concept"])}
    assert members == {library.photo_by_path(path).id for path in (good, small)}

    job = world.do("learn", "Ada", name="Ada", photos=photos[3:])
    assert job.state == "failed" and library.concept_by_name("Ada") is None
    assert all(str(path) in (job.error or "") for path in photos[3:])


@pytest.mark.parametrize("broken", [True, False])
def test_the_index_stops_neither_grouping_nor_training(world: FolderWorld, broken: bool) -> None:
    photos = [str(world.draw(f"{number}.jpg", 1, 1 - number / 20)) for number in range(3)]
    if broken:
        world.home.chroma.rmdir()
        world.home.chroma.write_text("in the way")
    scanned = world.done("scan")
    learned = world.done("learn", "Bo", name="Bo", photos=photos[:1])
    rebuilt = world.do("rebuild_index")
    assert scanned["cluster"]["objects"] == 1
    assert world.queue.get(learned["train_job"]).state == "queued"
    assert ("index_error" in scanned, "index_error" in learned) == (broken, broken)
    assert rebuilt.state == ("failed" if broken else "done")


def test_a_scan_notices_that_the_index_was_deleted_and_doctor_does(world: FolderWorld) -> None:
    world.draw("a.jpg", 1)
    world.done("scan")
    vectors = world.library.counts()["vectors"]
    shutil.rmtree(world.home.chroma)

    def index() -> Check:
        [check] = [check for check in world.familiar.doctor() if check.name == "index"]
        return check

    assert not index().ok and f"{vectors} missing" in index().detail
    scanned = world.done("scan")
    assert (scanned["scan"]["new"], scanned["indexed"]) == (0, vectors)
    assert index().ok


@pytest.mark.usefixtures("index_here")
def test_a_scan_that_always_ends_the_worker_is_not_made_up_for_for_ever(
    world: FolderWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def dies(*arguments: object, **options: object) -> None:
        raise Killed

    monkeypatch.setattr("personalizer.scan.full_scan.scan", dies)
    world.queue.enqueue("scan", "library", ON_CPU)
    deaths = 0
    while deaths < 20:
        # As a worker begins.
        world.queue.recover_orphans()
        queue_what_is_missing(world.home, world.library, world.queue)
        if "scan" not in {job.kind for job in world.queue.list("queued")}:
            break
        with pytest.raises(Killed):
            world.work("scan")
        deaths += 1
    assert deaths == 6, "three times what was asked for, and three times to make up for it"
    monkeypatch.undo()
    world.done("scan")
    assert "scan" not in {work.kind for work in missing_work(world.library)}


@pytest.mark.usefixtures("index_here")
def test_a_rescan_that_finds_nothing_groups_only_when_that_is_due(
    world: FolderWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        world.draw(f"{number}.jpg", 1, 1 - number / 20)

    def dies(library: object) -> None:
        raise ValueError

    with monkeypatch.context() as full:
        full.setattr("personalizer.clustering.update.cluster", dies)
        assert world.do("scan").state == "failed"
    assert world.done("scan")["cluster"]["objects"] == 1, "the grouping that died is made up for"
    assert "cluster" not in world.done("scan")
    group = world.familiar.concepts()[0]
    world.familiar.name(group.id, "Bo")
    assert "cluster" in world.done("scan"), "a named concept attracts similar photos"
    assert "cluster" not in world.done("scan")
    (world.folder / "2.jpg").unlink()
    assert "cluster" in world.done("scan")


@pytest.mark.usefixtures("index_here")
def test_naming_while_a_scan_runs_is_seen_by_it(world: FolderWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    photos = [world.draw(f"{number}.jpg", 1, 1 - number / 20) for number in range(3)]
    world.done("scan")
    group = world.familiar.concepts()[0]
    sync = "personalizer.index.process.IndexProcess.sync"
    monkeypatch.setattr(sync, lambda *asked, **how: world.familiar.name(group.id, "Bo") and 0)
    assert photos and "cluster" in world.done("scan")


def test_cancelling_is_noticed_between_scanning_indexing_and_grouping(
    world: FolderWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.draw("a.jpg", 1)

    def cancel(*asked: object, **how: object) -> int:
        world.queue.request_cancel(world.queue.list("running")[0].id)
        return 0

    def never(library: object) -> None:
        raise AssertionError("not reached")

    monkeypatch.setattr("personalizer.index.process.IndexProcess.sync", cancel)
    monkeypatch.setattr("personalizer.clustering.update.cluster", never)
    assert world.do("scan").state == "cancelled"
    assert world.do("learn", "Bo", name="Bo", photos=[str(world.folder / "a.jpg")]).state == "cancelled"


@pytest.mark.usefixtures("index_here")
def test_learning_groups_before_training_so_that_similar_photos_are_no_counterexamples(
    world: FolderWorld,
) -> None:
    photos = [world.draw(f"{number}.jpg", 1, 1 - number / 20) for number in range(5)]
    world.done("scan")
    learned = world.done("learn", "Bo", name="Bo", photos=[str(photo) for photo in photos[:2]])
    of_bo = {member.detection_id for member in world.library.memberships(learned["concept"])}
    seen = {world.library.detection(detection_id).photo_id for detection_id in of_bo}
    expected = {world.library.photo_by_path(photo).id for photo in photos}
    assert seen == expected
    train = world.queue.get(learned["train_job"])
    assert train.payload == {"concept": learned["concept"], **ON_CPU}
    assert world.queue.enqueue("train", train.subject, train.payload) == train.id


@pytest.mark.usefixtures("index_here")
def test_settings_of_the_training_go_with_the_photos(world: FolderWorld) -> None:
    photo, settings = str(world.draw("a.jpg", 1)), {"steps": 3, "rows": {"shared": True}}
    learned = world.done("learn", "Bo", name="Bo", photos=[photo], settings=settings)
    train = world.queue.get(learned["train_job"])
    assert train.payload == {"concept": learned["concept"], **ON_CPU, "settings": settings}
    wrong = world.do("train", train.subject, **train.payload | {"settings": {"stepps": 3}})
    assert wrong.state == "failed" and "stepps" in (wrong.error or "")


@pytest.mark.usefixtures("index_here")
def test_photos_without_the_face_are_named_to_who_asked(world: FolderWorld) -> None:
    first, second = world.meet("one.jpg", 1.0), world.meet("two.jpg", 0.99)
    world.done("learn", "Bo", name="Bo", photos=[str(first), str(second)])
    match, without = world.meet("three.jpg", 0.98), world.meet("four.jpg", None)
    world.queue.request_cancel(world.queue.list("queued")[0].id)
    stop = threading.Event()
    handlers = world.handlers()
    some = {"learn": handlers["learn"], "train": lambda job, context: TRAINED}
    worker = threading.Thread(target=run_worker_loop, args=(world.queue, some, stop))
    with hold_worker_lock(world.home):
        worker.start()
        trained = world.familiar.learn("Bo", [match, without])
        stop.set()
        worker.join()
    assert trained.details["skipped"] == [{"path": str(without), "reason": "no matching face was found"}]


@pytest.mark.parametrize(("payload", "exit_code"), [({"backbone": "/nope"}, 3), ({"device": "cuda"}, 4)])
def test_training_that_cannot_begin_keeps_its_exit_code(
    world: FolderWorld, payload: dict[str, str], exit_code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    concept = world.library.create_concept("object", name="Bo")
    job = world.do("train", str(concept.id), concept=concept.id, **payload)
    assert (job.state, job.result) == ("failed", {"exit_code": exit_code})


@pytest.mark.usefixtures("index_here")
def test_a_concept_is_known_before_it_is_trained(world: FolderWorld) -> None:
    photos = [world.draw(f"{number}.jpg", 1, 1 - number / 20) for number in range(3)]
    stop = threading.Event()
    handlers = world.handlers()
    worker = threading.Thread(target=run_worker_loop, args=(world.queue, {"learn": handlers["learn"]}, stop))
    with hold_worker_lock(world.home):
        worker.start()
        begun = world.familiar.begin_learning("Bo", photos)
        stop.set()
        worker.join()
    assert (begun.concept, begun.photos, begun.skipped) == ("Bo", 3, [])
    job = world.queue.get(begun.training_job)
    assert (job.kind, job.state) == ("train", "queued")
    assert world.familiar.concept("Bo").state == "named"


@pytest.mark.usefixtures("index_here")
@pytest.mark.parametrize(("priority", "order"), [(1, ["learn", "scan"]), (0, ["scan", "learn"])])
def test_reading_a_library_makes_way_for_what_is_more_urgent(
    world: FolderWorld, priority: int, order: list[str]
) -> None:
    for number in range(3):
        world.draw(f"{number}.jpg", number)
    library, queue = world.library, world.queue
    library.add_root(world.folder)
    real = make_handlers(world.home, library, queue)
    ended: list[str] = []
    begun: list[int] = []

    def scan(job: Job, context: JobContext) -> dict[str, Any]:
        # Somebody asks for something as soon as it has begun.
        begun.append(job.id)
        if len(begun) == 1:
            queue.enqueue("learn", "Bo", {}, priority)
        result = real["scan"](job, context)
        ended.append("scan")
        return result

    def learn(job: Job, context: JobContext) -> dict[str, Any]:
        ended.append("learn")
        return {}

    scan_id = queue.enqueue("scan", "library", ON_CPU)
    run_worker_loop(queue, {"scan": scan, "learn": learn}, threading.Event(), idle_exit_s=0)
    assert ended == order
    job = queue.get(scan_id)
    assert (job.state, job.attempts) == ("done", 1), "having made way counts as no attempt"
    assert library.counts()["photos"] == 3


@pytest.mark.usefixtures("index_here")
def test_looking_again_at_photos_that_are_out_of_reach_groups_nothing_anew(world: FolderWorld) -> None:
    """It is tried every hour while the drive is away."""
    path = world.meet("a.png", 1.0)
    library = world.library
    library.connection.execute("UPDATE photos SET analysed_by = 'older'")
    settle(library, due_mark(library))
    content = path.read_bytes()
    path.unlink()
    result = world.done("analyse")
    assert result["analyse"]["changed"] == 1 and "cluster" not in result
    assert due_mark(library) is None
    path.write_bytes(content)
    assert "cluster" in world.done("analyse")


def test_grouping_suggests_what_would_be_recognised(world: FolderWorld) -> None:
    """By the rule of a description, for which the best view counts, also where groups are read anew."""
    library, box = world.library, BoundingBox(0, 0, 9, 9)

    def store(name: str, *axes: int) -> int:
        kinds: list[DetectionKind] = ["photo", "object", "object"]
        found = [
            (NewDetection(kind, box, 0.9 - 0.1 * n, "test"), Embedding(np.eye(4, dtype="f4")[axis], "o", "1"))
            for n, (kind, axis) in enumerate(zip(kinds, axes, strict=False))
        ]
        photo = store_photo(library, content_hash=name, path=Path(f"/{name}.jpg"), detections=found)
        return library.detections(photo.id, "photo")[0].id

    bo = library.create_concept("object", "Bo").id
    library.add_members(bo, [store("member", 0)], source="user", status="confirmed")
    in_a_corner, other = store("corner", 1, 2, 0), store("other", 3)
    library.add_members(bo, [other], source="cluster", status="suggested")
    for name in ("Bo", "Max"):
        library.rename_concept(bo, name)
        world.done("cluster")
        assert [one.id for one in library.members(bo, "suggested")] == [in_a_corner]
