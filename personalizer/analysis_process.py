"""Photos decoded and analysed in processes of their own, so that a crash on one file costs that file only.

The parent sends bytes and gets one answer per photo. Knows no library. The child imports no torch.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import TracebackType
from typing import Self

from personalizer.decoding import FOR_ANALYSIS, decode_photo
from personalizer.errors import FamiliarError, UnreadablePhotoError
from personalizer.fingerprints import Fingerprint, fingerprint
from personalizer.schemas import Embedding, NewDetection

# Imported, not run with -m: what is pickled has to have the names that the parent knows.
_CHILD = "from personalizer.analysis_process import main; main()"
PHOTO_TIMEOUT_S = 120.0
"""A file that takes longer is given up; the slowest honest photo takes a few seconds."""


@dataclass(frozen=True, slots=True)
class Request:
    """A photo to analyse: `path` is for messages only, the bytes follow as a message of their own."""

    path: Path


@dataclass(frozen=True, slots=True, eq=False)
class Analysed:
    """What a photo holds, ready to be recorded."""

    width_px: int
    height_px: int
    taken_at: datetime | None
    latitude: float | None
    longitude: float | None
    camera: str | None
    detections: list[tuple[NewDetection, Embedding]]
    fingerprint: Fingerprint | None = None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why a photo could not be decoded."""

    reason: str
    passing: bool = False
    """Whether the same bytes may well be readable at another time."""


@dataclass(frozen=True, slots=True)
class Broken:
    """Why the analysis itself does not work: missing models, a bug. Not the photo's fault."""

    message: str


@dataclass(frozen=True, slots=True)
class Crashed:
    """The process died, or hung, while it had the photo."""

    how: str


Answer = Analysed | Unreadable | Broken | Crashed


class AnalysisProcess:
    """One child process; it has at most one photo at a time. Started on the first photo, again after a crash."""

    def __init__(self, models: Path, *, faces: bool = True) -> None:
        self.models = models
        self._faces = faces
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None

    @property
    def connection(self) -> Connection | None:
        """What to wait on for the answer."""
        return self._connection

    @property
    def pid(self) -> int | None:
        """The child's process id while it runs."""
        return None if self._process is None else self._process.pid

    def send(self, path: Path, content: bytes) -> None:
        """Give the child a photo. A child that is dead already is replaced once."""
        for last in (False, True):
            if self._connection is None:
                self._start()
            assert self._connection is not None
            try:
                self._connection.send(Request(path))
                self._connection.send_bytes(content)
            except (BrokenPipeError, ConnectionError, EOFError):
                self.stop()
                if last:
                    raise
            else:
                return

    def receive(self) -> Answer:
        """The answer for the photo that was sent; waits for it."""
        assert self._connection is not None
        try:
            answer = self._connection.recv()
        except (EOFError, OSError):
            return Crashed(self._how_it_ended())
        assert isinstance(answer, Analysed | Unreadable | Broken)
        return answer

    def give_up(self) -> Crashed:
        """End a child that hangs."""
        self.stop()
        return Crashed(f"no answer within {PHOTO_TIMEOUT_S:.0f} s")

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        package_parent = str(Path(__file__).parents[1])
        search_path = [package_parent, *filter(None, [os.environ.get("PYTHONPATH")])]
        # A plain program rather than multiprocessing's spawn: that would import the parent's main module again.
        self._process = subprocess.Popen(
            [sys.executable, "-c", _CHILD, str(theirs.fileno()), str(self.models), str(int(self._faces))],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(search_path),
                "OMP_NUM_THREADS": "1",
                "OPENBLAS_NUM_THREADS": "1",
            },
        )
        theirs.close()
        self._connection = Connection(ours.detach())

    def _how_it_ended(self) -> str:
        process = self._process
        assert process is not None
        self._close_connection()
        try:
            code = process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        self._process = None
        if code < 0:
            try:
                return f"ended by {signal.Signals(-code).name}"
            except ValueError:
                return f"ended by signal {-code}"
        return f"ended with status {code}"

    def _close_connection(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def stop(self) -> None:
        """End the child, whatever it is doing."""
        self._close_connection()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def wait_for_any(processes: list[AnalysisProcess], timeout_s: float) -> list[AnalysisProcess]:
    """The processes that have an answer, or died, within the time."""
    by_connection = {
        id(process.connection): process for process in processes if process.connection is not None
    }
    ready = wait([process.connection for process in processes if process.connection is not None], timeout_s)
    return [by_connection[id(connection)] for connection in ready]


def serve(connection: Connection, models: Path, faces: bool = True) -> None:
    """The child: answer photos until the parent closes the connection or dies."""
    from personalizer.analysis import PhotoAnalyser

    analyser = PhotoAnalyser(models, faces=faces)
    while True:
        try:
            request = connection.recv()
            content = connection.recv_bytes()
        except (EOFError, OSError):
            return
        assert isinstance(request, Request)
        try:
            connection.send(_answer(analyser, request, content))
        except (BrokenPipeError, ConnectionError):
            return


def _answer(analyser: object, request: Request, content: bytes) -> Answer:
    from personalizer.analysis import PhotoAnalyser

    assert isinstance(analyser, PhotoAnalyser)
    try:
        photo = decode_photo(content, request.path, FOR_ANALYSIS)
    except UnreadablePhotoError as error:
        return Unreadable(error.found, passing=isinstance(error.__cause__, MemoryError))
    try:
        detections = analyser.analyse(photo)
    except FamiliarError as error:
        return Broken(str(error))
    except MemoryError:
        return Unreadable("not enough memory to analyse it", passing=True)
    return Analysed(
        photo.width_px,
        photo.height_px,
        photo.taken_at,
        photo.latitude,
        photo.longitude,
        photo.camera,
        detections,
        fingerprint(photo.image),
    )


def main() -> None:
    """What the child runs: `… SOCKET_DESCRIPTOR MODELS FACES`, the last 1 or 0."""
    # Ctrl-C reaches the whole foreground group; only the parent decides when to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    serve(Connection(int(sys.argv[1])), Path(sys.argv[2]), sys.argv[3] == "1")
