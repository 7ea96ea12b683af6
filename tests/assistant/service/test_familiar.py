"""What the façade refuses before any work is queued."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from assistant.service.familiar import Familiar
from assistant.tools import PhotoAccess
from personalizer.errors import NotFoundError, UsageError
from personalizer.home import Home


@pytest.fixture
def familiar(tmp_path: Path) -> Iterator[Familiar]:
    made = Familiar(Home(tmp_path / "home"))
    yield made
    made.close()


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 81])
def test_a_name_that_is_not_allowed_is_refused_before_anything_is_queued(
    familiar: Familiar, tmp_path: Path, name: str
) -> None:
    (tmp_path / "a.jpg").write_bytes(b"x")
    with pytest.raises(UsageError) as refused:
        familiar.learn(name, [tmp_path / "a.jpg"])
    assert refused.value.exit_code == 2
    assert familiar.jobs() == []


def test_a_backbone_in_nobodys_home_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError) as refused:
        Familiar(Home(tmp_path / "home"), backbone="~nosuchuser/model")
    assert "no such user" in refused.value.found


PATHS = ["~nosuchuser/x.jpg", f"{'x' * 300}.jpg", "a\0b.jpg"]


@pytest.mark.parametrize("path", PATHS)
def test_a_path_that_cannot_be_looked_up_is_not_found(familiar: Familiar, path: str) -> None:
    access = PhotoAccess(familiar)
    for ask in (
        lambda: familiar.add([Path(path)]),
        lambda: familiar.describe(Path(path)),
        lambda: familiar.learn("Bo", [Path(path)]),
        lambda: access.open(access.allow([path])[0]),
    ):
        with pytest.raises(NotFoundError) as refused:
            ask()
        assert refused.value.fix


@pytest.mark.parametrize(
    "error", [PermissionError(13, "Permission denied"), OSError(5, "Input/output error")]
)
def test_a_folder_that_may_not_be_entered_is_not_found(
    familiar: Familiar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    photo = tmp_path / "closed" / "a.jpg"
    status = os.stat

    def refuse(path: object, *arguments: object, **options: object) -> os.stat_result:
        if str(path) == str(photo):
            raise error
        return status(path, *arguments, **options)

    access = PhotoAccess(familiar)
    # Rights do not stop root.
    monkeypatch.setattr(os, "stat", refuse)
    with pytest.raises(NotFoundError):
        familiar.learn("Bo", [photo])
    with pytest.raises(NotFoundError):
        access.open(access.allow([photo])[0])


def test_a_home_may_be_given_as_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As text, below the user's own folder, or relative to where the program is."""
    import assistant

    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for given in (str(tmp_path / "home"), tmp_path / "home", "~/home", "home", Home(tmp_path / "home")):
        with assistant.Familiar(given) as familiar:
            assert familiar.home == Home(tmp_path / "home")
            assert familiar.concepts() == []
    with pytest.raises(NotFoundError, match="no such user"):
        Familiar("~nosuchuser/home")


def test_leaving_closes_the_library(tmp_path: Path) -> None:
    def opened() -> list[str]:
        return [file.path for file in psutil.Process().open_files() if file.path.startswith(str(tmp_path))]

    with Familiar(tmp_path / "home") as familiar:
        familiar.library.create_concept("object", name="Bo")
        assert opened()
    assert opened() == []
