"""Writing a backup: of one moment, as a whole or not at all, and nowhere where it must not be."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stored_photos import store_photo

import personalizer.backup.write
from personalizer.backup.archive import LIBRARY, open_archive, write_archive
from personalizer.backup.write import back_up, backup_at, delete_backup
from personalizer.errors import CorruptArtifactError, FamiliarError, NotFoundError, StorageError, UsageError
from personalizer.home import Home
from personalizer.library.library import Library
from personalizer.prefix.files import replace_pair
from personalizer.schemas import BoundingBox, Embedding, NewDetection

DETECTIONS = 3


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").ensure()


@pytest.fixture
def library(home: Home) -> Iterator[Library]:
    with Library.open(home.database) as opened:
        yield opened


def record(library: Library, name: str, values: int = 512) -> int:
    """A photo with a picture, a thing and a face."""
    rng = np.random.default_rng(list(name.encode()))
    detections = [
        (
            NewDetection(kind, BoundingBox(0, 0, 9, 9), 1.0, "t"),
            Embedding(rng.random(values, "f4"), f"m-{kind}", "1"),
        )
        for kind in ("photo", "object", "face")
    ]
    return store_photo(library, content_hash=name, path=Path("/photos") / name, detections=detections).id


def pair(number: int) -> tuple[bytes, bytes]:
    weights = np.random.default_rng(number).bytes(5000)
    return weights, json.dumps({"sha256": hashlib.sha256(weights).hexdigest(), "number": number}).encode()


def train(home: Home, library: Library, name: str) -> int:
    concept = library.create_concept("object", name)
    folder = home.concepts / str(concept.id)
    folder.mkdir(mode=0o700)
    replace_pair(folder, *pair(concept.id))
    library.set_prefix(concept.id, backbone="b", directory=folder, state="ready")
    return concept.id


def unpack(backup: Path, folder: Path) -> Path:
    with open_archive(backup) as archive:
        archive.verify()
        archive.extract(folder)
    return folder


def rows(database: Path) -> dict[str, list[Any]]:
    with closing(sqlite3.connect(database)) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in tables}


def leftovers(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name.startswith(".")]


def test_it_holds_what_cannot_be_made_again_and_is_private(
    home: Home, library: Library, tmp_path: Path
) -> None:
    for number in range(3):
        record(library, f"{number}.jpg")
    concept_id = train(home, library, "Rex")
    library.add_fact(concept_id, "is afraid of water")
    library.set_setting("some.setting", "x")
    (home.concepts / str(concept_id) / "checkpoint.safetensors").write_bytes(b"unfinished")
    expected = rows(home.database)
    before = os.umask(0)
    try:
        made = back_up(home, library, tmp_path / "a.bak")
    finally:
        os.umask(before)
    assert made.path == tmp_path / "a.bak" and made.bytes == made.path.stat().st_size
    assert (made.photos, made.concepts, made.prefixes) == (3, 1, 1)
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    assert leftovers(tmp_path) == []
    out = unpack(made.path, tmp_path / "out")
    found = rows(out / LIBRARY)
    assert {table: found[table] for table in found if table != "backups"} == {
        table: expected[table] for table in expected if table != "backups"
    }
    files = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    own = f"concepts/{concept_id}"
    assert files == {LIBRARY, f"{own}/prefix.safetensors", f"{own}/manifest.json"}
    assert (out / own / "prefix.safetensors").read_bytes() == pair(concept_id)[0]
    [known] = library.backups()
    assert (known.path, known.size, known.faces, backup_at(known)) == (made.path, made.bytes, 3, None)
    again = back_up(home, library, tmp_path / "a.bak")
    [known] = library.backups()
    assert known.made_at == again.made_at, "the earlier one is no more"
    in_folder = back_up(home, library, tmp_path / "out")
    assert in_folder.path.parent == tmp_path / "out" and in_folder.path.name.startswith("familiar-")
    assert len(library.backups()) == 2
    in_new_folder = back_up(home, library, tmp_path / "Backups").path
    assert in_new_folder.parent == tmp_path / "Backups" and in_new_folder.suffix == ".familiar-backup"
    assert (tmp_path / "Backups").stat().st_mode & 0o777 == 0o700


WRITER = """
import sys, numpy as np
from pathlib import Path
from personalizer.library.library import Library
sys.path[:0] = sys.argv[2:]
import test_write
library = Library.open(Path(sys.argv[1]))
print("ready", flush=True)
for number in range(100_000):
    test_write.record(library, f"{number}.jpg", 64)
"""


def test_of_one_moment_while_another_process_writes_and_prefixes_are_replaced(
    home: Home, library: Library, tmp_path: Path
) -> None:
    concept_id = train(home, library, "Rex")
    stop = threading.Event()

    def keep_training() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            replace_pair(home.concepts / str(concept_id), *pair(number))

    trainer = threading.Thread(target=keep_training)
    here = Path(__file__).parent
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(home.database), str(here), str(here.parents[1] / "support")],
        stdout=subprocess.PIPE,
    )
    assert writer.stdout is not None
    try:
        writer.stdout.readline()
        trainer.start()
        counts = []
        for number in range(6):
            made = back_up(home, library, tmp_path / "a.bak")
            out = unpack(made.path, tmp_path / str(number))
            found = rows(out / LIBRARY)
            counts.append(len(found["photos"]))
            assert len(found["detections"]) == len(found["vectors"]) == DETECTIONS * len(found["photos"])
            folder = out / "concepts" / str(concept_id)
            weights, manifest = (
                (folder / name).read_bytes() for name in ("prefix.safetensors", "manifest.json")
            )
            assert (weights, manifest) == pair(json.loads(manifest)["number"])
    finally:
        stop.set()
        writer.kill()
        writer.communicate()
        trainer.join()
    assert counts == sorted(counts) and counts[0] < counts[-1], "somebody wrote all the time"


LOOP = """
import sys
from pathlib import Path
from personalizer.backup.write import back_up
from personalizer.library.library import Library
from personalizer.home import Home
home = Home(Path(sys.argv[1]))
library = Library.open(home.database)
print("ready", flush=True)
while True:
    back_up(home, library, Path(sys.argv[2]))
"""


def test_killed_at_any_moment_the_earlier_backup_is_whole(
    home: Home, library: Library, tmp_path: Path
) -> None:
    with library.transaction():
        for number in range(1500):
            record(library, f"{number}.jpg")
    library.compact()
    target = tmp_path / "out" / "a.bak"
    target.parent.mkdir()
    back_up(home, library, target)
    rng = random.Random(7)
    unfinished = 0
    for number in range(8):
        process = subprocess.Popen(
            [sys.executable, "-c", LOOP, str(home.root), str(target)], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(rng.random() * 0.25)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        unfinished += len(leftovers(target.parent)) > 0
        with open_archive(target) as archive:
            archive.verify()
            uid = archive.manifest.uid
        assert uid in {backup.uid for backup in library.backups(target)}, f"kill {number}: nobody knows of it"
        noted = {backup.path for backup in library.backups() if not backup.size}
        left = {*leftovers(target.parent), *leftovers(home.root)}
        assert noted >= left, "what is left of it would be found when something is forgotten"
    assert unfinished > 0
    back_up(home, library, target)
    assert leftovers(target.parent) == leftovers(home.root) == [] and len(library.backups()) == 1


def test_where_it_must_not_be(home: Home, library: Library, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    (photos / "2020").mkdir(parents=True)
    library.add_root(photos)
    (tmp_path / "link").symlink_to(photos / "2020")
    (tmp_path / "letter.txt").write_text("Dear diary")
    for place in (photos / "a.bak", photos, photos / "2020", tmp_path / "link" / "a.bak"):
        with pytest.raises(UsageError, match="watched"):
            back_up(home, library, place)
    for place in (home.root / "a.bak", home.root, home.concepts):
        with pytest.raises(UsageError, match="own folder"):
            back_up(home, library, place)
    with pytest.raises(UsageError, match="another file is there"):
        back_up(home, library, tmp_path / "letter.txt")
    with pytest.raises(NotFoundError, match="no folder"):
        back_up(home, library, tmp_path / "usb" / "a.bak")
    with pytest.raises(NotFoundError, match="no folder"):
        back_up(home, library, tmp_path / "usb" / "Backups")
    assert (tmp_path / "letter.txt").read_text() == "Dear diary"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "letter.txt", "link", "photos"]
    assert [*photos.rglob("*")] == [photos / "2020"] and library.backups() == []


@pytest.mark.parametrize("limit", [4096, 400_000, 800_000, 1_000_000])
def test_a_disk_that_fills_up_leaves_no_half_backup(
    home: Home,
    library: Library,
    tmp_path: Path,
    largest_file: Callable[[int], AbstractContextManager[None]],
    limit: int,
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    first = back_up(home, library, out / "a.bak").path.read_bytes()
    with library.transaction():
        for number in range(140):
            record(library, f"{number}.jpg")
    train(home, library, "Rex")
    library.compact()
    size = back_up(home, library, tmp_path / "b.bak").bytes
    # The last limit is met only when the archive is longer than the library.
    limit = min(limit, size - 1000)
    with largest_file(limit), pytest.raises(StorageError) as refused:
        back_up(home, library, out / "a.bak")
    assert str(out / "a.bak") in refused.value.tried and "space" in refused.value.fix
    assert [path.name for path in out.iterdir()] == ["a.bak"]
    assert (out / "a.bak").read_bytes() == first
    assert backup_at(library.backups(out / "a.bak")[0]) is None


def test_a_disk_that_is_too_small_is_noticed_at_once(home: Home, library: Library, small_disk: Any) -> None:
    with library.transaction():
        for number in range(600):
            record(library, f"{number}.jpg")
    with pytest.raises(StorageError, match="MiB are free"):
        back_up(home, library, small_disk.folder)
    assert list(small_disk.folder.iterdir()) == []


def test_a_damaged_library_is_not_backed_up_over_a_good_backup(
    home: Home, library: Library, tmp_path: Path
) -> None:
    with library.transaction():
        for number in range(200):
            record(library, f"{number}.jpg")
    good = back_up(home, library, tmp_path / "a.bak").path.read_bytes()
    library.compact()
    library.close()
    content = bytearray(home.database.read_bytes())
    for page in range(len(content) // 4096 // 2, len(content) // 4096 - 20):
        content[page * 4096 : page * 4096 + 300] = os.urandom(300)
    home.database.write_bytes(content)
    with (
        Library.open(home.database) as damaged,
        pytest.raises((CorruptArtifactError, StorageError), match="Restore"),
    ):
        back_up(home, damaged, tmp_path / "a.bak")
    assert (tmp_path / "a.bak").read_bytes() == good and leftovers(tmp_path) == []


def test_rows_without_their_manifest_are_not_backed_up(
    home: Home, library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(personalizer.backup.write, "_TRY_AGAIN_S", 0.001)
    concept_id = train(home, library, "Rex")
    (home.concepts / str(concept_id) / "prefix.safetensors").write_bytes(b"other rows")
    with pytest.raises(CorruptArtifactError, match="do not belong together"):
        back_up(home, library, tmp_path / "a.bak")
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_what_is_forgotten_while_it_is_written_is_in_no_backup(
    home: Home, library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    concept_id = train(home, library, "Rex")
    first = back_up(home, library, tmp_path / "a.bak").path.read_bytes()
    for forget in (
        lambda: library.note_forgotten([concept_id]),
        library.note_faces_erased,
        lambda: library.begin_forgetting(concept_id),
    ):

        def write_slowly(*arguments: Any, meanwhile: Callable[[], None] = forget) -> None:
            write_archive(*arguments)
            meanwhile()

        with monkeypatch.context() as patched, pytest.raises(FamiliarError, match="forgotten"):
            patched.setattr(personalizer.backup.write, "write_archive", write_slowly)
            back_up(home, library, tmp_path / "a.bak")
        assert (tmp_path / "a.bak").read_bytes() == first and len(library.backups()) == 1
        assert leftovers(tmp_path) == []
    with pytest.raises(FamiliarError, match="being forgotten"):
        back_up(home, library, tmp_path / "b.bak")


def test_which_backups_hold_what_was_forgotten(home: Home, library: Library, tmp_path: Path) -> None:
    record(library, "first.jpg")
    back_up(home, library, tmp_path / "before.bak")
    photo = record(library, "rex.jpg")
    back_up(home, library, tmp_path / "found.bak")
    rex, cup = library.create_concept("object", "Rex"), library.create_concept("object", "Cup")
    shown = [one.id for one in library.detections(photo, "object")]
    library.add_members(rex.id, shown, source="user", status="confirmed")
    back_up(home, library, tmp_path / "named.bak")
    uids = library.concept_uids()
    library.note_forgotten([rex.id])
    library.delete_concept(rex.id)
    held = [backup.path.name for backup in library.backups_holding([uids[rex.id]])]
    assert held == ["found.bak", "named.bak"], "not the one from before its photo came"
    assert library.backups_holding([uids[cup.id]]) == []
    back_up(home, library, tmp_path / "named.bak")
    assert [backup.path.name for backup in library.backups_holding()] == ["found.bak"], (
        "the other one was replaced"
    )


def test_deleting_touches_nothing_else(home: Home, library: Library, tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        back_up(home, library, tmp_path / name)
    first, second, third = library.backups()
    second.path.write_bytes(third.path.read_bytes())
    third.path.write_text("my own file")
    assert delete_backup(first) is None and not first.path.exists()
    assert "not there" in str(delete_backup(first))
    assert "another backup" in str(delete_backup(second)) and second.path.exists()
    assert "no backup" in str(delete_backup(third)) and third.path.read_text() == "my own file"
