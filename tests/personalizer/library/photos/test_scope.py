"""What the library remembers of places and exclusions, also one that is older than these tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from personalizer.library.library import Library
from personalizer.library.schema.migrations import MIGRATIONS
from personalizer.scan.notes import ScanNotes, read_notes, write_notes
from personalizer.watch.polled_folders import Polled, read_polled, write_polled


def test_a_frozen_folder_of_an_older_library_stays_frozen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "library.sqlite3"
    before = next(
        number for number, step in enumerate(MIGRATIONS) if any("TABLE places" in text for text in step)
    )
    with monkeypatch.context() as older:
        older.setattr("personalizer.library.schema.migrations.MIGRATIONS", MIGRATIONS[:before])
        older.setattr("personalizer.library.schema.migrations.CURRENT_VERSION", before)
        with Library.open(path) as library:
            library.add_root(Path("/photos"))
            library.add_root(Path("/nas"))
            library.connection.execute(
                "UPDATE roots SET frozen = 'all 9 photos are gone at once', device = 7 WHERE path = '/nas'"
            )
    with Library.open(path) as library:
        assert library.frozen_roots() == {Path("/nas"): "all 9 photos are gone at once"}
        assert library.roots() == [Path("/photos"), Path("/nas")]
        assert library.exclusions() == []


def test_a_place_is_frozen_until_nothing_of_it_is_in_doubt(tmp_path: Path) -> None:
    with Library.open(tmp_path / "library.sqlite3") as library:
        nas = tmp_path / "nas"
        library.note_place(nas, "nfs4 nas:/a")
        library.freeze_place(nas, "11 of 40 photos are gone at once", 11)
        first = library.places()[nas]
        library.freeze_place(nas, "the folder is not there", 40)
        second = library.places()[nas]
        assert (second.frozen, second.gone, second.file_system) == (
            "the folder is not there",
            40,
            "nfs4 nas:/a",
        )
        assert second.frozen_at == first.frozen_at is not None, "when it began"
        library.note_place(nas, "nfs4 nas:/a")
        assert library.frozen_roots() == {} and library.places()[nas].frozen_at is None
        library.forget_place(nas)
        assert library.places() == {}


def test_notes_are_read_as_they_were_written(tmp_path: Path) -> None:
    notes = ScanNotes(1, True, [{"path": "/caf\udce9", "reason": "permission denied"}])
    polled = [Polled("/caf\udce9", "No space left on device", 300.0, True)]
    with Library.open(tmp_path / "library.sqlite3") as library:
        assert (read_notes(library), read_polled(library)) == (ScanNotes(), [])
        write_notes(library, notes)
        write_polled(library, polled)
        assert (read_notes(library), read_polled(library)) == (notes, polled)
