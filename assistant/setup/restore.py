"""Restores a backup into a home: everything is checked, unpacked and put in order beside the library that is there.

What was forgotten since the backup was made does not come back. Knows no screen; the index is made again by the worker.
"""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from assistant.daemon.process import (
    hold_watch_lock,
    hold_worker_lock,
    running_worker_pid,
    stop_worker,
    watching_pid,
)
from assistant.forget.chats import forget_in_chats
from assistant.forget.concept import mentions_of
from personalizer.backup.archive import LIBRARY, Archive, open_archive
from personalizer.backup.staging import (
    Present,
    adopt,
    check_database,
    limit_photos,
    read_present,
    remove_prefixes,
)
from personalizer.backup.swap import (
    abandon,
    discard,
    finish_restore,
    hold_restore_lock,
    is_whole,
    staged,
    swap,
)
from personalizer.backup.write import ROOM_BYTES
from personalizer.concepts.forget import Identity, forget_members, forget_records, identity_of
from personalizer.errors import (
    CorruptArtifactError,
    FamiliarError,
    NotReadyError,
    StorageError,
    UsageError,
    counted,
)
from personalizer.home import Home
from personalizer.jobs.queue import JobQueue
from personalizer.library.backups import BackupRecord
from personalizer.library.library import Library
from personalizer.library.schema.migrations import refuse_newer
from personalizer.names import name_key
from personalizer.schemas import Concept, OnProgress, Progress
from personalizer.storage_errors import storage_error

STOP_PATIENCE_S = 15.0
_DAMAGED = (
    "The library that was here was damaged: what was forgotten since the backup was made could not be told from the "
    "rest, and may be back."
)
_STEPS = 5


@dataclass(frozen=True, slots=True)
class Restored:
    """What a home holds now."""

    backup: Path
    files: list[Path]
    bytes: int
    schema: int
    """That of the backup; an older one was brought up to date."""
    made_at: str
    photos: int
    concepts: int
    """Those with a name."""
    prefixes: int
    left_out: dict[str, int]
    """`concepts`, `faces` and `chats` of the backup that were forgotten since it was made; only what there was."""
    replaced: dict[str, int]
    """`photos` and `concepts` that the home held before."""
    indexed: int | None
    notes: list[str] = field(default_factory=list)
    elapsed_s: float = 0.0


def restore(home: Home, source: Path, *, replace: bool, on_progress: OnProgress | None = None) -> Restored:
    """Put the backup into the place of the home's library. Until the last step nothing that is there is touched.

    `replace`: also where there are photos or concepts, which are lost. Raises `UsageError` without it,
    `NotReadyError` while a worker runs, `CorruptArtifactError` for a backup that is not whole.
    """
    started = time.monotonic()
    say = on_progress or (lambda progress: None)
    path = source.expanduser().absolute()
    with ExitStack() as entered:
        archive = entered.enter_context(open_archive(path))
        refuse_newer(archive.manifest.schema, f"in the backup {path}")
        say(Progress(0, _STEPS, "Restoring: checking the backup"))
        archive.verify()
        home.ensure()
        entered.enter_context(_alone(home))
        if not replace:
            _refuse_to_replace(home)
        found = _what_is_here(home)
        present, notes = found or Present(), [] if found else [_DAMAGED]
        entered.callback(_abandon_quietly, home)
        try:
            say(Progress(1, _STEPS, "Restoring: unpacking"))
            folder = _unpack(home, archive)
            say(Progress(2, _STEPS, "Restoring: checking the library"))
            check_database(folder / LIBRARY, archive.manifest.schema, f"restoring the backup {path}")
            say(Progress(3, _STEPS, "Restoring: leaving out what was forgotten"))
            counts, prefixes, left_out = _put_in_order(home, folder, archive, present)
            say(Progress(4, _STEPS, "Restoring: replacing the library"))
            files = [
                home.root / file.relative_to(folder) for file in sorted(folder.rglob("*")) if file.is_file()
            ]
            size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
            swap(home)
        except (OSError, sqlite3.Error) as error:
            raise _refused(home, error) from error
        say(Progress(_STEPS, _STEPS, "Restoring: done"))
        return Restored(
            backup=path,
            files=files,
            bytes=size,
            schema=archive.manifest.schema,
            made_at=archive.manifest.made_at,
            photos=counts["photos"],
            concepts=counts["named"],
            prefixes=prefixes,
            left_out=left_out,
            replaced={"photos": present.photos, "concepts": present.concepts},
            indexed=None,
            notes=notes,
            elapsed_s=round(time.monotonic() - started, 3),
        )


@contextmanager
def _alone(home: Home) -> Iterator[None]:
    """Without a worker, and with nobody who becomes one. One that merely waits for work makes way."""
    tried = f"restoring a backup into {home.root}"
    pid = running_worker_pid(home)
    if pid is not None:
        busy = watching_pid(home) is not None or _has_work(home)
        if busy or not stop_worker(home, STOP_PATIENCE_S):
            raise NotReadyError(
                tried=tried,
                found=f"its worker runs (pid {pid or 'unknown'})",
                fix="Stop `familiar watch` (familiar service uninstall, or Ctrl-C where it runs), or wait for what is "
                "running: familiar jobs",
            )
    with hold_watch_lock(home), hold_worker_lock(home):
        finish_restore(home)
        with hold_restore_lock(home, 0.0) as held:
            if not held:
                raise NotReadyError(
                    tried=tried, found="another restore is going on", fix="Wait for it, or stop it."
                )
            yield


def _has_work(home: Home) -> bool:
    try:
        with Library.open(home.database, read_only=True) as library:
            queue = JobQueue(library)
            return bool(queue.list("running")) or (bool(queue.list("queued")) and not queue.paused())
    except FamiliarError:
        return False


def _what_is_here(home: Home) -> Present | None:
    """What the library that is there knows; None where it is damaged."""
    if not home.database.exists() or not home.database.stat().st_size:
        return Present()
    try:
        with Library.open(home.database) as library:
            return read_present(library)
    except CorruptArtifactError:
        return None
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):  # locked, or the disk refuses
            raise _refused(home, error) from error
        return None


def would_be_lost(home: Home) -> str | None:
    """What a restored library takes the place of, for a person; None where there is nothing."""
    present = _what_is_here(home)
    if present is None:
        return "the library there, which is damaged"
    if present.photos or present.concepts:
        named = counted(present.concepts, "named concept")
        return f"the library there, of {counted(present.photos, 'photo')} and {named}"
    return None


def _refuse_to_replace(home: Home) -> None:
    lost = would_be_lost(home)
    if lost is not None:
        raise UsageError(
            tried=f"restoring a backup into {home.root}",
            found=f"{lost}, would be lost",
            fix="Back it up first (familiar backup FILE), or say --yes; or restore into another home: "
            "familiar --home DIR restore FILE",
        )


def _unpack(home: Home, archive: Archive) -> Path:
    discard(home)
    folder = staged(home)
    folder.mkdir(mode=0o700, parents=True)
    (folder / home.concepts.name).mkdir(mode=0o700)
    # Twice for a moment, where what is forgotten is left out.
    needed = 2 * archive.size + ROOM_BYTES
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise StorageError(
            tried=f"restoring a backup into {home.root}",
            found=f"it needs {needed // 2**20} MiB, and {free // 2**20} MiB are free",
            fix="Free some space and try again; what was there is as it was.",
        )
    archive.extract(folder)
    return folder


def _put_in_order(
    home: Home, folder: Path, archive: Archive, present: Present
) -> tuple[dict[str, int], int, dict[str, int]]:
    """(what is in it, how many prefixes, what was left out)."""
    manifest = archive.manifest
    record = BackupRecord(
        manifest.uid,
        archive.path.resolve(),
        manifest.made_at,
        archive.path.stat().st_size,
        manifest.faces,
        manifest.last_photo,
        manifest.last_concept,
    )
    prefixes = folder / home.concepts.name
    with Library.open(folder / LIBRARY) as library:
        library.overwrite_what_is_deleted()
        left_out = _leave_out(library, prefixes, present)
        trained = adopt(library, home, prefixes, record, present)
        library.compact()
        counts = library.counts()
        # Which alone goes into the home.
        library.keep_all_in_one_file()
    return counts, trained, left_out


def _leave_out(library: Library, prefixes: Path, present: Present) -> dict[str, int]:
    """Forget in the restored library what was forgotten in the present one; returns how much that was."""
    queue = JobQueue(library)
    faces, gone = _leave_out_faces(library, queue, present)
    forgotten = {concept.id for concept in library.concepts()} & set(
        library.concept_ids_of(present.forgotten)
    )
    for concept_id in forgotten:
        forget_members(library, library.concept(concept_id))
    empty, _ = limit_photos(library, present)
    # What was merged into another concept when the backup was made is there by its name only.
    known = {concept.id: concept for concept in library.concepts()}
    merged = set(library.concept_ids_of(present.forgotten)) - known.keys()
    for concept_id in sorted(forgotten | empty | merged):
        _forget(library, queue, concept_id, known.get(concept_id))
    left_out = (forgotten | empty) & known.keys()
    remove_prefixes(prefixes, gone | left_out | merged)
    chats = library.delete_chats_of(present.forgotten)
    counts = (("concepts", len(left_out)), ("faces", faces), ("chats", chats))
    return {kind: number for kind, number in counts if number}


def _leave_out_faces(library: Library, queue: JobQueue, present: Present) -> tuple[int, set[int]]:
    """All of them, where they were erased since; returns how many, and the people."""
    if not present.faces_erased_at or (library.faces_erased_at() or "") >= present.faces_erased_at:
        return 0, set()
    people = {concept.id: concept for concept in library.concepts() if concept.kind == "face"}
    nobody = Identity(frozenset(), (), ())
    forget_in_chats(library, None, nobody, mentions_of(nobody), faces=True)
    for concept_id, person in people.items():
        _forget(library, queue, concept_id, person)
    faces, _ = library.delete_faces()
    library.set_setting("faces.erased_at", present.faces_erased_at)
    return faces, set(people)


def _forget(library: Library, queue: JobQueue, concept_id: int, concept: Concept | None) -> None:
    identity = identity_of(library, concept) if concept is not None else _merged_away(library, concept_id)
    stand_in = concept or Concept(id=concept_id, name=None, kind="object", state="hidden")
    mentions = mentions_of(identity)
    forget_in_chats(library, None, identity, mentions)
    forget_records(library, stand_in, identity, mentions, queue.list())


def _merged_away(library: Library, concept_id: int) -> Identity:
    """What a concept that is part of another one now was known by."""
    names: list[str | None] = []
    for operation in library.operations():
        payload = operation.payload
        if payload.get("concept") == concept_id:
            names += [payload.get("name"), payload.get("previous")]
        if payload.get("removed") == concept_id:
            names.append(payload.get("removed_name"))
    others = {name_key(concept.name): concept.name for concept in library.concepts() if concept.name}
    own = {name_key(name): name for name in names if name and name_key(name) not in others}
    return Identity(frozenset({concept_id}), tuple(own.values()), tuple(others.values()))


def _abandon_quietly(home: Home) -> None:
    with suppress(OSError):
        abandon(home)


def _refused(home: Home, error: OSError | sqlite3.Error) -> FamiliarError:
    refused = storage_error(error)
    fix = "Try again; what was there is as it was." if refused is None else refused.fix
    if is_whole(home):
        fix = (
            "The backup is unpacked: once the disk allows it, any command of Familiar puts it into its place."
        )
    return StorageError(
        tried=f"restoring a backup into {home.root}",
        found=str(error) if refused is None else refused.found,
        fix=fix,
    )
