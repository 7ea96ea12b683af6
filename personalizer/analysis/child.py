"""The child process that decodes and analyzes photos; it may run out of memory or time, or crash on a file.

Answers one request after the other with the records of `personalizer/analysis/process.py`, until the parent is gone.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection

from personalizer.analysis.analyzer import PhotoAnalyzer, analysis_version
from personalizer.analysis.process import (
    LARGE_MIB,
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
from personalizer.photos.decode import FOR_ANALYSIS, DecodedPhoto, decode_photo, decoding_mib
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

    def answer(photo: DecodedPhoto) -> Answer:
        return analyze_decoded(analyzer, photo)

    _answer_all(connection, PHOTO_CPU_S, broken, analyzer.give_back_room, answer)


def serve_reading(connection: Connection) -> None:
    """The same for a child that reads what is written in photos."""
    reader = TextReader()
    broken = _loaded(reader.load)

    def answer(photo: DecodedPhoto) -> Answer:
        try:
            return Lettering([line.text for line in reader.read(photo.image)])
        except Exception as error:
            return _no_memory(error, "read")

    _answer_all(connection, READING_CPU_S, broken, lambda: None, answer)


def analyze_decoded(analyzer: PhotoAnalyzer, photo: DecodedPhoto) -> Answer:
    """What the photo holds."""
    try:
        analysis = analyzer.analyze(photo)
    except FamiliarError as error:
        return Broken(str(error))
    except Exception as error:
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


def decode_request(
    request: Request, content: bytes, give_back_room: Callable[[], None]
) -> DecodedPhoto | Unreadable:
    """The photo, or why it cannot be read."""
    if is_drawing(content):
        return Unreadable("drawn by Familiar, so no photo")
    if decoding_mib(content, request.path, FOR_ANALYSIS) > LARGE_MIB:
        give_back_room()
    try:
        return decode_photo(content, request.path, FOR_ANALYSIS)
    except UnreadablePhotoError as error:
        if isinstance(error.__cause__, MemoryError):
            return _out_of_memory(error.found)
        return Unreadable(error.found)
    except MemoryError:
        return _out_of_memory("not enough memory to decode it")


def _loaded(load: Callable[[], None]) -> Broken | None:
    try:
        load()
    except FamiliarError as error:
        return Broken(str(error))
    return None


def _answer_all(
    connection: Connection,
    cpu_s: float,
    broken: Broken | None,
    give_back_room: Callable[[], None],
    answer_one: Callable[[DecodedPhoto], Answer],
) -> None:
    while True:
        try:
            request = connection.recv()
            content = connection.recv_bytes()
        except (EOFError, OSError, MemoryError):
            # Too large for what the networks left: the parent starts another child for it.
            return
        assert isinstance(request, Request)
        limit_processor_time(cpu_s + PHOTO_CPU_S_PER_MIB * len(content) / 2**20)
        answer: Answer | DecodedPhoto = broken or decode_request(request, content, give_back_room)
        # It may be hundreds of MiB, which the networks need now and the next photo later.
        del content
        if isinstance(answer, DecodedPhoto):
            answer = answer_one(answer)
        try:
            connection.send(answer)
        except (BrokenPipeError, ConnectionError):
            return
        if isinstance(answer, Unreadable) and answer.spent:
            return


def _no_memory(error: Exception, doing: str) -> Unreadable:
    """Also where onnxruntime says so, in errors of several kinds; any other error is raised again."""
    if not isinstance(error, MemoryError) and "alloc" not in str(error):
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
