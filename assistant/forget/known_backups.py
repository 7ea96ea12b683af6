"""Which backups there are, and which hold something that was forgotten. Deletes them when told to."""

from __future__ import annotations

from collections.abc import Iterable

from assistant.results import BackupState
from personalizer.backup.write import backup_at, delete_backup
from personalizer.library.backups import FACES, BackupRecord
from personalizer.library.library import Library

__all__ = ["FACES", "known_backups", "left_in_backups", "remove_unfinished"]


def left_in_backups(library: Library, uids: Iterable[str], *, delete: bool) -> list[BackupState]:
    """The backups that hold any of what these uids stand for; with `delete` those that can be reached are deleted."""
    remove_unfinished(library)
    return [_state(library, backup, True, delete) for backup in library.backups_holding(uids)]


def known_backups(library: Library, *, prune: bool) -> list[BackupState]:
    """All backups; with `prune` those that hold something that was forgotten are deleted."""
    remove_unfinished(library)
    holding = {backup.uid for backup in library.backups_holding()}
    return [
        _state(library, backup, backup.uid in holding, prune and backup.uid in holding)
        for backup in library.backups()
    ]


def remove_unfinished(library: Library) -> None:
    """What a killed process left of writing a backup is of no use, and a copy of the library."""
    for backup in library.backups():
        if backup.size:
            continue
        gone = delete_backup(backup) is None or (backup.path.parent.exists() and not backup.path.exists())
        if gone:
            library.remove_backup(backup.uid)


def _state(library: Library, backup: BackupRecord, holds: bool, delete: bool) -> BackupState:
    why = delete_backup(backup) if delete else backup_at(backup)
    if delete and why is None:
        library.remove_backup(backup.uid)
    state = why or ("deleted" if delete else "there")
    return BackupState(backup.path, backup.made_at, backup.size, state, holds)
