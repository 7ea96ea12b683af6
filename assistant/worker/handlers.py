"""What the worker does for each kind of job. Knows no queue loop; only train and export import torch."""

from __future__ import annotations

import dataclasses
import hashlib
import logging
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.daemon.client import USER_PRIORITY
from assistant.setup.estimate import note_rate
from exporters.installed import (
    exported_version,
    is_complete,
    note_export,
    of_same_backbone,
    runtime_directory,
)
from personalizer.analysis.process import AnalysisProcess
from personalizer.analysis.version import analysis_version
from personalizer.errors import FamiliarError, JobCancelled, UnreadablePhotoError, UsageError
from personalizer.home import Home
from personalizer.jobs.due import due_mark, mark_due, mark_scan_due, settle, settle_scan
from personalizer.jobs.loop import Handler, JobContext
from personalizer.jobs.queue import JobQueue
from personalizer.library.face_consent import faces_are_on, note_faceless
from personalizer.library.library import Library
from personalizer.photos.decode import read_photo_bytes
from personalizer.photos.own_drawings import is_drawing
from personalizer.scan.pending_folders import SUBJECT, noticed_folders, settle_folders
from personalizer.schemas import Job, OnProgress, Progress, ScanReport
from personalizer.training.outdated import note_trained, photos_of

if TYPE_CHECKING:
    from personalizer.analysis.analyzer import Analysis, PhotoAnalyser
    from personalizer.clustering.state import GroupingState
    from personalizer.index.process import IndexProcess

logger = logging.getLogger(__name__)
RENEWAL_PRIORITY = -1
"""After everything else: concepts work by retrieval meanwhile."""
_MORE_URGENT = ("learn", "train", "export", "forget", "erase_faces")
"""What reading a library makes way for where somebody waits: it may take hours, and goes on where it stopped."""


def make_handlers(home: Home, library: Library, queue: JobQueue) -> dict[str, Handler]:
    """The handlers by kind of job."""
    handlers = Handlers(home, library, queue)
    return {
        "scan": handlers.scan,
        "analyse": handlers.analyse,
        "cluster": handlers.cluster,
        "recluster": handlers.recluster,
        "index": handlers.index,
        "rebuild_index": handlers.rebuild_index,
        "learn": handlers.learn,
        "train": handlers.train,
        "export": handlers.export,
        "forget": handlers.forget,
        "find_faces": handlers.find_faces,
        "erase_faces": handlers.erase_faces,
    }


class Handlers:
    """One method per kind of job; each returns what the job's result records (JSON values)."""

    def __init__(self, home: Home, library: Library, queue: JobQueue) -> None:
        self._home = home
        self._library = library
        self._queue = queue

    def scan(self, job: Job, context: JobContext) -> dict[str, Any]:
        """Folders → photos → index → suggested concepts.

        A job about the folders in which something was noticed looks at these alone, and at everything where that does
        not tell all.
        """
        with self._library.transaction():
            was_due = due_mark(self._library) is not None
            # Before the first photo is stored, so that a scan that dies leaves the mark behind.
            due = mark_due(self._library)
            # What is noticed from here on may be missed.
            noticed = noticed_folders(self._library)
        report = None
        folders = list(noticed) if job.subject == SUBJECT else None
        if folders is not None:
            report = self._scan_folders(job, context, noticed)
        if report is None:
            folders = None
            report = self._scan_all(job, context, noticed)
        indexed = self._index_if_possible(job, context, compare=folders is None)
        result = {"scan": dataclasses.asdict(report), **indexed}
        context.check_cancelled()
        result |= self._group_shots(context, folders)
        context.check_cancelled()
        settle_folders(self._library, noticed)
        changed = report.new or report.changed or report.moved or report.missing
        if changed or was_due or due_mark(self._library) != due:
            result |= self.cluster(job, context)
        else:
            settle(self._library, due)
        self._notice_new_version(job)
        return result

    def _scan_folders(self, job: Job, context: JobContext, noticed: Mapping[str, str]) -> ScanReport | None:
        from personalizer.scan.folder_scan import scan_folders

        makes_way = _MakesWay(context)
        report = scan_folders(
            self._library,
            noticed,
            self._home.models,
            progress=reporter(context),
            cancelled=makes_way,
            advanced=context.advanced,
        )
        self._check_way(job, makes_way, noticed)
        if report is None:
            logger.info("more than files that came: everything is looked at")
        return report

    def _scan_all(self, job: Job, context: JobContext, noticed: Mapping[str, str]) -> ScanReport:
        from personalizer.scan.full_scan import scan

        makes_way = _MakesWay(context)
        scan_due = mark_scan_due(self._library, job.payload, made_up_for=job.input_hash)
        report = scan(
            self._library,
            self._library.roots(),
            self._home.models,
            progress=reporter(context),
            cancelled=makes_way,
            advanced=context.advanced,
            accept_missing=_accepted(job.payload.get("accept_missing")),
        )
        note_rate(self._library, report.new, report.elapsed_s)
        if self._queue.cancelled(job.id):
            settle_scan(self._library, scan_due)
        self._check_way(job, makes_way, noticed)
        settle_scan(self._library, scan_due)
        return report

    def _check_way(self, job: Job, makes_way: _MakesWay, noticed: Mapping[str, str]) -> None:
        """Raise `JobCancelled` where the scan was stopped; what a person called off is not done again."""
        if job.subject == SUBJECT and self._queue.cancelled(job.id):
            settle_folders(self._library, noticed)
        makes_way.check()

    def analyse(self, job: Job, context: JobContext) -> dict[str, Any]:
        """Photos that older models looked at → what the present ones find, in the index and grouped again."""
        from personalizer.scan.reanalysis import analyse_again

        version = analysis_version(self._analyser)
        with self._library.transaction():
            was_due = due_mark(self._library) is not None
            # Before the first photo is stored, so that what dies leaves the mark behind.
            due = mark_due(self._library)
        makes_way = _MakesWay(context)
        report = analyse_again(
            self._library,
            self._home.models,
            version,
            progress=reporter(context),
            cancelled=makes_way,
            advanced=context.advanced,
        )
        makes_way.check()
        changed = report.analysed
        if not self._library.photos_to_analyse(version, limit=1):
            models = [self._analyser.object_model, self._analyser.face_model]
            changed += self._library.drop_superseded_vectors(models)
        result = {"analyse": dataclasses.asdict(report), **self._index_if_possible(job, context)}
        context.check_cancelled()
        # While a drive is away its photos are looked for every hour.
        if changed or was_due or due_mark(self._library) != due:
            return result | self.cluster(job, context)
        settle(self._library, due)
        return result

    def _group_shots(self, context: JobContext, folders: Sequence[str] | None) -> dict[str, Any]:
        """Which photos are one shot, before photos are counted as members of anything; and what lies beside them, of
        these folders or of all.
        """
        from personalizer.scan.sidecar_files import find_companions
        from personalizer.shots.group import add_missing_fingerprints, group_shots

        context.progress(0, 0, "Looking for copies and bursts")
        # First: a date that a photo has from a file beside it tells whether it is of a burst.
        companions = find_companions(self._library, context.cancelled, folders=folders)
        if folders is None:
            add_missing_fingerprints(self._library, cancelled=context.cancelled)
        shots = group_shots(self._library)
        return {"shots": dataclasses.asdict(shots), "companions": dataclasses.asdict(companions)}

    def index(self, job: Job, context: JobContext, *, compare: bool = False) -> dict[str, Any]:
        """Push the vectors that Chroma lacks."""
        context.progress(0, 0, "Indexing")
        return {"indexed": self._vectors.sync(self._library, compare=compare)}

    def _index_if_possible(self, job: Job, context: JobContext, *, compare: bool = False) -> dict[str, Any]:
        """Grouping and training read SQLite: a read-only index must not stop them."""
        try:
            return self.index(job, context, compare=compare)
        except Exception as error:
            logger.exception("the vectors stay in the library until the index can be written")
            return {"indexed": 0, "index_error": str(error) or type(error).__name__}

    def rebuild_index(self, job: Job, context: JobContext) -> dict[str, Any]:
        """Make Chroma anew from the vectors in SQLite."""
        context.progress(0, 0, "Building the index again")
        rebuilt = self._vectors.rebuild(self._library)
        return {"indexed": rebuilt}

    def _new_index(self) -> None:
        """Make Chroma anew in new files: in the old ones vectors linger that were removed."""
        self._vectors.erase(self._library)
        try:
            self._vectors.sync(self._library)
        except Exception:
            logger.exception("the vectors stay in the library until the index can be written")

    @cached_property
    def _vectors(self) -> IndexProcess:
        from personalizer.index.process import IndexProcess

        return IndexProcess(self._home.chroma)

    def cluster(self, job: Job, context: JobContext) -> dict[str, Any]:
        """Group what was found into suggested concepts."""
        from personalizer.concepts.learn import cluster

        context.progress(0, 0, "Grouping")
        due = due_mark(self._library)
        report = cluster(self._library, state=self._grouping, progress=reporter(context))
        settle(self._library, due)
        return {"cluster": dataclasses.asdict(report)}

    def recluster(self, job: Job, context: JobContext) -> dict[str, Any]:
        """Everything that nobody decided about grouped anew: what that changes and, when asked for, the change."""
        from personalizer.clustering.recluster import recluster

        context.progress(0, 0, "Grouping everything anew")
        found = recluster(
            self._library, apply=bool(job.payload["apply"]), state=self._grouping, progress=reporter(context)
        )
        return dataclasses.asdict(found)

    @cached_property
    def _grouping(self) -> GroupingState:
        """What is known of the groups from one job to the next."""
        from personalizer.clustering.state import GroupingState

        return GroupingState()

    def learn(self, job: Job, context: JobContext) -> dict[str, Any]:
        """Photos that a person chose → a concept, whose training is queued; those that cannot be used are named."""
        from personalizer.concepts.forget import keep_only_claimed
        from personalizer.concepts.learn import learn_members

        name, paths = str(job.payload["name"]), [Path(photo) for photo in job.payload["photos"]]
        path_of: dict[int, Path] = {}
        skipped: list[dict[str, str]] = []
        analysed: dict[int, Analysis] = {}
        mark_due(self._library)
        with AnalysisProcess(self._home.models, faces=faces_are_on(self._library)) as process:
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
            learned = learn_members(self._library, name, path_of)
            # What these photos had to forget is among what was found now; only what is taught may stay.
            keep_only_claimed(self._library, added)
        context.check_cancelled()
        result = self._index_if_possible(job, context)
        context.check_cancelled()
        # Before training, which takes photos that are not at least suggestions for examples of something else.
        result |= self.cluster(job, context)
        handed_on = ("backbone", "device", "settings")
        wanted = {"concept": learned.concept.id} | {k: job.payload[k] for k in handed_on if k in job.payload}
        train_job = self._queue.enqueue("train", str(learned.concept.id), wanted, USER_PRIORITY)
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
                analysed[known.id] = process.analyse(path, content).detections
            return known.id
        found = process.analyse(path, content)
        recorded = self._library.record_photo(
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
        if not faces_are_on(self._library):
            note_faceless(self._library, recorded.id)
        return recorded.id

    @property
    def _analyser(self) -> PhotoAnalyser:
        from personalizer.analysis.analyzer import PhotoAnalyser

        # For the names and versions of its models only: photos are read in processes of their own. Made each time,
        # since other face models may be in use by now.
        return PhotoAnalyser(self._home.models)

    def find_faces(self, job: Job, context: JobContext) -> dict[str, Any]:
        """Photos that were looked at while faces were off → their faces, grouped."""
        from personalizer.scan.reanalysis import look_for_faces

        mark_due(self._library)
        found = look_for_faces(
            self._library,
            self._home.models,
            progress=reporter(context),
            cancelled=context.cancelled,
            advanced=context.advanced,
        )
        context.check_cancelled()
        return {**found, **self._index_if_possible(job, context), **self.cluster(job, context)}

    def erase_faces(self, job: Job, context: JobContext) -> dict[str, Any]:
        """All faces and people, and every trace of them → nothing."""
        from assistant.forget.faces import erase_faces

        return erase_faces(self._home, self._library, self._queue, self._new_index, context)

    def forget(self, job: Job, context: JobContext) -> dict[str, Any]:
        """A concept and every trace of it → nothing."""
        from assistant.forget.concept import forget

        return forget(
            self._home, self._library, self._queue, self._new_index, int(job.payload["concept"]), context
        )

    def train(self, job: Job, context: JobContext) -> dict[str, Any]:
        """A named concept → its prefix, and what serving it needs. `settings` in the job are those of the trainer."""
        from personalizer.backbones.registry import load_backbone
        from personalizer.recognition.check_members import check_members
        from personalizer.training.train_concept import train_concept
        from personalizer.training.trainer import TrainerConfig

        config = TrainerConfig.with_settings(job.payload.get("settings", {}))
        concept = self._library.concept(int(job.payload["concept"]))
        if concept.name is None:
            raise UsageError(
                tried=f"training concept {concept.id}",
                found="it has no name",
                fix="Name it: familiar name ID NAME",
            )
        notes = check_members(self._library, concept, self._analyser.object_model, self._analyser.face_model)
        context.progress(0, 0, f"Loading the backbone for {concept.name}")
        backbone = load_backbone(str(job.payload["backbone"]), str(job.payload["device"]))
        # First what answers need of the backbone: other questions can then be answered while this one is trained.
        exported = self.export(job, context)
        photos = photos_of(self._library, concept.id)
        result: dict[str, Any] = train_concept(
            self._library,
            self._home,
            concept.id,
            backbone,
            config,
            progress=reporter(context),
            cancelled=context.cancelled,
            advanced=context.advanced,
        )
        note_trained(self._library, concept.id, photos)
        context.check_cancelled()
        self._store_prompt_cache(concept.id, exported["backbone"])
        if self._library.concept(concept.id).state == "stale":
            notes.append(
                f"More was said about {concept.name} while it was learned; to learn that as well: "
                f"familiar train {concept.name!r}"
            )
        return result | exported | {"notes": notes}

    def _store_prompt_cache(self, concept_id: int, version: str) -> None:
        """Keys and values of the personal prompt, so that no answer has to compute them."""
        from exporters.runtime.concept import export_concept
        from exporters.runtime.ort_session import OrtSession

        directory = self._library.concept(concept_id).prefix_dir
        if directory is not None:
            export_concept(OrtSession(runtime_directory(self._home, version)), directory)

    def export(self, job: Job, context: JobContext) -> dict[str, Any]:
        """The backbone → what runs without torch; once per backbone version."""
        name = str(job.payload["backbone"])
        version = exported_version(self._home, name)
        if version is None:
            version = self._export(name, context)
        self._renew_prefixes(job, version)
        return {"backbone": version}

    def _export(self, name: str, context: JobContext) -> str:
        from exporters.onnx.export import export_backbone
        from personalizer.backbones.registry import load_backbone

        context.progress(0, 0, "Preparing the backbone (once per version)")
        backbone = load_backbone(name, "cpu")
        version = backbone.spec.version
        directory = runtime_directory(self._home, version)
        if not is_complete(directory):
            context.check_cancelled()
            export_backbone(backbone, directory, on_progress=reporter(context, "Preparing the backbone"))
        note_export(self._home, name, version)
        return version

    def _notice_new_version(self, job: Job) -> None:
        """An update of Familiar can bring another version of the backbone; a daemon finds out by itself."""
        if not self._library.trained_concepts():
            return
        name = str(job.payload["backbone"])
        try:
            version = exported_version(self._home, name)
        except FamiliarError:
            logger.exception(
                "prefixes cannot be compared with the backbone %s, which a scan can do without", name
            )
            return
        if version is not None:
            self._renew_prefixes(job, version)
            return
        wanted = {key: job.payload[key] for key in ("backbone", "device")}
        if wanted not in [given_up.payload for given_up in self._given_up("export")]:
            self._queue.enqueue("export", name, wanted, RENEWAL_PRIORITY)

    def _renew_prefixes(self, job: Job, version: str) -> None:
        """Queue training of the concepts whose prefix belongs to another version of this backbone.

        Until it is done they work by retrieval, as concepts do that were never trained.
        """
        given_up = {
            (job.payload.get("concept"), job.payload.get("renew_for")) for job in self._given_up("train")
        }
        waiting = {one.payload.get("concept") for one in self._queue.list("queued") if one.kind == "train"}
        name = str(job.payload["backbone"])
        for concept in self._library.trained_concepts():
            if concept.name is None or concept.prefix_dir is None or concept.backbone == version:
                continue
            # What this very job trains, and with which settings, is not to be trained again behind it.
            if concept.state == "hidden" or (job.kind == "train" and concept.id == job.payload["concept"]):
                continue
            if not of_same_backbone(self._home, concept.prefix_dir, concept.backbone, name):
                continue
            self._library.set_state(concept.id, "stale")
            wanted = {"concept": concept.id, "renew_for": version}
            wanted |= {key: job.payload[key] for key in ("backbone", "device")}
            if (concept.id, version) not in given_up and concept.id not in waiting:
                self._queue.enqueue("train", str(concept.id), wanted, RENEWAL_PRIORITY)

    def _given_up(self, kind: str) -> list[Job]:
        """Jobs that failed, or that the user stopped."""
        return [
            job for state in ("failed", "cancelled") for job in self._queue.list(state) if job.kind == kind
        ]


class _MakesWay:
    """Whether reading photos stops for something else.

    Once it does it stays so, also where what it stopped for is gone (called off, or jobs are paused): the scan that was
    told so has left files out, and must not be taken for a whole one.
    """

    def __init__(self, context: JobContext) -> None:
        self._context = context
        self._stopped = False

    def __call__(self) -> bool:
        self._stopped = self._stopped or self._context.cancelled() or self._context.outranked(_MORE_URGENT)
        return self._stopped

    def check(self) -> None:
        """Raise `JobCancelled` where that is so."""
        if self():
            raise JobCancelled


def _accepted(value: Any) -> bool | list[Path]:
    """What a scan may take for deleted: nothing, everything, or what is gone of some folders."""
    return [Path(folder) for folder in value] if isinstance(value, list) else bool(value)


def reporter(context: JobContext, prefix: str = "") -> OnProgress:
    """Progress of a part as progress of the job."""

    def report(progress: Progress) -> None:
        message = f"{prefix}: {progress.message}" if prefix else progress.message
        context.progress(progress.done, progress.total, message)

    return report
