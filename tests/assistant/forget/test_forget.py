"""Forgetting a trained concept in a real home, searched byte by byte before and after; with crashes in between."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from analysis_children import KnownPhotos
from kept_chats import described, drawing, drawn, said
from PIL import Image
from stored_photos import store_photo, vector_of
from worlds import World

from assistant.chat.agent import Assistant
from assistant.chat.events import Answer, Event, Failed
from assistant.chat.history.recorder import Recorder
from assistant.daemon.process import hold_worker_lock, running_worker_pid, worker_log
from assistant.demo.run import Demo, read_samples
from assistant.forget.concept import resume_forgetting
from assistant.service.familiar import Familiar
from assistant.tools import build_tools
from exporters.installed import note_export, runtime_directory
from personalizer.concepts.forget import identity_of
from personalizer.concepts.operations import merge_concepts
from personalizer.concepts.undo import undo
from personalizer.errors import FamiliarError, NotFoundError, NotReadyError, UsageError
from personalizer.home import Home
from personalizer.jobs.loop import run_worker_loop
from personalizer.library.library import Library
from personalizer.library.photos.labels import replace_labels
from personalizer.photos.formats import drawing_notes
from personalizer.schemas import BoundingBox, Concept, Embedding, Job, NewDetection, PhotoLabel

NAME, EARLIER, OTHER = "Zoë Quux", "Mugsy", "Rex"
PLANTED = "a word that no network says"
WRITTEN, LETTERED = "Sesquipedalian holiday", "ANTIDISESTABLISHMENT ONLY"
KEPT_FACT = "is red with white dots"
TOLD = "is afraid of floccinaucinihilipilification"
"""Which answers in chats quote without the name."""
STEPS = 3


@dataclass
class TrainedWorld(World):
    """A home with two trained concepts; the first one also in drawings, exports, logs, jobs and a demo's record."""

    backbone: str
    photos: Path
    familiar: Familiar

    def __post_init__(self) -> None:
        self.options["backbone"] = self.backbone

    def concept(self, name: str) -> Concept:
        return self.familiar.concept(name)

    def forget(self, name: str = NAME) -> dict[str, int]:
        """By a worker in this process."""
        with self.working():
            return self.familiar.forget(name, name).removed

    @contextmanager
    def working(self) -> Iterator[None]:
        stop = threading.Event()
        handlers = {"forget": self.handlers()["forget"]}
        worker = threading.Thread(target=run_worker_loop, args=(self.queue, handlers, stop))
        with hold_worker_lock(self.home):
            worker.start()
            try:
                yield
            finally:
                stop.set()
                worker.join()


def small_training(world: TrainedWorld, concept: Concept) -> None:
    """Real rows in a few steps, and what serving stores of them."""
    from exporters.onnx.prefix import export_concept
    from exporters.runtime.ort_session import OrtSession
    from personalizer.backbones.registry import load_backbone
    from personalizer.prefix.dual_prefix import DualPrefixConfig
    from personalizer.training.train_concept import train_concept
    from personalizer.training.trainer import TrainerConfig

    settings = TrainerConfig(
        prefix=DualPrefixConfig(4, 3),
        steps=STEPS,
        recognition=2,
        soft_positives=4,
        soft_groups=2,
        views_per_photo=3,
    )
    backbone = load_backbone(world.backbone, "cpu")
    train_concept(world.library, world.home, concept.id, backbone, settings)
    folder = world.home.concepts / str(concept.id)
    export_concept(OrtSession(runtime_directory(world.home, backbone.spec.version)), folder)
    (folder / "checkpoint.safetensors").write_bytes((folder / "prefix.safetensors").read_bytes())


@pytest.fixture(scope="module")
def prepared(
    tmp_path_factory: pytest.TempPathFactory, exported: Any, known_photos: KnownPhotos
) -> tuple[Path, Path, str]:
    """The home to copy, the folder of photos and the backbone."""
    base = tmp_path_factory.mktemp("forgetting")
    home, photos = Home(base / "home").ensure(), base / "photos"
    photos.mkdir()
    shutil.copytree(exported.runtime, runtime_directory(home, exported.version))
    note_export(home, str(exported.checkpoint), exported.version)
    by_subject: dict[str | None, list[Path]] = {}
    for sample in read_samples():
        by_subject.setdefault(sample.subject, []).append(sample.path)
    for subject, prefix in (("Sunny", "a"), ("Biscuit", "b")):
        for number, path in enumerate(by_subject[subject][:4]):
            shutil.copy(path, photos / f"{prefix}{number}.jpg")
    for number, path in enumerate(by_subject[None][:3]):
        shutil.copy(path, photos / f"c{number}.jpg")
    familiar = Familiar(home, str(exported.checkpoint))
    world = TrainedWorld(home, familiar.library, str(exported.checkpoint), photos, familiar)
    world.library.add_root(photos)
    with known_photos.used_by_scans():
        world.done("scan")
        for name, prefix in ((EARLIER, "a"), (OTHER, "b")):
            shots = [str(photos / f"{prefix}{number}.jpg") for number in range(3)]
            world.done("learn", name, name=name, photos=shots)
            for job in world.queue.list("queued"):
                world.queue.request_cancel(job.id)
    world.familiar.name(world.concept(EARLIER).id, NAME)
    world.familiar.remember(NAME, f"{NAME} is afraid of water")
    world.familiar.remember(NAME, TOLD)
    world.familiar.remember(OTHER, f"plays with {NAME}")
    world.familiar.remember(OTHER, KEPT_FACT)
    for name in (NAME, OTHER):
        small_training(world, world.concept(name))
    leave_traces(world)
    world.familiar.close()
    return home.root, photos, str(exported.checkpoint)


def leave_traces(world: TrainedWorld) -> None:
    """What the product writes about a concept in other places than the library."""
    for prompt in (f"a photo of {NAME} on a beach", f"a photo of {OTHER}"):
        for painter in ("montage", "backbone"):
            world.familiar.imagine(prompt, seed=1, painter=painter)
    demo = Demo(world.familiar, None, lambda progress: None)
    demo.result.concepts = [{"name": NAME, "subject": "Sunny"}]
    demo.write_contact_sheet()
    demo.record()
    world.familiar.report()
    keep_chats(world)
    own = world.concept(NAME).prefix_dir
    assert own is not None
    shutil.copytree(own, world.home.root / "exports" / "mine")
    bare = world.home.root / "exports" / "bare.safetensors"
    shutil.copy(own / "prefix.safetensors", bare)
    world.home.logs.joinpath("worker.old.log").write_text(
        f"started\nworking on {NAME}\nas JSON {json.dumps(NAME)}\nabout {OTHER}\nformerly {EARLIER.lower()}\n"
    )
    broken = world.queue.enqueue("train", "x", {"note": f"{NAME} again"})
    world.queue.claim(1, ["train"])
    world.queue.fail(broken, f"training {NAME!r}: it failed")
    # What was deleted in passing stays in the file's free pages, unless SQLite was compiled to overwrite it.
    world.library.connection.execute("PRAGMA secure_delete = OFF")
    world.library.set_setting("passing", f"{NAME} " * 50_000)
    world.library.set_setting("passing", None)


def keep_chats(world: TrainedWorld) -> None:
    """Three chats: one about the concept alone, one that also is about others, one about others alone."""
    world.familiar.switch_chats(True)
    alone, both, others = (Recorder(world.familiar) for _ in range(3))
    shown = drawing(world.home, f"{NAME} in a chat", "in a chat")
    said(alone, f"draw {NAME} in a chat", *drawn([shown], [NAME]))
    said(both, "what is she afraid of?", Answer(f"You told me: “{TOLD}”."))
    said(both, f"who is in {NAME}.jpg?", *described(world.photos / f"{NAME}.jpg", "78 % sure.", EARLIER))
    said(both, f"what does {OTHER} look like?", Answer(f"You told me: “{KEPT_FACT}”."))
    said(others, f"draw {OTHER}", *drawn([drawing(world.home, OTHER, "kept drawing")], [OTHER]))


@pytest.fixture
def world(prepared: tuple[Path, Path, str], tmp_path: Path) -> Iterator[TrainedWorld]:
    """A copy of its own for each test; a worker that was started does not outlive it."""
    original, photos, backbone = prepared
    home = Home(Path(shutil.copytree(original, tmp_path / "home")))
    folder = Path(shutil.copytree(photos, tmp_path / "photos"))
    with closing(sqlite3.connect(home.database)) as connection:
        for table, column in (("roots", "path"), ("photo_files", "path"), ("photos", "last_path")):
            moved = f"UPDATE {table} SET {column} = replace({column}, ?, ?)"
            connection.execute(moved, (str(photos), str(folder)))
        connection.execute("UPDATE concepts SET prefix_dir = ? || '/' || id", (str(home.concepts),))
        connection.commit()
    familiar = Familiar(home, backbone)
    made = TrainedWorld(home, familiar.library, backbone, folder, familiar)
    yield made
    made.familiar.close()
    pid = running_worker_pid(home)
    if pid:
        os.kill(pid, signal.SIGKILL)


# --- searching


def words(*names: str) -> dict[str, list[bytes]]:
    """Every way in which a program may have written a name."""
    found = {}
    for name in names:
        spellings = {name, name.lower(), name.lower().replace(" ", "-"), json.dumps(name)[1:-1]}
        found[f"name {name}"] = [
            spelling.encode(encoding)
            for spelling in spellings
            for encoding in ("utf-8", "utf-16-le", "latin-1")
        ]
    return found


def numbers(world: TrainedWorld, concept: Concept) -> dict[str, list[bytes]]:
    """16 values in a row of each member's vectors, and of each row that was trained; colors and a planted word."""
    from safetensors.numpy import load_file

    photos = {member.photo_id for member in world.library.members(concept.id)}
    assert photos
    vectors = [
        vector_of(world.library, detection.id)[16:32]
        for photo in photos
        for detection in world.library.detections(photo)
        if detection.kind != "face"
    ]
    rows, cache = [], []
    folder = world.home.concepts / str(concept.id)
    for tensor in load_file(folder / "prefix.safetensors").values():
        rows += [row[start : start + 16] for row in tensor.reshape(-1, tensor.shape[-1]) for start in (0, 16)]
    for tensor in load_file(folder / "prompt_cache.safetensors").values():
        cache.append(tensor.reshape(-1)[-16:])
    source = world.library.newest_vector_source("photo")
    assert source is not None
    cutouts = [part[16:32] for part in world.library.cutouts_of(photos, *source).values()]
    [marked, *_] = photos
    replace_labels(world.library.connection, marked, [PhotoLabel(PLANTED, 0.9, "thing")])
    world.library.replace_texts(marked, {"title": WRITTEN})
    world.library.store_lettering(marked, LETTERED)
    chosen = ",".join(map(str, photos))
    colors = world.library.connection.execute(
        f"SELECT colors FROM detections WHERE colors IS NOT NULL AND photo_id IN ({chosen})"
    )
    found = {
        "cutouts": [part.astype("<f2").tobytes() for part in cutouts],
        "colors": [row["colors"] for row in colors],
        "words": [PLANTED.encode()],
        # As the text has them, and as the index of words does.
        "texts": [text.encode() for long in (WRITTEN, LETTERED) for text in (long, long.split()[0].lower())],
        "vectors": [part.astype("<f4").tobytes() for part in vectors],
        "rows": [part.astype("<f4").tobytes() for part in rows],
        "cache": [part.tobytes() for part in cache],
    }
    # What depends on the backbone alone (keys of the prompt's own words) is the same for every concept.
    others = b"".join(
        path.read_bytes()
        for path in world.home.concepts.rglob("*")
        if path.is_file() and path.parent != folder
    )
    found = {kind: [part for part in parts if part not in others] for kind, parts in found.items()}
    assert found["cutouts"] and found["colors"]
    assert len(found["vectors"]) == len(vectors) and len(found["rows"]) > 4 and len(found["cache"]) > 1
    return found


def places(home: Home, needles: dict[str, list[bytes]]) -> dict[str, set[str]]:
    """In which files, and names of files, each of the needles is; read as bytes, whatever they are."""
    found: dict[str, set[str]] = {}
    for path in home.root.rglob("*"):
        relative = str(path.relative_to(home.root))
        content = relative.encode() + (path.read_bytes() if path.is_file() else b"")
        for kind, parts in needles.items():
            if any(part in content for part in parts):
                found.setdefault(kind, set()).add(relative)
    return found


def library_files(found: set[str]) -> set[str]:
    return {path.split("/")[0].split("-")[0] for path in found}


def other_bytes(world: TrainedWorld) -> dict[str, Any]:
    """Everything that is kept of the other concept."""
    concept = world.concept(OTHER)
    folder = world.home.concepts / str(concept.id)
    photo = world.photos / "b3.jpg"
    described = Familiar(world.home, world.backbone).describe(photo, f"is this {OTHER}?")
    return {
        "row": (concept.name, concept.state, concept.backbone, concept.prefix_dir),
        "files": {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()},
        "members": world.library.memberships(concept.id),
        "vectors": [vector_of(world.library, m.id).tobytes() for m in world.library.members(concept.id)],
        "answer": (described.answer, described.concepts),
        "drawings": sorted(path.name for path in world.home.imagined.glob("*rex*")),
    }


def photo_bytes(world: TrainedWorld) -> dict[str, tuple[bytes, int]]:
    return {
        path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in sorted(world.photos.iterdir())
    }


# --- what has to be true


def test_nothing_is_left_in_any_byte_of_the_home_and_nothing_else_is_touched(world: TrainedWorld) -> None:
    needles = {**words(NAME, EARLIER), **numbers(world, world.concept(NAME))}
    needles["told"] = [TOLD.encode(), TOLD.split()[-1].encode()]
    before, other, photos = places(world.home, needles), other_bytes(world), photo_bytes(world)
    own = f"concepts/{world.concept(NAME).id}"
    assert {
        f"{own}/prefix.safetensors",
        f"{own}/checkpoint.safetensors",
        "exports/bare.safetensors",
    } <= before["rows"]
    assert f"{own}/prompt_cache.safetensors" in before["cache"]
    assert {"library.sqlite3", "chroma"} <= library_files(before["vectors"])
    for kind in ("cutouts", "colors", "words"):
        assert library_files(before[kind]) == {"library.sqlite3"}, kind
    assert {
        "logs/worker.old.log",
        "demo.json",
        "demo/contact-sheet.png",
        "exports/mine/manifest.json",
        "people.html",
    } <= before[f"name {NAME}"]
    drawings = [path for path in before[f"name {NAME}"] if path.startswith("imagined/")]
    painters = {(drawing_notes(world.home.root / path) or {}).get("painter") for path in drawings}
    assert painters >= {"montage", "backbone"}
    assert "library.sqlite3" in before["told"] and "imagined/in a chat.png" in before[f"name {NAME}"]
    assert "logs/worker.old.log" in before[f"name {EARLIER}"]

    command = [sys.executable, "-c", "from tui.entry import main; main()", "--home", str(world.home.root)]
    done = subprocess.run(
        [*command, "--json", "forget", NAME.upper(), "--yes"],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr + worker_log(world.home).read_text()

    assert places(world.home, needles) == {}
    removed = json.loads(done.stdout)["removed"]
    for kind in ("concepts", "detections", "vectors", "prefix_files", "checkpoints", "drawings", "exports"):
        assert removed[kind] > 0, kind
    for kind in ("records", "log_lines", "operations", "jobs", "people_pages"):
        assert removed[kind] > 0, kind
    assert removed["facts"] == 3 and removed["chat_exchanges"] == 3
    both, others = sorted(world.familiar.chats(), key=lambda chat: chat.id)
    assert [chat.title for chat in (both, others)] == [f"what does {OTHER} look like?", f"draw {OTHER}"]
    assert world.familiar.search_chats("white dots")[0].chat == both.id
    assert (world.home.imagined / "kept drawing.png").exists()
    assert world.familiar.profile(OTHER).facts == [KEPT_FACT]
    assert other_bytes(world) == other
    assert photo_bytes(world) == photos
    assert (world.home.logs / "worker.old.log").read_text() == f"started\nabout {OTHER}\n"
    assert not (world.home.root / "demo" / "contact-sheet.png").exists()
    assert Image.open(next(world.home.imagined.glob("*rex*"))).text["concept"] == OTHER
    assert world.library.counts()["vectors"] > 0
    assert world.library.counts()["not_indexed"] == 0
    assert world.library.begun_forgetting() == []


@pytest.mark.usefixtures("known_analyses", "index_here")
def test_what_was_forgotten_does_not_come_back_with_a_scan(world: TrainedWorld) -> None:
    own = {
        member.photo_id
        for status in ("confirmed", "suggested")
        for member in world.library.members(world.concept(NAME).id, status)
    }
    assert len(own) == 4, "three that were given and one that grouping found"
    world.forget()
    found = {detection.photo_id for detection in world.library.detections()}
    assert not own & found
    shutil.copy(world.photos / "a0.jpg", world.photos / "copy.jpg")
    (world.photos / "a1.jpg").rename(world.photos / "moved.jpg")
    (world.photos / "a2.jpg").touch()
    # Edited in place it is another photo to the library, and still shows the same.
    Image.open(world.photos / "a3.jpg").resize((300, 300)).save(world.photos / "a3.jpg")
    scanned = world.done("scan")
    assert scanned["scan"]["failed"] == []
    assert {detection.photo_id for detection in world.library.detections()} == found
    assert [concept.name for concept in world.familiar.concepts() if concept.name] == [OTHER]
    assert world.library.photo_by_path(world.photos / "a0.jpg") is not None, "the photo itself is still known"


@pytest.mark.usefixtures("known_analyses", "index_here")
def test_a_person_may_teach_something_from_photos_that_had_to_forget(world: TrainedWorld) -> None:
    world.forget()
    photos = [str(world.photos / f"a{number}.jpg") for number in range(3)]
    made = world.done("learn", "Cup", name="Cup", photos=photos)
    assert len(world.library.members(made["concept"])) == 3
    kinds = {
        d.kind for photo in photos for d in world.library.detections(world.library.photo_by_path(photo).id)
    }
    assert kinds == {"photo", "object"}
    world.forget("Cup")
    assert world.library.concept_by_name("Cup") is None


def met(world: TrainedWorld, name: str, *faces: float) -> int:
    """A photo with these faces, which are points on a circle: similar when close."""
    path = world.photos / name
    Image.new("RGB", (64, 48), "teal").save(path)
    rng = np.random.default_rng(list(name.encode()))
    whole = rng.normal(size=1280).astype("f4")
    detections = [
        (
            NewDetection("photo", BoundingBox(0, 0, 64, 48), 1.0, "t"),
            Embedding(whole / np.linalg.norm(whole), "m", "1"),
        )
    ]
    for number, angle in enumerate(faces):
        vector = np.zeros(128, np.float32)
        vector[:2] = np.cos(angle), np.sin(angle)
        vector[2:] = rng.normal(size=126) * 1e-4
        box = BoundingBox(number * 10, 0, number * 10 + 9, 9)
        detections.append((NewDetection("face", box, 1.0, "t"), Embedding(vector, "face-m", "1")))
    photo = store_photo(
        world.library,
        content_hash=name,
        path=path,
        size=path.stat().st_size,
        mtime_ns=path.stat().st_mtime_ns,
        width_px=64,
        height_px=48,
        detections=detections,
    )
    return photo.id


def test_a_person_is_forgotten_and_the_people_beside_them_are_not(world: TrainedWorld) -> None:
    library = world.library
    alone = [met(world, f"alone{number}.png", 0.0) for number in range(2)]
    both = [met(world, f"both{number}.png", 0.01, 2.0) for number in range(2)]
    with_rex = met(world, "with rex.png", 0.02)
    mika = library.create_concept("face", name="Mikaelina")
    ann = library.create_concept("face", name="Ann")
    faces = {photo: library.detections(photo, "face") for photo in (*alone, *both, with_rex)}
    library.add_members(mika.id, [faces[p][0].id for p in (*alone, *both)], source="user", status="confirmed")
    library.add_members(mika.id, [faces[with_rex][0].id], source="cluster", status="suggested")
    library.add_members(ann.id, [faces[p][1].id for p in both], source="user", status="confirmed")
    rex = world.concept(OTHER)
    library.add_members(
        rex.id, [library.detections(with_rex, "photo")[0].id], source="user", status="confirmed"
    )
    unsure = library.create_concept("object")
    wholes = [library.detections(photo, "photo")[0].id for photo in alone]
    library.add_members(unsure.id, wholes, source="cluster", status="confirmed")
    world.done("index")
    vectors = [vector_of(library, face.id)[16:32].tobytes() for found in faces.values() for face in found[:1]]
    assert {"library.sqlite3", "chroma"} <= library_files(places(world.home, {"face": vectors})["face"])

    world.forget("mikaelina")

    assert places(world.home, {"face": vectors, **words("Mikaelina")}) == {}
    for photo in alone:
        assert library.detections(photo) == []
    for photo in both:
        assert library.detections(photo) == [faces[photo][1]], "Ann's face, and not the picture of both"
    assert [d.kind for d in library.detections(with_rex)] == ["photo"], "it is a member of somebody else"
    assert len(library.members(ann.id)) == 2
    with pytest.raises(NotFoundError):
        library.concept(unsure.id)
    world.done("cluster")
    groups = [c for c in library.concepts() if c.kind == "face"]
    assert [c.name for c in groups] == ["Ann"]


@pytest.mark.usefixtures("index_here")
def test_names_that_are_longer_or_once_were_its_own_are_told_apart(world: TrainedWorld) -> None:
    bike = world.library.create_concept("object", name=f"{NAME}'s bike")
    world.familiar.imagine(f"a photo of {NAME}'s bike", seed=3)
    world.queue.enqueue("learn", "x", {"name": bike.name, "photos": []})
    world.forget()
    assert world.concept(f"{NAME}'s bike").id == bike.id
    assert len(list(world.home.imagined.glob("*bike*"))) == 1
    assert [job.payload["name"] for job in world.queue.list("queued")] == [bike.name]
    assert all(EARLIER not in json.dumps(operation.payload) for operation in world.library.operations())


def test_a_merge_that_was_undone_takes_nobody_along(tmp_path: Path) -> None:
    """The other one is there again, with its files, its notes and its name."""
    with Library.open(tmp_path / "library.sqlite3") as library:
        bo = library.create_concept("object", name="Bo")
        kiwi = library.create_concept("object", name="Kiwi")
        merge_concepts(library, bo.id, kiwi.id, bo.id)
        assert identity_of(library, library.concept(bo.id)).concept_ids == {bo.id, kiwi.id}
        undo(library)
        identity = identity_of(library, library.concept(bo.id))
        assert identity.concept_ids == {bo.id} and identity.names == ("Bo",)


def test_what_was_merged_into_it_goes_with_it(world: TrainedWorld) -> None:
    library = world.library
    twin = library.create_concept("object", name="Twinsworth")
    folder = world.home.concepts / str(twin.id)
    folder.mkdir()
    (folder / "prefix.safetensors").write_bytes(b"rows of the twin")
    world.familiar.merge(NAME, "Twinsworth")
    assert library.concept_by_name("Twinsworth") is None and library.operations(1)[0].kind == "merge"
    world.forget()
    assert not folder.exists()
    assert places(world.home, words(NAME, "Twinsworth")) == {}


@pytest.mark.usefixtures("index_here")
def test_a_group_without_a_name_is_forgotten_by_its_number(world: TrainedWorld) -> None:
    photos = [met(world, f"{number}.png", 0.0) for number in range(3)]
    world.done("cluster")
    (group,) = [concept for concept in world.familiar.concepts() if concept.name is None]
    with pytest.raises(UsageError):
        world.familiar.forget(str(group.id), "")
    removed = world.forget(str(group.id))
    # A page shows it without a name.
    assert removed == {"concepts": 1, "detections": 6, "vectors": 6, "memberships": 3, "people_pages": 1}
    assert all(world.library.detections(photo) == [] for photo in photos)
    assert world.concept(NAME).state == world.concept(OTHER).state == "ready"


CRASH = """
import os, signal, sys, threading
from pathlib import Path
from assistant.worker.main import run_worker
from personalizer.home import Home
module, name = sys.argv[2].rsplit(".", 1)
owner = __import__(module.split(":")[0], fromlist=["x"])
for part in module.split(":")[1:]:
    owner = getattr(owner, part)
setattr(owner, name, lambda *arguments, **named: os.kill(os.getpid(), signal.SIGKILL))
run_worker(Home(Path(sys.argv[1])), threading.Event(), 0)
"""


@pytest.mark.parametrize(
    "killed_in",
    ["personalizer.index.process:IndexProcess.sync", "assistant.forget.files.remove_prefix"],
)
def test_a_killed_worker_leaves_a_job_that_the_next_one_finishes(world: TrainedWorld, killed_in: str) -> None:
    needles = {**words(NAME, EARLIER), **numbers(world, world.concept(NAME))}
    job_id = ask(world)
    killed = subprocess.run(
        [sys.executable, "-c", CRASH, str(world.home.root), killed_in],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert world.queue.get(job_id).state == "running"
    assert NAME not in [concept.name for concept in world.familiar.concepts()], "nothing is answered about it"
    # Even where somebody asked to cancel it: half a forgetting is worse than either.
    world.queue.request_cancel(job_id)
    world.queue.recover_orphans()
    assert world.queue.get(job_id).state == "cancelled"
    resume_forgetting(world.library, world.queue)
    world.work("forget")
    assert places(world.home, needles) == {}
    assert world.library.begun_forgetting() == []


def test_a_crash_before_the_file_is_compacted_is_made_up_for(
    world: TrainedWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(library: Library) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    needles = {**words(NAME, EARLIER), **numbers(world, world.concept(NAME))}
    ask(world)
    with monkeypatch.context() as patched:
        patched.setattr(Library, "compact", full)
        world.work("forget")
    assert world.queue.list("failed")[-1].kind == "forget" and world.library.concept_by_name(NAME) is None
    resume_forgetting(world.library, world.queue)
    world.work("forget")
    assert places(world.home, needles) == {} and world.library.begun_forgetting() == []


def ask(world: TrainedWorld) -> int:
    concept_id = world.concept(NAME).id
    return world.queue.enqueue("forget", str(concept_id), {"concept": concept_id})


def test_one_that_kills_every_worker_is_given_up(world: TrainedWorld) -> None:
    job_id = ask(world)
    world.library.begin_forgetting(world.concept(NAME).id)
    for _ in range(3):
        world.queue.claim(1, ["forget"])
        world.queue.recover_orphans()
    assert world.queue.get(job_id).state == "failed"
    resume_forgetting(world.library, world.queue)
    assert world.queue.list("queued") == []


def test_cancelling_before_it_begins_removes_nothing(world: TrainedWorld) -> None:
    job_id = ask(world)
    world.queue.request_cancel(job_id)
    world.work("forget")
    assert world.concept(NAME).state == "ready" and world.library.begun_forgetting() == []


@pytest.mark.usefixtures("index_here")
def test_a_training_of_it_is_stopped_first(world: TrainedWorld) -> None:
    concept = world.concept(NAME)
    running = world.queue.enqueue("train", str(concept.id), {"concept": concept.id})
    learning = world.queue.enqueue("learn", NAME, {"name": NAME.upper(), "photos": []})
    other = world.queue.enqueue("train", "9", {"concept": world.concept(OTHER).id})
    begun = threading.Event()
    folder = world.home.concepts / str(concept.id)

    def trains(job: Job, context: Any) -> dict[str, Any]:
        if job.id == other:
            return {}
        begun.set()
        while not context.cancelled():
            threading.Event().wait(0.02)
        # What a trainer leaves behind when it is stopped.
        (folder / "checkpoint.safetensors").write_bytes(b"half of its rows")
        context.check_cancelled()
        return {}

    stop = threading.Event()
    handlers = {"train": trains, "forget": world.handlers()["forget"], "learn": trains}
    worker = threading.Thread(target=run_worker_loop, args=(world.queue, handlers, stop))
    with hold_worker_lock(world.home):
        worker.start()
        assert begun.wait(30)
        world.familiar.forget(NAME, NAME)
        stop.set()
        worker.join()
    assert not folder.exists()
    kept = {job.id: job.state for job in world.queue.list()}
    assert running not in kept and learning not in kept
    assert other in kept


@pytest.mark.parametrize("typed", ["", "Zoe Quux", OTHER, "yes"])
def test_without_the_right_name_nothing_is_asked_of_anyone(world: TrainedWorld, typed: str) -> None:
    before = len(world.queue.list())
    with pytest.raises(UsageError) as refused:
        world.familiar.forget(NAME, typed)
    assert refused.value.exit_code == 2 and NAME in refused.value.fix
    assert len(world.queue.list()) == before and world.concept(NAME).state == "ready"
    with pytest.raises(NotFoundError) as unknown:
        world.familiar.forget("Nobody", "Nobody")
    assert unknown.value.exit_code == 3


def test_the_command_asks_for_the_name(world: TrainedWorld) -> None:
    command = [sys.executable, "-c", "from tui.entry import main; main()", "--home", str(world.home.root)]

    def run(name: str, typed: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, "--json", "forget", name], input=typed, capture_output=True, text=True, check=False
        )

    world.familiar.pause()
    refused = run(NAME, "yes\n")
    assert refused.returncode == 2 and NAME in json.loads(refused.stdout)["error"]["fix"]
    assert "no undo" in refused.stderr
    assert run(NAME, "").returncode == 2
    assert run("Nobody", "Nobody\n").returncode == 3
    assert world.concept(NAME).state == "ready"


@pytest.mark.usefixtures("index_here")
def test_a_library_that_another_program_holds_is_not_ready(
    world: TrainedWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("personalizer.library.database.BUSY_TIMEOUT_S", 0.2)
    world.familiar.close()
    world.familiar = Familiar(world.home, world.backbone)
    name_before = world.concept(NAME)
    with closing(sqlite3.connect(world.home.database, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(NotReadyError) as refused:
            world.familiar.forget(NAME, NAME)
        assert refused.value.exit_code == 4 and "locked" in refused.value.found
        holder.execute("COMMIT")
        assert world.concept(NAME) == name_before
        # Somebody who only reads keeps the log from being emptied.
        holder.execute("BEGIN")
        holder.execute("SELECT COUNT(*) FROM vectors").fetchone()
        ask(world)
        world.work("forget")
        failed = world.queue.list("failed")[-1]
        assert failed.kind == "forget" and "keeps reading" in (failed.error or "")
        holder.execute("COMMIT")
    resume_forgetting(world.library, world.queue)
    world.work("forget")
    assert world.library.begun_forgetting() == []


def test_a_file_that_cannot_be_removed_is_named_and_the_rest_is_gone(
    world: TrainedWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlink = Path.unlink

    def refuse(path: Path, missing_ok: bool = False) -> None:
        if path.name == "bare.safetensors":
            raise PermissionError(13, "Permission denied")
        unlink(path, missing_ok)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", refuse)
        with pytest.raises(FamiliarError, match=r"bare\.safetensors: Permission denied"):
            world.forget()
    assert not list(world.home.imagined.glob("*quux*"))
    world.forget()
    assert places(world.home, words(NAME)) == {}


# --- in the chat


def last(assistant: Assistant, text: str) -> Event:
    return list(assistant.respond(text))[-1]


def test_the_chat_asks_for_the_name_and_then_says_it_no_more(world: TrainedWorld, tmp_path: Path) -> None:
    assistant = Assistant(world.familiar, tmp_path / "no model")
    last(assistant, f"tell me about {NAME}")
    for request in ("please delete all data about {}", "/forget {}", "forget {}"):
        asked = last(assistant, request.format(NAME))
        assert isinstance(asked, Answer) and "no undo" in asked.text and NAME in asked.text
    assert world.concept(NAME).state == "ready"
    with world.working():
        done = last(assistant, NAME.lower())
    assert isinstance(done, Answer) and done.text.startswith("Forgotten")
    assert NAME.casefold() not in done.text.casefold()
    assert all(NAME.casefold() not in turn.text.casefold() for turn in assistant.conversation.turns)
    assert places(world.home, words(NAME, EARLIER)) == {}


@pytest.mark.parametrize("between", ["yes", "do it", "/status", "/dance", "who do you know?", "Zoe Quux"])
def test_the_chat_takes_nothing_but_the_name_right_after_the_question(
    world: TrainedWorld, between: str, tmp_path: Path
) -> None:
    assistant = Assistant(world.familiar, tmp_path / "no model")
    last(assistant, f"forget {NAME}")
    said = last(assistant, between)
    if between in ("yes", "Zoe Quux"):
        assert isinstance(said, Answer) and "Nothing was removed" in said.text
    last(assistant, NAME)
    assert [job for job in world.queue.list() if job.kind == "forget"] == []


def test_the_chat_asks_whom_and_knows_no_stranger(world: TrainedWorld, tmp_path: Path) -> None:
    assistant = Assistant(world.familiar, tmp_path / "no model")
    assert isinstance(last(assistant, "/forget Nobody"), Failed)
    assert isinstance(last(assistant, "/forget"), Failed)
    whom = last(assistant, "forget Nobody")
    assert isinstance(whom, Answer) and "Whom" in whom.text
    asked = last(assistant, NAME)
    assert isinstance(asked, Answer) and "no undo" in asked.text


def test_no_tool_of_the_model_forgets(world: TrainedWorld) -> None:
    """Not without a person's approval, and without the name as a person typed it."""
    [tool] = [tool for tool in build_tools(world.familiar) if tool.name == "forget"]
    name = world.familiar.library.names()[0]
    call = {"name": "forget", "args": {"concept": name, "typed": name}, "id": "1", "type": "tool_call"}
    message = tool.invoke(call)
    assert message.status == "error" and "approval" in message.text
    assert name in world.familiar.library.names()


def test_every_table_of_the_library_is_known_to_forgetting(world: TrainedWorld) -> None:
    """A new table fails this: think about what of it has to go with a concept, and say so here."""
    cleaned = {"concepts", "memberships", "detections", "vectors", "operations", "jobs", "facts"}
    cleaned |= {
        "links",
        "trainings",
        "fingerprints",
        "same_shots",
        "placed",
        "analysis_strikes",
        "photo_labels",
        "photo_texts",
        "unread_texts",
        "read_lettering",
        "chats",
        "chat_messages",
        "chat_pictures",
        *(f"chat_words{part}" for part in ("", "_config", "_data", "_docsize", "_idx")),
        *(f"photo_words{part}" for part in ("", "_config", "_data", "_docsize", "_idx")),
    }  # by what they refer to
    of_the_users_files = {"roots", "photos", "photo_files", "failures", "faceless_photos"}
    of_the_users_files |= {"companion_files", "backups", "places", "exclusions", "photo_folders"}
    without_names = {"settings", "sqlite_sequence", "grouping", "failure_numbers", "index_removals"}
    without_names |= {"concept_uids", "forgotten_concepts", "backups_holding", "photo_places"}
    with closing(sqlite3.connect(world.home.database)) as connection:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert tables == cleaned | of_the_users_files | without_names
