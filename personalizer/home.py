"""Paths and permissions of a library's files. Knows nothing about their content."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from personalizer.errors import UsageError

PACKAGE_DATA = Path(__file__).parent / "data"
"""What ships inside the wheel: the pocket backbone, the sample library, small measured constants."""
PACKAGE_PARENT = Path(__file__).resolve().parents[1]
"""The folder that the packages lie in: what a child process needs on its path."""


@dataclass(frozen=True)
class Home:
    """The directory of one library. Everything that is derived from the user's photos lives below it."""

    root: Path

    @property
    def database(self) -> Path:
        return self.root / "library.sqlite3"

    @property
    def chroma(self) -> Path:
        return self.root / "chroma"

    @property
    def models(self) -> Path:
        """Weights that are converted once on this machine."""
        return self.root / "models"

    @property
    def runtimes(self) -> Path:
        """Exported backbones, one folder per backbone version."""
        return self.root / "runtimes"

    @property
    def concepts(self) -> Path:
        """Learned prefixes, one folder per concept id."""
        return self.root / "concepts"

    @property
    def imagined(self) -> Path:
        return self.root / "imagined"

    @property
    def people_page(self) -> Path:
        """Where `familiar report` writes unless told otherwise."""
        return self.root / "people.html"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def worker_lock(self) -> Path:
        return self.root / "worker.lock"

    def ensure(self) -> Home:
        """Create the folders, private to the user. Raises UsageError where a file is in the way."""
        for folder in (
            self.root,
            self.chroma,
            self.models,
            self.runtimes,
            self.concepts,
            self.imagined,
            self.logs,
        ):
            try:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            except (FileExistsError, NotADirectoryError) as error:
                raise UsageError(
                    tried=f"opening Familiar's folder {self.root}",
                    found=f"{error.filename or folder} is a file, not a folder",
                    fix="Give a folder: --home DIR, or FAMILIAR_HOME=DIR.",
                ) from error
            # mkdir honours the umask only when it creates; an older, wider folder is narrowed here.
            if folder.stat().st_mode & 0o077:
                folder.chmod(0o700)
        return self


def child_environment() -> dict[str, str]:
    """This process's environment, with Familiar's packages on the Python path for a child process in any directory."""
    search_path = [str(PACKAGE_PARENT), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, search_path))}


def default_home() -> Home:
    """`FAMILIAR_HOME`, or the platform's user data directory."""
    configured = os.environ.get("FAMILIAR_HOME")
    if configured:
        return Home(Path(configured).expanduser())
    from platformdirs import user_data_path

    return Home(user_data_path("familiar", appauthor=False))


def write_atomically(path: Path, content: bytes, *, private: bool = True) -> None:
    """Replace `path` in one step; a crash leaves the old file or the new one.

    Readable only by the user, or else with the permissions that other programs' files get there.
    """
    write_parts_atomically(path, [content], private=private)


def write_parts_atomically(path: Path, parts: Iterable[bytes], *, private: bool = True) -> None:
    """Like `write_atomically`, for content that is generated in parts and never held in memory as a whole."""
    path.parent.mkdir(mode=0o700 if private else 0o777, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.unlink(missing_ok=True)
        # The system takes the umask off; an old file of that name would keep its own permissions.
        mode = 0o600 if private else 0o666
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            for part in parts:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def settle_folder(folder: Path) -> None:
    """Flush a folder's entries to the disk (fsync)."""
    with suppress(OSError):  # some file systems know no such thing
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
