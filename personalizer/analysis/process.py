"""Decodes and analyzes photos in a child process, so that a crash on one file affects that file only.

The parent sends bytes and gets one answer per photo. Knows no library. The child imports no torch, has limits to its
memory and to its time, and ends with its parent.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import datetime
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import TracebackType
from typing import Self

from personalizer.errors import FamiliarError, UnreadablePhotoError
from personalizer.home import child_environment
from personalizer.photos.perceptual_hash import Fingerprint
from personalizer.photos.sidecars import NOTHING_WRITTEN, SidecarFacts
from personalizer.schemas import Embedding, NewDetection, PhotoLabel

_OUT_OF_TIME = "ended by SIGXCPU"
READ = "2"
"""What a child that reads text is told to do."""
# Imported, not run with -m: what is pickled has to have the names that the parent knows.
_CHILD = "from personalizer.analysis.process import main; main()"
PHOTO_TIMEOUT_S = 120.0
"""A file that takes longer is given up; the slowest honest photo takes a few seconds."""
PHOTO_CPU_S = 10.0
PHOTO_CPU_S_PER_MIB = 0.25
"""The same in processor time. What takes long is large: 108 megapixels need seven seconds as PNG or HEIC, while
files that are made to keep a decoder busy are small.
"""
READING_CPU_S = 30.0
"""The same where text is read: a page has a hundred lines."""
LARGE_MIB = 150.0
"""A photo whose decoding takes more is given the room that the networks keep from one photo to the next."""
MEMORY_MIB = 940
"""With the code and the models, which are mapped, a child stays below 1 GiB. At rest it has 130 MiB of these."""


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
    analysed_by: str = ""
    """The models and detectors that looked at it."""
    labels: list[PhotoLabel] = field(default_factory=list)
    """What it shows, in plain words."""
    written: SidecarFacts = NOTHING_WRITTEN
    """What its file says about it in words."""


@dataclass(frozen=True, slots=True)
class Lettering:
    """What is to be read in a photo."""

    lines: list[str]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why a photo could not be decoded."""

    reason: str
    passing: bool = False
    """Whether the same bytes may well be readable at another time."""
    spent: bool = False
    """The process ran into its limit of memory and ends: what it has left is in pieces."""


@dataclass(frozen=True, slots=True)
class Broken:
    """An error of the analysis itself, not of the photo: missing models, or a bug."""

    message: str


@dataclass(frozen=True, slots=True)
class Crashed:
    """The process crashed or hung on this photo."""

    how: str


Answer = Analysed | Lettering | Unreadable | Broken | Crashed


class AnalysisProcess:
    """One child process; it has at most one photo at a time. Started on the first photo, again after a crash."""

    def __init__(self, *, faces: bool = True, reads: bool = False) -> None:
        """`faces`: whether it looks for faces. One that `reads` answers with `Lettering` and looks for nothing else."""
        self._faces = faces
        self._reads = reads
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
            answer: Answer = self._connection.recv()
        except (EOFError, OSError):
            how = self._how_it_ended()
            if how == _OUT_OF_TIME:
                return Unreadable("reading it takes too long")
            return Crashed(how)
        assert isinstance(answer, Analysed | Lettering | Unreadable | Broken)
        if isinstance(answer, Unreadable) and answer.spent:
            self.stop()
        return answer

    def analyze(self, path: Path, content: bytes) -> Analysed:
        """One photo, waited for. Raises `UnreadablePhotoError`, or `FamiliarError` when it is not the photo's fault."""
        self.send(path, content)
        ready = wait_for_any([self], PHOTO_TIMEOUT_S)
        answer = self.receive() if ready else self.give_up()
        if isinstance(answer, Analysed):
            return answer
        if isinstance(answer, Broken):
            raise broken(answer)
        assert not isinstance(answer, Lettering)
        how = f"the program that reads photos {answer.how}" if isinstance(answer, Crashed) else answer.reason
        raise UnreadablePhotoError(
            tried=f"reading the photo {path}",
            found=how,
            fix="Check the file in an image viewer, or replace it with a good copy.",
        )

    def give_up(self) -> Crashed:
        """End a child that hangs."""
        self.stop()
        return Crashed(f"no answer within {PHOTO_TIMEOUT_S:.0f} s")

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        arguments = [str(theirs.fileno()), str(os.getpid()), READ if self._reads else str(int(self._faces))]
        # A plain program rather than multiprocessing's spawn: that would import the parent's main module again.
        self._process = subprocess.Popen(
            # -P: where the worker stands is no place to import from.
            [sys.executable, "-P", "-c", _CHILD, *arguments],
            pass_fds=[theirs.fileno()],
            # Never written to: it ends when this process does.
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            env={
                **child_environment(),
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
        self._let_go()
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
            self._let_go()

    def _let_go(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        self._process = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def broken(answer: Broken) -> FamiliarError:
    """What to tell people when nothing can be analysed."""
    return FamiliarError(
        tried="analysing photos",
        found=answer.message,
        fix="Check the installation with: familiar doctor",
    )


def wait_for_any(processes: list[AnalysisProcess], timeout_s: float) -> list[AnalysisProcess]:
    """The processes that have an answer, or died, within the time."""
    by_connection = {
        id(process.connection): process for process in processes if process.connection is not None
    }
    ready = wait([process.connection for process in processes if process.connection is not None], timeout_s)
    return [by_connection[id(connection)] for connection in ready]


def main() -> None:
    """What the child runs; a parent of the version before looks for it here."""
    from personalizer.analysis.child import main as run

    run()
