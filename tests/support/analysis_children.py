"""Photos that many scans of a test process read are looked at once, by a real child, and known from then on.

For tests of what a scan does with files. What a child does, and how it ends, is tested without this.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import Pipe
from pathlib import Path

import pytest

from personalizer.analysis.process import Analysed, AnalysisProcess, Answer, Unreadable

_STARTING_CHILDREN = (
    "personalizer.scan.importer",
    "personalizer.scan.reanalysis",
    "assistant.worker.concept_jobs",
)
# Tests put others in their place, for the processes that scans start.
_send, _receive = AnalysisProcess.send, AnalysisProcess.receive


class KnownPhotos:
    """What real children said about contents."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, str, bool], Answer] = {}
        """By the content's hash, the file's suffix and whether faces were looked for."""
        self._children: dict[bool, AnalysisProcess] = {}

    def answer(self, path: Path, content: bytes, faces: bool) -> Answer | None:
        """None for what has to be seen anew each time: a crash, missing models, too little memory."""
        key = hashlib.sha256(content).hexdigest(), path.suffix, faces
        if key not in self._answers:
            child = self._children.setdefault(faces, AnalysisProcess(faces=faces))
            _send(child, path, content)
            answer = _receive(child)
            if not isinstance(answer, Analysed | Unreadable):
                return None
            if isinstance(answer, Unreadable) and (answer.passing or answer.spent):
                return None
            self._answers[key] = answer
        return self._answers[key]

    def stop(self) -> None:
        """End the children."""
        for child in self._children.values():
            child.stop()

    @contextmanager
    def used_by_scans(self) -> Iterator[None]:
        """Until the end of this, scans ask children of their own only about what is not known."""
        known = self

        class KnowingProcess(AnalysisProcess):
            def send(self, path: Path, content: bytes) -> None:
                if self.pid is None:
                    self._close_connection()
                    answer = known.answer(path, content, self._faces)
                    if answer is not None:
                        self._connection, other = Pipe()
                        other.send(answer)
                        other.close()
                        return
                super().send(path, content)

        with pytest.MonkeyPatch.context() as patch:
            for module in _STARTING_CHILDREN:
                patch.setattr(f"{module}.AnalysisProcess", KnowingProcess)
            yield
