"""Jobs about one concept: learning it from chosen photos, forgetting it; and erasing all faces."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.daemon.client import USER_PRIORITY
from assistant.worker.grouping_jobs import GroupingJobs
from personalizer.analysis.process import AnalysisProcess
from personalizer.errors import UnreadablePhotoError
from personalizer.home import Home
from personalizer.jobs.due import mark_due
from personalizer.jobs.kinds import JobKind
from personalizer.jobs.loop import JobContext
from personalizer.jobs.queue import JobQueue
from personalizer.library.library import Library
from personalizer.library.photos.photos import NewPhoto
from personalizer.photos.decode import read_photo_bytes
from personalizer.photos.formats import is_drawing
from personalizer.schemas import Job

if TYPE_CHECKING:
    from personalizer.analysis.analyzer import Analysis


class ConceptJobs:
    """Concepts of one library; each method returns what the job's result records (JSON values)."""

    def __init__(self, home: Home, library: Library, queue: JobQueue, grouping: GroupingJobs) -> None:
        self._home = home
        self._library = library
        self._queue = queue
        self._grouping = grouping

    def learn(self, job: Job, context: JobContext) -> dict[str, Any]:
        """Photos that a person chose → a concept, whose training is queued; those that cannot be used are named."""
        from personalizer.concepts.forget import keep_only_claimed
        from personalizer.concepts.kinds import change_kind
        from personalizer.concepts.learn import learn_members

        name, paths = str(job.payload["name"]), [Path(photo) for photo in job.payload["photos"]]
        path_of: dict[int, Path] = {}
        skipped: list[dict[str, str]] = []
        analysed: dict[int, Analysis] = {}
        mark_due(self._library)
        with AnalysisProcess(faces=self._library.faces_are_on()) as process:
            for number, path in enumerate(paths):
                context.progress(number, len(paths), f"Looking at {path.name}")
                context.check_cancelled()
                try:
                    photo_id = self._photo_id(path, process, analysed)
                except UnreadablePhotoError as error:
                    skipped.append({"path": str(path), "reason": error.found})
                    continue
                if photo_id in path_of:
                    same = f"the same picture, byte for byte, as {path_of[photo_id].name}"
                    skipped.append({"path": str(path), "reason": same})
                path_of.setdefault(photo_id, path)
        if not path_of:
            raise UnreadablePhotoError(
                tried=f"learning {name}",
                found="no photo can be used: "
                + "; ".join(f"{photo['path']}: {photo['reason']}" for photo in skipped),
                fix="Give photos of the real thing, in a format that other programs can show.",
            )
        with self._library.transaction():
            added = [
                detection_id
                for photo_id, found in analysed.items()
                for detection_id in self._library.add_detections(photo_id, found)
            ]
            known, kind = self._library.concept_by_name(name), job.payload.get("kind")
            if known is not None and kind not in (None, known.kind):
                change_kind(self._library, known, kind)
            learned = learn_members(self._library, name, path_of, kind=kind)
            # What these photos had to forget is among what was found now; only what is taught may stay.
            keep_only_claimed(self._library, added)
        context.check_cancelled()
        result = self._grouping.index_if_possible(job, context)
        context.check_cancelled()
        # Before training, which takes photos that are not at least suggestions for examples of something else.
        result |= self._grouping.cluster(job, context)
        handed_on = ("backbone", "device", "settings")
        wanted = {"concept": learned.concept.id} | {k: job.payload[k] for k in handed_on if k in job.payload}
        train_job = self._queue.enqueue(JobKind.TRAIN, str(learned.concept.id), wanted, USER_PRIORITY)
        skipped += [
            {"path": str(path_of[int(photo["photo"])]), "reason": str(photo["reason"])}
            for photo in learned.skipped
        ]
        return result | {"concept": learned.concept.id, "train_job": train_job, "skipped": skipped}

    def _photo_id(self, path: Path, process: AnalysisProcess, analysed: dict[int, Analysis]) -> int:
        """The photo in the file, analysed by `process` into the library unless its content is there already.

        Of a photo that is there, but had to forget what was in it, the analysis is put into `analysed`.
        """
        content = read_photo_bytes(path)
        if is_drawing(content):
            raise UnreadablePhotoError(
                tried=f"learning from {path}",
                found="Familiar drew it, so it is no photo",
                fix="Give photos of the real thing.",
            )
        content_hash = hashlib.sha256(content).hexdigest()
        status = path.stat()
        known = self._library.photo_by_hash(content_hash)
        if known is not None:
            self._library.record_file(path.resolve(), known.id, status.st_size, status.st_mtime_ns)
            if known.id in self._library.forgotten_photos():
                analysed[known.id] = process.analyze(path, content).detections
            return known.id
        found = process.analyze(path, content)
        recorded = self._library.record_photo(
            NewPhoto(
                content_hash=content_hash,
                path=path.resolve(),
                size=status.st_size,
                mtime_ns=status.st_mtime_ns,
                width_px=found.width_px,
                height_px=found.height_px,
                taken_at=found.taken_at,
                latitude=found.latitude,
                longitude=found.longitude,
                camera=found.camera,
                detections=found.detections,
                analysed_by=found.analysed_by,
                fingerprint=found.fingerprint,
            )
        )
        if not self._library.faces_are_on():
            self._library.note_faceless(recorded.id)
        return recorded.id

    def forget(self, job: Job, context: JobContext) -> dict[str, Any]:
        """A concept and every trace of it → nothing."""
        from assistant.forget.concept import forget

        return forget(
            self._home,
            self._library,
            self._queue,
            self._grouping.new_index,
            int(job.payload["concept"]),
            context,
        )

    def erase_faces(self, job: Job, context: JobContext) -> dict[str, Any]:
        """All faces and people, and every trace of them → nothing."""
        from assistant.forget.faces import erase_faces

        return erase_faces(self._home, self._library, self._queue, self._grouping.new_index, context)
