"""Pictures to scan and the converted network, made once per test run."""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageDraw

from personalizer.library.library import Library

if TYPE_CHECKING:
    from personalizer.backbones.base import Backbone

_NOBODY = 65534


def draw_photo(seed: int, width_px: int = 320, height_px: int = 240) -> Image.Image:
    """A picture of a few coloured shapes on a textured ground; another one for every seed."""
    random = np.random.default_rng(seed)
    ground = random.integers(60, 200, 3)
    pixels = (ground + random.normal(0, 12, (height_px, width_px, 3))).clip(0, 255).astype(np.uint8)
    image = Image.fromarray(pixels)
    draw = ImageDraw.Draw(image)
    for _ in range(4):
        x, y = random.integers(0, width_px), random.integers(0, height_px)
        size = random.integers(20, 90)
        color = tuple(int(value) for value in random.integers(0, 256, 3))
        shape = draw.ellipse if random.random() < 0.5 else draw.rectangle
        shape((x - size, y - size, x + size, y + size), fill=color)
    return image


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
def package_picture() -> Callable[[str, str], Image.Image]:
    """`package_picture(package, name)` is a real photo that a package carries, in RGB; none is copied into here."""

    def read(package: str, name: str) -> Image.Image:
        spec = importlib.util.find_spec(package)
        assert spec is not None and spec.origin is not None, f"{package} is not installed"
        return Image.open(Path(spec.origin).parent / name).convert("RGB")

    return read


@pytest.fixture(scope="session")
def portrait(package_picture: Callable[[str, str], Image.Image]) -> Image.Image:
    """Rear Admiral Grace Hopper's official portrait, in the public domain."""
    return package_picture("textual_image", "gracehopper.jpg")


@pytest.fixture(scope="session")
def astronaut(package_picture: Callable[[str, str], Image.Image]) -> Image.Image:
    """Eileen Collins before a flag and a model of the shuttle, by NASA, in the public domain."""
    return package_picture("skimage", "data/astronaut.png")


@pytest.fixture(scope="session")
def checkpoints() -> ModuleType:
    """The functions that write tiny Chameleon-format checkpoints; torch is imported only where a test asks."""
    return importlib.import_module("chameleon_checkpoints")


@pytest.fixture(scope="session")
def small() -> ModuleType:
    """Short trainings, and what they need; torch is imported only where a test asks."""
    return importlib.import_module("small_training")


@pytest.fixture(scope="session")
def raw_files() -> ModuleType:
    """The functions that write camera RAW files."""
    return importlib.import_module("raw_files")


@pytest.fixture(scope="module")
def backbone(pocket_like: Path) -> Backbone:
    """The checkpoint by the pocket recipe, loaded."""
    from personalizer.backbones.registry import load_backbone

    return load_backbone(str(pocket_like), "cpu")


@pytest.fixture
def world(small: ModuleType, tmp_path: Path) -> Iterator[SimpleNamespace]:
    """A library of three photos of a red disc and eight of others, with vectors that say so."""
    with small.disc_world(tmp_path) as made:
        yield made


@pytest.fixture(scope="session")
def pocket_like(checkpoints: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint by the pocket recipe, of 16 px and 4 × 4 codes. Read-only: who damages it takes a copy."""
    directory = tmp_path_factory.mktemp("checkpoint") / "pocket-like"
    checkpoints.write_pocket_like(directory)
    return directory


@pytest.fixture(scope="session")
def published(checkpoints: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint in the published layout. Read-only as well."""
    directory = tmp_path_factory.mktemp("checkpoint") / "published"
    checkpoints.write_published_layout(directory)
    return directory
