"""Writes a backup: a consistent snapshot of what cannot be derived again, while other processes keep writing.

It contains the library's file (photos, people, facts, settings) and the trained prefixes; models and the index can be
rebuilt.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from personalizer.backup.archive import LIBRARY, SUFFIX, open_archive, write_archive
from personalizer.errors import CorruptArtifactError, FamiliarError, NotFoundError, StorageError, UsageError
from personalizer.home import Home, settle_folder
from personalizer.library.backups import ERASED_AT, BackupRecord
from personalizer.library.database import now_text
from personalizer.library.file import LibraryCopy, copy_library
from personalizer.library.library import Library
from personalizer.prefix.files import current_manifest
from personalizer.prefix.format import MANIFEST_FILE, WEIGHTS_FILE
from personalizer.schemas import OnProgress, Progress
from personalizer.storage_errors import storage_error

ROOM_BYTES = 8 * 2**20
"""What must be left on the disk besides the backup itself."""
_ALL = 2**62
_TRIES = 50
_TRY_AGAIN_S = 0.1
_LOCK = "lock"
_LONG_S = 24 * 3600.0
"""Nobody writes a backup for so long."""
_STEPS = 4
_NOT_THERE = "it is not there (was it moved, or is its disk not connected?)"
_UNFINISHED = "writing it was interrupted"


@dataclass(frozen=True, slots=True)
class BackupMade:
    """A backup that was written and read again."""

    path: Path
    files: list[Path]
    bytes: int
    schema: int
    made_at: str
    photos: int
    concepts: int
    """Those with a name."""
    prefixes: int
    elapsed_s: float


def back_up(
    home: Home, library: Library, destination: Path, on_progress: OnProgress | None = None
) -> BackupMade:
    """Write a backup to a file, or to a new file in a folder; it is there as a whole or not at all.

    An earlier backup at that path is replaced in one step. Raises `UsageError` for a place where it must not be,
    `StorageError` for a disk that does not take it.
    """
    started = time.monotonic()
    say = on_progress or (lambda progress: None)
    path = _place(home, library, destination)
    _refuse_while_forgetting(library)
    try:
        # SQLite's locks are not to be relied upon on a network drive: its copy is made at home.
        with _work_folder(library, home.root) as here, _work_folder(library, path.parent) as work:
            _refuse_without_room(home, path)
            say(Progress(0, _STEPS, "Backup: copying the library"))
            snapshot = here / LIBRARY
            copy_library(library.path, snapshot)
            about = _examine(snapshot)
            prefixes = _read_prefixes(home, snapshot)
            say(Progress(1, _STEPS, "Backup: writing"))
            finished = work / "backup"
            write_archive(finished, {LIBRARY: snapshot, **prefixes}, about)
            say(Progress(2, _STEPS, "Backup: reading it again"))
            with open_archive(finished) as archive:
                archive.verify()
                manifest = archive.manifest
            size = finished.stat().st_size
            say(Progress(3, _STEPS, "Backup: putting it into its place"))
            record = BackupRecord(
                manifest.uid, path, manifest.made_at, size, manifest.faces, manifest.last_photo, manifest.last_concept
            )  # fmt: skip
            _put_into_place(library, snapshot, finished, record)
    except (OSError, sqlite3.Error) as error:
        raise _refused(path, error) from error
    say(Progress(_STEPS, _STEPS, "Backup: done"))
    return BackupMade(
        path,
        [path],
        size,
        manifest.schema,
        manifest.made_at,
        manifest.photos,
        manifest.concepts,
        len({name.split("/")[1] for name in prefixes}),
        round(time.monotonic() - started, 3),
    )


def backup_at(record: BackupRecord) -> str | None:
    """Why this backup is not at its path, as a whole; None when it is."""
    if not record.size:
        return _UNFINISHED if record.path.exists() else _NOT_THERE
    try:
        with open_archive(record.path) as archive:
            return None if archive.manifest.uid == record.uid else "another backup is there now"
    except NotFoundError:
        return _NOT_THERE
    except FamiliarError as error:
        return error.found


def delete_backup(record: BackupRecord) -> str | None:
    """Delete a backup's file, or what was left of writing it; returns why that is not done, None when it is."""
    why = backup_at(record)
    try:
        if why == _UNFINISHED:
            _remove_unfinished(record.path)
        elif why is None:
            record.path.unlink()
        else:
            return why
    except BlockingIOError:
        return "it is being written"
    except OSError as error:
        return f"it cannot be deleted: {error.strerror or error}"
    return None


def _place(home: Home, library: Library, destination: Path) -> Path:
    """Where the backup goes. Raises `UsageError` for a place where it must not be."""
    tried = f"writing a backup to {destination}"
    try:
        path = destination.expanduser().resolve()
        # What has no suffix and is not there yet is meant as a folder, such as ~/Backups.
        new_folder = not path.suffix and not path.exists()
        if path.is_dir() or new_folder:
            path /= f"familiar-{time.strftime('%Y-%m-%d-%H%M%S')}{SUFFIX}"
        there = path.exists()
        parent = path.parent.parent if new_folder else path.parent
        parent_is_there = parent.is_dir()
    except (OSError, RuntimeError, ValueError) as error:
        raise UsageError(tried=tried, found=str(error), fix="Name a file, or a folder.") from error
    if not parent_is_there:
        raise NotFoundError(
            tried=tried,
            found=f"there is no folder {parent}",
            fix="Is its disk connected? If the folder is new, make it first.",
        )
    for root in library.roots():
        if path.is_relative_to(root):
            raise UsageError(
                tried=tried,
                found=f"it is in {root}, whose photos are watched",
                fix="Choose a folder that is not, best on another disk.",
            )
    if path.is_relative_to(home.root.resolve()):
        raise UsageError(
            tried=tried,
            found="it is inside the library's own folder, with which it would be lost",
            fix="Choose another folder, best on another disk.",
        )
    if there:
        try:
            with open_archive(path):
                pass
        except CorruptArtifactError as error:
            raise UsageError(
                tried=tried,
                found="another file is there, which is no whole backup",
                fix="Choose another name, or delete that file.",
            ) from error
    path.parent.mkdir(mode=0o700, exist_ok=True)
    return path


def _refuse_while_forgetting(library: Library) -> None:
    if library.begun_forgetting() or library.is_erasing_faces():
        raise FamiliarError(
            tried="writing a backup",
            found="something is being forgotten, which would be in it",
            fix="Try again when that is done. Where it failed: familiar jobs, and familiar jobs retry ID",
        )


def _refuse_without_room(home: Home, path: Path) -> None:
    """The library is there twice for a while: its copy, and the backup."""
    log = home.database.with_name(f"{LIBRARY}-wal")
    size = home.database.stat().st_size + _size(log)
    prefixes = sum(_size(Path(folder, name)) for folder, _, names in os.walk(home.concepts) for name in names)
    together = home.root.stat().st_dev == path.parent.stat().st_dev
    for folder, needed in ((path.parent, size + prefixes + (size if together else 0)), (home.root, size)):
        free = shutil.disk_usage(folder).free
        if free < needed + ROOM_BYTES:
            raise StorageError(
                tried=f"writing a backup to {path.parent}",
                found=f"it needs {(needed + ROOM_BYTES) // 2**20} MiB in {folder}, and {free // 2**20} MiB are free",
                fix="Free some space there, or choose another disk.",
            )


def _size(path: Path) -> int:
    """Bytes of a file, 0 where it is none any more: trainings replace prefixes meanwhile, SQLite its log."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


@contextmanager
def _work_folder(library: Library, parent: Path) -> Iterator[Path]:
    """A folder for what is unfinished; what killed processes left there is removed.

    Meanwhile it counts as a backup of everything: should this process be killed, forgetting finds the copy by it.
    """
    for left in parent.glob(".familiar-backup-*.unfinished"):
        with suppress(OSError):
            _remove_unfinished(left)
    for noted in library.backups():
        if not noted.size and noted.path.parent == parent and not noted.path.exists():
            library.remove_backup(noted.uid)
    uid = secrets.token_hex(16)
    work = parent / f".familiar-backup-{uid[:8]}.unfinished"
    library.record_backup(
        BackupRecord(uid, work, now_text(), size=0, faces=1, last_photo=_ALL, last_concept=_ALL)
    )
    try:
        work.mkdir(mode=0o700)
        lock = os.open(work / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            with suppress(OSError):  # some network drives have no locks
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield work
        finally:
            os.close(lock)
    finally:
        shutil.rmtree(work, ignore_errors=True)
        if not work.exists():
            library.remove_backup(uid)


def _remove_unfinished(folder: Path) -> None:
    """What is left of writing a backup. Raises `OSError`, as long as somebody may be writing it."""
    try:
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        shutil.rmtree(folder)
        return
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError:
            if time.time() - folder.stat().st_mtime < _LONG_S:
                raise
        shutil.rmtree(folder)
    finally:
        os.close(lock)


def _examine(snapshot: Path) -> dict[str, Any]:
    """What the copy holds, once it is known to be whole."""
    with LibraryCopy(snapshot) as copy:
        wrong = copy.damage()
        if wrong is not None:
            raise CorruptArtifactError(
                tried="backing up the library",
                found=f"its file is damaged: {wrong}",
                fix="Nothing was written. Restore an earlier backup: familiar restore FILE",
            )
        return {"uid": secrets.token_hex(16), "made_at": now_text(), **copy.numbers()}


def _read_prefixes(home: Home, snapshot: Path) -> dict[str, bytes]:
    """The learned rows of the concepts in the copy, each with the manifest that belongs to them."""
    with LibraryCopy(snapshot) as copy:
        ids = copy.trained_concepts()
    members: dict[str, bytes] = {}
    for concept_id in ids:
        pair = _read_pair(home.concepts / str(concept_id))
        if pair is not None:
            (
                members[f"concepts/{concept_id}/{WEIGHTS_FILE}"],
                members[f"concepts/{concept_id}/{MANIFEST_FILE}"],
            ) = pair
    return members


def _read_pair(folder: Path) -> tuple[bytes, bytes] | None:
    """Rows and manifest that belong together, also where they are being replaced; None where there are none."""
    for _ in range(_TRIES):
        try:
            weights = (folder / WEIGHTS_FILE).read_bytes()
            manifest = current_manifest(folder).read_bytes()
            if json.loads(manifest)["sha256"] == hashlib.sha256(weights).hexdigest():
                return weights, manifest
        except FileNotFoundError:
            if not folder.exists():
                return None
        except (ValueError, KeyError, TypeError):
            pass
        time.sleep(_TRY_AGAIN_S)
    raise CorruptArtifactError(
        tried=f"backing up what was learned in {folder}",
        found="the rows and their manifest do not belong together",
        fix="Train that concept again: familiar train NAME",
    )


def _put_into_place(library: Library, snapshot: Path, finished: Path, record: BackupRecord) -> None:
    """Make the backup the one that is there, unless something was forgotten since the library was copied."""
    with LibraryCopy(snapshot) as copy:
        known, erased_at = copy.forgotten_uids(), copy.setting(ERASED_AT)
    # Noted first: whoever forgets from now on knows that it is there.
    library.record_backup(record)
    replaced = False
    try:
        with library.transaction():
            _refuse_while_forgetting(library)
            if set(library.forgotten_uids()) - known or library.faces_erased_at() != erased_at:
                raise FamiliarError(
                    tried="writing a backup",
                    found="something was forgotten meanwhile, which would be in it",
                    fix="Nothing was written. Try again.",
                )
            os.replace(finished, record.path)
            replaced = True
            for earlier in library.backups(record.path):
                if earlier.uid != record.uid:
                    library.remove_backup(earlier.uid)
    except BaseException:
        if not replaced:
            library.remove_backup(record.uid)
        raise
    settle_folder(record.path.parent)


def _refused(path: Path, error: OSError | sqlite3.Error) -> FamiliarError:
    """What the disk said, in words; what was there before is as it was."""
    refused = storage_error(error)
    if refused is None:
        return FamiliarError(
            tried=f"writing the backup {path}",
            found=str(error),
            fix="Nothing was written; an earlier backup is as it was. Try again.",
        )
    return StorageError(tried=f"writing the backup {path}", found=refused.found, fix=refused.fix)
