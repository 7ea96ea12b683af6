"""The process that reads photos for another one: it may run out of memory or time, or die of a file.

Answers one request after the other with the records of `personalizer/analysis/process.py`, until the parent is gone.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection

from personalizer.analysis.analyzer import PhotoAnalyzer, analysis_version
from personalizer.analysis.process import (
    MEMORY_MIB,
    PHOTO_CPU_S,
    PHOTO_CPU_S_PER_MIB,
    READ,
    READING_CPU_S,
    Analysed,
    Answer,
    Broken,
    Lettering,
    Request,
    Unreadable,
)
from personalizer.analysis.text import TextReader
from personalizer.errors import FamiliarError, UnreadablePhotoError
from personalizer.photos.decode import FOR_ANALYSIS, DecodedPhoto, decode_photo
from personalizer.photos.formats import is_drawing
from personalizer.photos.perceptual_hash import fingerprint
from personalizer.process_limits import (
    end_with_parent,
    limit_memory,
    limit_processor_time,
    memory_is_limited,
)


def serve(connection: Connection, faces: bool = True) -> None:
    """Analyze photos until the parent closes the connection or dies."""
    analyzer = PhotoAnalyzer(faces=faces)
    # Before the first photo, whose time and memory this is not.
    broken = _loaded(analyzer.load)
    _answer_all(
        connection, PHOTO_CPU_S, lambda request, content: broken or answer_request(analyzer, request, content)
    )


def serve_reading(connection: Connection) -> None:
    """The same for a child that reads what is written in photos."""
    reader = TextReader()
    broken = _loaded(reader.load)
    _answer_all(connection, READING_CPU_S, lambda request, content: broken or _read(reader, request, content))


def answer_request(analyzer: PhotoAnalyzer, request: Request, content: bytes) -> Answer:
    """What the photo holds, or why that cannot be said."""
    if is_drawing(content):
        return Unreadable("drawn by Familiar, so no photo")
    photo = _decoded(request, content)
    if isinstance(photo, Unreadable):
        return photo
    try:
        analysis = analyzer.analyze(photo)
    except FamiliarError as error:
        return Broken(str(error))
    except (MemoryError, RuntimeError) as error:
        return _no_memory(error, "analyse")
    return Analysed(
        photo.width_px,
        photo.height_px,
        photo.taken_at,
        photo.latitude,
        photo.longitude,
        photo.camera,
        analysis.detections,
        fingerprint(photo.image),
        analysis_version(analyzer),
        analysis.labels,
        photo.written,
    )


def _loaded(load: Callable[[], None]) -> Broken | None:
    try:
        load()
    except FamiliarError as error:
        return Broken(str(error))
    return None


def _answer_all(connection: Connection, cpu_s: float, answer_one: Callable[[Request, bytes], Answer]) -> None:
    while True:
        try:
            request = connection.recv()
            content = connection.recv_bytes()
        except (EOFError, OSError):
            return
        assert isinstance(request, Request)
        limit_processor_time(cpu_s + PHOTO_CPU_S_PER_MIB * len(content) / 2**20)
        answer = answer_one(request, content)
        try:
            connection.send(answer)
        except (BrokenPipeError, ConnectionError):
            return
        if isinstance(answer, Unreadable) and answer.spent:
            return


def _read(reader: TextReader, request: Request, content: bytes) -> Answer:
    photo = _decoded(request, content)
    if isinstance(photo, Unreadable):
        return photo
    try:
        return Lettering([line.text for line in reader.read(photo.image)])
    except (MemoryError, RuntimeError) as error:
        return _no_memory(error, "read")


def _decoded(request: Request, content: bytes) -> DecodedPhoto | Unreadable:
    try:
        return decode_photo(content, request.path, FOR_ANALYSIS)
    except UnreadablePhotoError as error:
        if isinstance(error.__cause__, MemoryError):
            return _out_of_memory(error.found)
        return Unreadable(error.found)
    except MemoryError:
        return _out_of_memory("not enough memory to decode it")


def _no_memory(error: MemoryError | RuntimeError, doing: str) -> Unreadable:
    """Also where onnxruntime says so in its way; any other error is raised again."""
    if isinstance(error, RuntimeError) and "alloc" not in str(error):
        raise error
    return _out_of_memory(f"not enough memory to {doing} it")


def _out_of_memory(reason: str) -> Unreadable:
    if memory_is_limited():
        # It would be as much the next time.
        return Unreadable(f"reading it takes more memory than a photo may ({MEMORY_MIB} MiB)", spent=True)
    return Unreadable(reason, passing=True)


def main() -> None:
    """What the child runs: `… SOCKET_DESCRIPTOR PARENT_PID TASK`, the last 1 or 0 (faces or none), or 2 to read text.

    A parent of the version before names a folder in front of the last: it is ignored.
    """
    # Ctrl-C reaches the whole foreground group; only the parent decides when to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent(int(sys.argv[2]))
    limit_memory(MEMORY_MIB)
    connection = Connection(int(sys.argv[1]))
    if sys.argv[-1] == READ:
        serve_reading(connection)
    else:
        serve(connection, sys.argv[-1] == "1")
