"""Prepares the unpacked library of a backup to replace the library of a home.

It copies newer knowledge from the current library: what was forgotten since the backup, and which backups exist. The
file is untrusted: one with unknown triggers or views is refused.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from personalizer.errors import CorruptArtifactError
from personalizer.home import Home
from personalizer.library.backups import BackupRecord
from personalizer.library.chats import CHATS_KEPT
from personalizer.library.file import LibraryCopy
from personalizer.library.jobs import JobTable
from personalizer.library.library import Library
from personalizer.library.photos.scope import FACES_CONSENT, FACES_OFF, KindAndBox
from personalizer.library.schema.migrations import refuse_newer
from personalizer.prefix.format import WEIGHTS_FILE

_KEPT_SETTINGS = (FACES_OFF, FACES_CONSENT)


@dataclass(frozen=True, slots=True)
class Present:
    """Knowledge of the library to be replaced that an older backup lacks."""

    photos: int = 0
    concepts: int = 0
    """Those with a name."""
    forgotten: Mapping[str, str] = field(default_factory=dict)
    """What was forgotten: when, by uid."""
    forgotten_photos: Mapping[str, frozenset[KindAndBox]] = field(default_factory=dict)
    """By content: what is still known of photos that had to forget something."""
    faces_erased_at: str | None = None
    refused: Mapping[str, str] = field(default_factory=dict)
    """The settings that say that no faces may be looked for, or no chats kept; none where they may."""
    backups: tuple[BackupRecord, ...] = ()
    held: tuple[tuple[str, str], ...] = ()
    last_concept: int = 0


def read_present(library: Library) -> Present:
    """Of the library that is to be replaced."""
    counts = library.counts()
    settings = {name: library.setting(name) for name in _KEPT_SETTINGS}
    refused = {name: value for name, value in settings.items() if value} if settings[FACES_OFF] else {}
    if library.was_asked_about_chats() and not library.keeps_chats():
        refused[CHATS_KEPT] = library.setting(CHATS_KEPT) or ""
    return Present(
        photos=counts["photos"],
        concepts=counts["named"],
        forgotten=library.forgotten_uids(),
        forgotten_photos=library.left_in_forgotten_photos(),
        faces_erased_at=library.faces_erased_at(),
        refused=refused,
        backups=tuple(library.backups()),
        held=tuple(library.held_in_backups()),
        last_concept=library.last_concept_id(),
    )


def check_database(path: Path, schema: int, tried: str) -> None:
    """Raise `CorruptArtifactError` for what is no whole library of this schema, `FamiliarError` for a newer one."""

    def damaged(found: str) -> CorruptArtifactError:
        return CorruptArtifactError(
            tried=tried, found=f"its library {found}", fix="Use another backup: this one is damaged."
        )

    refuse_newer(schema, "in the backup")
    try:
        with LibraryCopy(path) as copy:
            copy.refuse_foreign(schema, damaged)
    except sqlite3.DatabaseError as error:
        raise damaged(f"cannot be read: {error}") from error


def adopt(library: Library, home: Home, folder: Path, record: BackupRecord, present: Present) -> int:
    """Make the library that was unpacked, with the prefixes in `folder`, that of `home`; returns how many have one."""
    trained = 0
    with library.transaction():
        for concept in library.concepts():
            if concept.prefix_dir is None:
                continue
            # Where the prefix lies is where it is unpacked, whatever the file says.
            if (folder / str(concept.id) / WEIGHTS_FILE).is_file():
                library.move_prefix(concept.id, home.concepts / str(concept.id))
                trained += 1
            else:
                state = "named" if concept.state in ("ready", "training", "stale") else concept.state
                library.set_prefix(concept.id, backbone=None, directory=None, state=state)
        library.set_indexed(None, indexed=False)
        library.forget_index_removals(None)
        # Which disk a folder was on says nothing about this machine; and an old wish to scan is none any more.
        library.forget_places()
        JobTable(library).remove_active("scan")
        for noted in ("scan.due", "scan.notes", "watch.polled"):
            library.set_setting(noted, None)
        library.keep_concept_ids_above(present.last_concept)
        # The backup itself, while it was written.
        library.remove_unfinished_backups()
        _carry(library, present)
        if record.uid not in {backup.uid for backup in library.backups()}:
            library.record_backup(record)
    return trained


def _carry(library: Library, present: Present) -> None:
    with library.transaction():
        for backup in present.backups:
            library.record_backup(backup)
        library.carry_over(present.forgotten, present.held)
        for name, value in present.refused.items():
            library.set_setting(name, value)


def limit_photos(library: Library, present: Present) -> tuple[set[int], int]:
    """In photos that had to forget since, remove what is not in the present library either.

    Returns the concepts that had members there and have none any more, and how many detections were removed.
    """
    already = library.left_in_forgotten_photos()
    gone: list[int] = []
    photos: list[int] = []
    for content, known in present.forgotten_photos.items():
        photo = None if content in already else library.photo_by_hash(content)
        if photo is None:
            continue
        photos.append(photo.id)
        for one in library.detections(photo.id):
            if (one.kind, one.box.left, one.box.top, one.box.right, one.box.bottom) not in known:
                gone.append(one.id)
    with_members = library.concepts_with_members()
    removed, _ = library.delete_detections(gone)
    library.mark_forgotten(photos)
    return with_members - library.concepts_with_members(), removed


def remove_prefixes(folder: Path, concept_ids: Iterable[int]) -> None:
    """The learned rows of concepts that are left out."""
    for concept_id in concept_ids:
        for file in (folder / str(concept_id)).glob("*"):
            file.unlink()
        if (folder / str(concept_id)).exists():
            (folder / str(concept_id)).rmdir()
