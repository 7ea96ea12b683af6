"""Pictures to scan and the converted network, made once per test run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from photos import ASTRONAUT, PORTRAIT, draw_photo, package_photo
from PIL import Image

from personalizer.library.library import Library

if TYPE_CHECKING:
    from personalizer.backbones.base import Backbone

_NOBODY = 65534


@pytest.fixture
def make_photo() -> Callable[..., Path]:
    """`make_photo(path, seed)` writes a small JPEG and returns its path."""

    def make(path: Path, seed: int, **save_options: object) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        draw_photo(seed).save(path, **save_options)
        return path

    return make


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    """An empty library in a home of its own, which no scan of `tmp_path` enters."""
    with Library.open(tmp_path / "home" / "library.sqlite3") as opened:
        yield opened


@pytest.fixture
def folder(library: Library, tmp_path: Path) -> Path:
    """An empty folder of photos that the library knows."""
    path = tmp_path / "photos"
    path.mkdir()
    library.add_root(path)
    return path


@contextmanager
def _as_nobody(*owned: Path) -> Iterator[None]:
    """Without root's right to read everything; `owned` belong to who is left. Nothing to do for another user."""
    if os.geteuid() != 0:
        yield
        return
    for path in [*owned, *(inside for one in owned for inside in one.rglob("*"))]:
        os.chown(path, _NOBODY, _NOBODY, follow_symlinks=False)
    closed = [parent for parent in owned[0].parents if not parent.stat().st_mode & 0o001]
    for parent in closed:
        parent.chmod(parent.stat().st_mode | 0o011)
    os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        for parent in closed:
            parent.chmod(parent.stat().st_mode & ~0o011)


@pytest.fixture
def as_nobody() -> Callable[..., AbstractContextManager[None]]:
    """`with as_nobody(folder):` what is in there may be closed to us, as it may not be to root."""
    return _as_nobody


@pytest.fixture(scope="session")
def portrait() -> Image.Image:
    """One face."""
    return package_photo(*PORTRAIT)


@pytest.fixture(scope="session")
def astronaut() -> Image.Image:
    """One face as well."""
    return package_photo(*ASTRONAUT)


@pytest.fixture(scope="module")
def backbone(pocket_like: Path) -> Backbone:
    """The checkpoint by the pocket recipe, loaded."""
    from personalizer.backbones.registry import load_backbone

    return load_backbone(str(pocket_like), "cpu")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SimpleNamespace]:
    """A library of three photos of a red disc and eight of others, with vectors that say so."""
    from small_training import disc_world

    with disc_world(tmp_path) as made:
        yield made


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint in the published layout. Read-only as well."""
    from chameleon_checkpoints import write_published_layout

    directory = tmp_path_factory.mktemp("checkpoint") / "published"
    write_published_layout(directory)
    return directory
