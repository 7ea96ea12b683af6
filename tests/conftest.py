"""What tests of several packages need."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from personalizer.training.torch_threads import wait_briefly

if TYPE_CHECKING:
    from analysis_children import KnownPhotos

# Tests share the machine as well; before any of them loads torch.
wait_briefly()
if "PYTEST_XDIST_WORKER" in os.environ:
    # All cores have a test process: more threads only wait for each other.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

MEMORY_PER_PROCESS_GIB = 3


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One test process more than there are cores, since tests often wait for processes of their own; at most 5."""
    import psutil

    fitting = psutil.virtual_memory().available // (MEMORY_PER_PROCESS_GIB * 2**30)
    return max(1, min((os.cpu_count() or 1) + 1, 5, fitting))


def pytest_configure(config: pytest.Config) -> None:
    """No test and no process that one starts reaches another machine. Before any other process is started."""
    from loopback_only import NOTES, watch_sockets

    support = Path(__file__).with_name("support")
    if NOTES not in os.environ:
        folder = Path(tempfile.mkdtemp(prefix="familiar-tests-"))
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
        os.environ[NOTES] = str(folder / "connections")
        added = [str(support / "site"), os.environ.get("PYTHONPATH", "")]
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, added))
    # Nor does what would talk of itself; the tests that say so set these anew.
    os.environ.pop("LANGSMITH_TRACING", None)
    os.environ.pop("LANGCHAIN_TRACING_V2", None)
    watch_sockets()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A run in which anything tried to reach another machine has failed, whoever swallowed the error."""
    from loopback_only import notes

    tried = notes()
    if tried and session.exitstatus == 0:
        session.exitstatus = 1
    for line in tried[:20]:
        print(f"\nTRIED TO REACH ANOTHER MACHINE: {line}", file=sys.stderr)


@pytest.fixture(scope="session")
def pocket_like(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny checkpoint of all tests: the pocket recipe's layout at 16 px and 4 × 4 codes, with random weights.

    Read-only: who damages it takes a copy.
    """
    from chameleon_checkpoints import write_pocket_like

    directory = tmp_path_factory.mktemp("checkpoint") / "pocket-like"
    write_pocket_like(directory)
    return directory


@pytest.fixture(scope="session", autouse=True)
def known_masks() -> Iterator[None]:
    """A picture's mask is made once."""
    from known_masks import masks_are_remembered

    with masks_are_remembered():
        yield


@pytest.fixture(scope="session")
def known_photos() -> Iterator[KnownPhotos]:
    """What children said about the photos of all tests that use `known_analyses`."""
    from analysis_children import KnownPhotos

    known = KnownPhotos()
    yield known
    known.stop()


@pytest.fixture
def known_analyses(known_photos: KnownPhotos) -> Iterator[None]:
    """Scans start no child for a photo that one has looked at in an earlier test: they get its answer again."""
    with known_photos.used_by_scans():
        yield


@pytest.fixture
def index_here() -> Iterator[None]:
    """Jobs write the vector index in this process."""
    from index_here import index_in_this_process

    with index_in_this_process():
        yield


class SmallDisk:
    """A file system of a few MiB that can be filled up and made read-only."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"

    def fill(self, free_kib: int = 0) -> None:
        """Leave only so much room."""
        self.free()
        status = os.statvfs(self.folder)
        size = status.f_bavail * status.f_frsize - free_kib * 1024
        if size > 0:
            with self._filler.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, size)

    def free(self) -> None:
        """Give the room back."""
        self._filler.unlink(missing_ok=True)

    def make_read_only(self, wanted: bool = True) -> None:
        subprocess.run(["mount", "-o", f"remount,{'ro' if wanted else 'rw'}", str(self.folder)], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """Needs the right to mount; a test that wants it is skipped elsewhere."""
    folder = tmp_path / "small-disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m,mode=0700", "tmpfs", str(folder)]
    if sys.platform != "linux" or shutil.which("mount") is None:
        pytest.skip("there is no small file system to be had")
    if (done := subprocess.run(mount, capture_output=True, text=True, check=False)).returncode:
        pytest.skip(f"mounting is not allowed: {done.stderr.strip()}")
    try:
        yield SmallDisk(folder)
    finally:
        # Lazily: a worker that a test started may still have its log open there.
        subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def _largest_file(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def largest_file() -> Callable[[int], AbstractContextManager[None]]:
    """`with largest_file(bytes):` no write goes further than that into a file, as on a full disk. For any user."""
    return _largest_file
