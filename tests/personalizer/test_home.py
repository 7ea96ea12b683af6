from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from personalizer.home import Home, default_home, write_atomically


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_every_path_lies_below_the_root(tmp_path: Path) -> None:
    home = Home(tmp_path)
    names = [name for name, value in vars(Home).items() if isinstance(value, property)]
    assert len(names) >= 8
    for name in names:
        assert getattr(home, name).is_relative_to(tmp_path)


def test_folders_are_private_also_when_they_were_not(tmp_path: Path) -> None:
    root = tmp_path / "a" / "home"
    root.mkdir(parents=True)
    root.chmod(0o755)
    (root / "concepts").mkdir()
    (root / "concepts").chmod(0o777)
    home = Home(root).ensure()
    assert home.ensure() is home
    for folder in (
        home.root,
        home.chroma,
        home.models,
        home.runtimes,
        home.concepts,
        home.imagined,
        home.logs,
    ):
        assert folder.is_dir() and mode(folder) == 0o700


def test_the_environment_chooses_the_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("FAMILIAR_HOME", "~/photos-home")
    assert default_home().root == tmp_path / "photos-home"
    monkeypatch.setenv("FAMILIAR_HOME", "")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert default_home().root.name == "familiar"


def test_writing_creates_private_files_and_replaces_them(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    write_atomically(path, b"one")
    assert path.read_bytes() == b"one" and mode(path) == 0o600 and mode(path.parent) == 0o700
    path.chmod(0o644)
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two" and mode(path) == 0o600
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_failed_write_leaves_the_old_file_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, failing, full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, b"new" * 1000)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_is_replaced_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    target.write_bytes(b"theirs")
    link = tmp_path / "file"
    link.symlink_to(target)
    write_atomically(link, b"ours")
    assert target.read_bytes() == b"theirs" and link.read_bytes() == b"ours" and not link.is_symlink()
