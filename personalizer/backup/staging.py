"""Makes the library of a backup, unpacked beside the one of a home, fit that home. Knows no archive and no name.

What the present library knows and an older one cannot goes over into it: what was forgotten since, and which backups
there are. The file comes from elsewhere: one with a program of somebody else's in it is refused.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from personalizer.errors import CorruptArtifactError
from personalizer.home import Home
from personalizer.library.backups import BackupRecord
from personalizer.library.database import path_value
from personalizer.library.library import Library
from personalizer.library.migrations import MIGRATIONS, refuse_newer
from personalizer.prefix.format import WEIGHTS_FILE

Found = tuple[str, float, float, float, float]
"""The kind and the box of a detection."""
_KEPT_SETTINGS = ("faces.off", "faces.consent")


@dataclass(frozen=True, slots=True)
class Present:
    """What the library that is to be replaced knows and an older one cannot."""

    photos: int = 0
    concepts: int = 0
    """Those with a name."""
    forgotten: Mapping[str, str] = field(default_factory=dict)
    """What was forgotten: when, by uid."""
    forgotten_photos: Mapping[str, frozenset[Found]] = field(default_factory=dict)
    """By content: what is still known of photos that had to forget something."""
    faces_erased_at: str | None = None
    no_faces: Mapping[str, str] = field(default_factory=dict)
    """The settings that say that no faces may be looked for; none where they may."""
    backups: tuple[BackupRecord, ...] = ()
    held: tuple[tuple[str, str], ...] = ()
    last_concept: int = 0


def read_present(library: Library) -> Present:
    """Of the library that is to be replaced."""
    counts = library.counts()
    found: dict[str, set[Found]] = {
        row["content_hash"]: set()
        for row in library.connection.execute("SELECT content_hash FROM photos WHERE forgotten = 1")
    }
    for row in library.connection.execute(
        """SELECT content_hash, kind, box_left, box_top, box_right, box_bottom
           FROM photos JOIN detections ON detections.photo_id = photos.id WHERE forgotten = 1"""
    ):
        found[row["content_hash"]].add(tuple(row)[1:])
    settings = {name: library.setting(name) for name in _KEPT_SETTINGS}
    sequence = library.connection.execute("SELECT MAX(seq) FROM sqlite_sequence WHERE name = 'concepts'")
    return Present(
        photos=counts["photos"],
        concepts=counts["named"],
        forgotten=library.forgotten_uids(),
        forgotten_photos={content: frozenset(boxes) for content, boxes in found.items()},
        faces_erased_at=library.faces_erased_at(),
        no_faces={name: value for name, value in settings.items() if value} if settings["faces.off"] else {},
        backups=tuple(library.backups()),
        held=tuple(library.held_in_backups()),
        last_concept=int(sequence.fetchone()[0] or 0),
    )


def check_database(path: Path, schema: int, tried: str) -> None:
    """Raise `CorruptArtifactError` for what is no whole library of this schema, `FamiliarError` for a newer one."""

    def damaged(found: str) -> CorruptArtifactError:
        return CorruptArtifactError(
            tried=tried, found=f"its library {found}", fix="Use another backup: this one is damaged."
        )

    refuse_newer(schema, "in the backup")
    try:
        with closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
        ) as connection:
            # Nothing that stands in the file may be run before it has been looked at.
            connection.execute("PRAGMA trusted_schema = OFF")
            version = int(connection.execute("PRAGMA user_version").fetchone()[0])
            if version != schema or version < 1:
                raise damaged(f"has schema {version}, and its manifest says {schema}")
            if _programs(connection) != _expected_programs(version):
                raise damaged("has triggers or views that Familiar did not make")
            wrong = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if wrong != "ok":
                raise damaged(f"is damaged: {wrong}")
    except sqlite3.DatabaseError as error:
        raise damaged(f"cannot be read: {error}") from error


def _programs(connection: sqlite3.Connection) -> set[tuple[str, str, str]]:
    """What SQLite would run on its own."""
    rows = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE type IN ('trigger', 'view')")
    # Renaming a table rewrites what refers to it, in the manner of the version of SQLite that does it.
    return {(kind, name, re.sub(r'[\s"]+', " ", sql or "").strip()) for kind, name, sql in rows}


def _expected_programs(version: int) -> set[tuple[str, str, str]]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        for step in MIGRATIONS[:version]:
            for statement in step:
                connection.execute(statement)
        return _programs(connection)


def adopt(library: Library, home: Home, folder: Path, record: BackupRecord, present: Present) -> int:
    """Make the library that was unpacked, with the prefixes in `folder`, that of `home`; returns how many have one."""
    trained = 0
    with library.transaction() as connection:
        for concept in library.concepts():
            if concept.prefix_dir is None:
                continue
            # Where the prefix lies is where it is unpacked, whatever the file says.
            if (folder / str(concept.id) / WEIGHTS_FILE).is_file():
                directory = home.concepts / str(concept.id)
                connection.execute(
                    "UPDATE concepts SET prefix_dir = ? WHERE id = ?", (path_value(directory), concept.id)
                )
                trained += 1
            else:
                state = "named" if concept.state in ("ready", "training", "stale") else concept.state
                library.set_prefix(concept.id, backbone=None, directory=None, state=state)
        library.set_indexed(None, indexed=False)
        library.forget_index_removals(None)
        # Which disk a folder was on says nothing about this machine; and an old wish to scan is none any more.
        connection.execute("DELETE FROM places")
        connection.execute("DELETE FROM jobs WHERE kind = 'scan' AND state IN ('queued', 'running')")
        for noted in ("scan.due", "scan.notes", "watch.polled"):
            library.set_setting(noted, None)
        connection.execute(
            "UPDATE sqlite_sequence SET seq = MAX(seq, ?) WHERE name = 'concepts'", (present.last_concept,)
        )
        # The backup itself, while it was written.
        connection.execute("DELETE FROM backups WHERE size = 0")
        _carry(library, present)
        if record.uid not in {backup.uid for backup in library.backups()}:
            library.record_backup(record)
    return trained


def _carry(library: Library, present: Present) -> None:
    with library.transaction() as connection:
        connection.executemany(
            "INSERT OR IGNORE INTO forgotten_concepts(uid, forgotten_at) VALUES (?, ?)",
            present.forgotten.items(),
        )
        for backup in present.backups:
            library.record_backup(backup)
        connection.executemany(
            "INSERT OR IGNORE INTO backups_holding(backup, uid) VALUES (?, ?)", present.held
        )
        for name, value in present.no_faces.items():
            library.set_setting(name, value)


def limit_photos(library: Library, present: Present) -> tuple[set[int], int]:
    """In photos that had to forget since, remove what is not in the present library either.

    Returns the concepts that had members there and have none any more, and how many detections were removed.
    """
    already = {
        row["content_hash"]
        for row in library.connection.execute("SELECT content_hash FROM photos WHERE forgotten = 1")
    }
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
    with_members = _with_members(library)
    removed, _ = library.delete_detections(gone)
    library.mark_forgotten(photos)
    return with_members - _with_members(library), removed


def _with_members(library: Library) -> set[int]:
    rows = library.connection.execute(
        "SELECT DISTINCT concept_id FROM memberships WHERE status != 'rejected'"
    )
    return {int(row["concept_id"]) for row in rows}


def remove_prefixes(folder: Path, concept_ids: Iterable[int]) -> None:
    """The learned rows of concepts that are left out."""
    for concept_id in concept_ids:
        for file in (folder / str(concept_id)).glob("*"):
            file.unlink()
        if (folder / str(concept_id)).exists():
            (folder / str(concept_id)).rmdir()
