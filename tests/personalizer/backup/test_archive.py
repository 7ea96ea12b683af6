"""A backup's file as it is read again: whole, cut off, altered, and made to harm."""

from __future__ import annotations

import hashlib
import json
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from personalizer.backup.archive import LIBRARY, is_prefix_file, open_archive, write_archive
from personalizer.errors import CorruptArtifactError, FamiliarError, NotFoundError

ABOUT: dict[str, Any] = {
    "uid": "ab" * 16, "made_at": "2030-01-01T00:00:00.000+00:00", "schema": 3, "photos": 2, "concepts": 1, "faces": 4,
    "last_photo": 2, "last_concept": 5,
}  # fmt: skip
ROWS = np.random.default_rng(1).bytes(9000)
CONTENT = {LIBRARY: np.random.default_rng(2).bytes(70_000), "concepts/5/prefix.safetensors": ROWS,
           "concepts/5/manifest.json": b"{}"}  # fmt: skip


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    path = tmp_path / "a.familiar-backup"
    write_archive(path, CONTENT, ABOUT)
    return path


def read(path: Path, folder: Path) -> dict[str, bytes]:
    with open_archive(path) as archive:
        archive.verify()
        archive.extract(folder)
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_what_is_written_is_read_and_is_private(backup: Path, tmp_path: Path) -> None:
    assert read(backup, tmp_path / "out") == CONTENT
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    for path in (tmp_path / "out").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)
    with open_archive(backup) as archive:
        assert (archive.manifest.schema, archive.manifest.faces, archive.size) == (
            3,
            4,
            sum(map(len, CONTENT.values())),
        )


def test_every_cut_is_noticed(backup: Path, tmp_path: Path) -> None:
    whole = backup.read_bytes()
    ends = [
        0,
        1,
        3,
        4,
        29,
        30,
        200,
        len(whole) // 2,
        69_999,
        70_100,
        whole.index(b"PK\1\2"),
        whole.rindex(b"PK\5\6"),
    ]
    for end in [*ends, *range(len(whole) - 30, len(whole))]:
        cut = tmp_path / "cut"
        cut.write_bytes(whole[:end])
        with pytest.raises(CorruptArtifactError) as refused:
            read(cut, tmp_path / "out")
        assert "damaged" in refused.value.fix
        assert not (tmp_path / "out").exists()


def test_an_altered_byte_is_noticed_or_changes_nothing(backup: Path, tmp_path: Path) -> None:
    whole = backup.read_bytes()
    # All of what is no content, and some of that.
    headers = [at for at in range(len(whole)) if at < 100 or at > len(whole) - 1500]
    places = [*headers, *np.random.default_rng(3).integers(0, len(whole), 200)]
    noticed = 0
    for number, at in enumerate(places):
        altered = tmp_path / "altered"
        altered.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << number % 8)]) + whole[at + 1 :])
        try:
            assert read(altered, tmp_path / str(number)) == CONTENT, at
        except FamiliarError:
            noticed += 1
    assert noticed > len(places) // 2
    inside = whole.index(ROWS[:50]) + 20
    (tmp_path / "altered").write_bytes(whole[:inside] + bytes([whole[inside] ^ 1]) + whole[inside + 1 :])
    with pytest.raises(CorruptArtifactError):
        read(tmp_path / "altered", tmp_path / "inside")


def made(path: Path, members: list[tuple[str, bytes]], **changes: Any) -> Path:
    """A ZIP by somebody else, with a manifest that fits it."""
    files = {
        name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in members
    }
    document = {"kind": "familiar-backup", "format": 1, **ABOUT, "files": files, **changes}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content)
        archive.writestr("manifest.json", json.dumps(document))
    return path


@pytest.mark.parametrize(
    "name",
    [
        "../evil", "/etc/evil", "concepts/1/../../evil", "concepts/../evil", "concepts/1/.hidden", "concepts/01/a.json",
        "concepts/1/", "concepts/1/a/b.json", "concepts\\1\\a.json", "C:\\evil", "concepts/1/..", "./library.sqlite3",
        "concepts/١/a.json", "concepts/1/a.json\n", "library.sqlite3-wal", "concepts/x/a.json", "",
    ],
)  # fmt: skip
def test_names_that_lead_elsewhere_are_refused(name: str, tmp_path: Path) -> None:
    assert is_prefix_file(name) is None
    path = made(tmp_path / "z", [(LIBRARY, b"x"), (name, b"evil")])
    with pytest.raises(CorruptArtifactError):
        read(path, tmp_path / "out" / "deep")
    assert not list(tmp_path.rglob("*evil*")) and not (tmp_path / "out").exists()


def twice(path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        made(path, [(LIBRARY, b"x"), (LIBRARY, b"y")])


def compressed(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(LIBRARY, bytes(10**8))


def foreign(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("holiday.txt", b"x")


def odd_manifest(content: bytes) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(LIBRARY, b"x")
            archive.writestr("manifest.json", content)

    return make


@pytest.mark.parametrize(
    "make",
    [
        twice,
        compressed,
        foreign,
        odd_manifest(b""),
        odd_manifest(b"[" * 100_000),
        odd_manifest(b"\xff\xfe"),
        odd_manifest(b'{"kind": "familiar-backup", "format": 1}'),
        lambda path: made(path, [(LIBRARY, b"x")], kind="dual-prefix"),
        lambda path: made(path, [(LIBRARY, b"x")], format=2),
        lambda path: made(path, [(LIBRARY, b"x")], schema=-1),
        lambda path: made(path, [(LIBRARY, b"x")], schema="3"),
        lambda path: made(path, [(LIBRARY, b"x")], schema=True),
        lambda path: made(path, [(LIBRARY, b"x")], files={}),
        lambda path: made(path, [(LIBRARY, b"x")], files={LIBRARY: {"bytes": 9, "sha256": "0"}}),
        lambda path: made(path, [(LIBRARY, b"x")], files={LIBRARY: {"bytes": 1, "sha256": "0" * 64}}),
        lambda path: made(path, [(LIBRARY, b"x")], files=[LIBRARY]),
        lambda path: made(path, [("concepts/1/manifest.json", b"x")]),
        lambda path: path.write_bytes(b"Dear diary"),
        lambda path: path.write_bytes(b""),
        lambda path: path.mkdir(),
    ],
)
def test_what_is_no_backup_is_said_to_be_none(make: Callable[[Path], Any], tmp_path: Path) -> None:
    make(tmp_path / "z")
    with pytest.raises(FamiliarError) as refused:
        read(tmp_path / "z", tmp_path / "out")
    assert str(tmp_path / "z") in refused.value.tried and refused.value.fix
    assert not (tmp_path / "out" / "library.sqlite3").exists() or "content" in refused.value.found


def test_one_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        read(tmp_path / "none", tmp_path / "out")
