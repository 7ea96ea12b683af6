"""Jobs that read photos: of folders, again with newer models, or again for faces."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assistant.setup.estimate import note_rate
from assistant.worker.grouping_jobs import GroupingJobs
from assistant.worker.training_jobs import TrainingJobs
from personalizer.analysis.analyzer import PhotoAnalyzer, analysis_version
from personalizer.errors import JobCancelled
from personalizer.home import Home
from personalizer.jobs.due import (
    FOLDERS,
    due_mark,
    mark_due,
    mark_scan_due,
    noticed_folders,
    settle,
    settle_folders,
    settle_scan,
)
from personalizer.jobs.kinds import JobKind
from personalizer.jobs.loop import JobContext
from personalizer.jobs.queue import JobQueue
from personalizer.library.library import Library
from personalizer.schemas import Job, ScanReport

logger = logging.getLogger(__name__)
_MORE_URGENT = (JobKind.LEARN, JobKind.TRAIN, JobKind.EXPORT, JobKind.FORGET, JobKind.ERASE_FACES)
"""What reading a library makes way for where somebody waits: it may take hours, and goes on where it stopped."""


class ScanJobs:
    """Photos of one library; each method returns what the job's result records (JSON values)."""

    def __init__(
        self, home: Home, library: Library, queue: JobQueue, grouping: GroupingJobs, training: TrainingJobs
    ) -> None:
        self._home = home
        self._library = library
        self._queue = queue
        self._grouping = grouping
        self._training = training

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
        folders = list(noticed) if job.subject == FOLDERS else None
        if folders is not None:
            report = self._scan_folders(job, context, noticed)
        if report is None:
            folders = None
            report = self._scan_all(job, context, noticed)
        indexed = self._grouping.index_if_possible(job, context, compare=folders is None)
        result = {"scan": dataclasses.asdict(report), **indexed}
        context.check_cancelled()
        result |= self._grouping.group_shots(context, folders)
        context.check_cancelled()
        result["search"] = self._prepare_search(context)
        context.check_cancelled()
        settle_folders(self._library, noticed)
        changed = report.new or report.changed or report.moved or report.missing
        if changed or was_due or due_mark(self._library) != due:
            result |= self._grouping.cluster(job, context)
        else:
            settle(self._library, due)
        if folders is None:
            # Another version comes with an update, after which everything is scanned.
            self._training.notice_new_version(job)
        return result

    def _prepare_search(self, context: JobContext) -> dict[str, Any]:
        from personalizer.scan.texts import prepare_search

        found = prepare_search(self._library, progress=context.reporter(), cancelled=context.cancelled)
        return dataclasses.asdict(found)

    def _scan_folders(self, job: Job, context: JobContext, noticed: Mapping[str, str]) -> ScanReport | None:
        from personalizer.scan.folder_scan import scan_folders
        from personalizer.scan.importer import ScanControl

        makes_way = _MakesWay(context)
        report = scan_folders(
            self._library,
            noticed,
            ScanControl(context.reporter(), makes_way, context.advanced),
        )
        self._check_way(job, makes_way, noticed)
        if report is None:
            logger.info("more than files that came: everything is looked at")
        return report

    def _scan_all(self, job: Job, context: JobContext, noticed: Mapping[str, str]) -> ScanReport:
        from personalizer.scan.full_scan import scan
        from personalizer.scan.importer import ScanControl

        makes_way = _MakesWay(context)
        scan_due = mark_scan_due(self._library, job.payload, made_up_for=job.input_hash)
        report = scan(
            self._library,
            self._library.roots(),
            ScanControl(context.reporter(), makes_way, context.advanced),
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
        if job.subject == FOLDERS and self._queue.cancelled(job.id):
            settle_folders(self._library, noticed)
        makes_way.check()

    def analyze(self, job: Job, context: JobContext) -> dict[str, Any]:
        """Photos that older models looked at → what the present ones find, in the index and grouped again."""
        from personalizer.scan.reanalysis import analyze_again

        # For the names and versions of its models only.
        analyzer = PhotoAnalyzer()
        version = analysis_version(analyzer)
        with self._library.transaction():
            was_due = due_mark(self._library) is not None
            # Before the first photo is stored, so that what dies leaves the mark behind.
            due = mark_due(self._library)
        makes_way = _MakesWay(context)
        report = analyze_again(
            self._library,
            version,
            progress=context.reporter(),
            cancelled=makes_way,
            advanced=context.advanced,
        )
        makes_way.check()
        changed = report.analysed
        if not self._library.photos_to_analyze(version, limit=1):
            models = [analyzer.object_model, analyzer.face_model]
            changed += self._library.drop_superseded_vectors(models)
        result = {"analyse": dataclasses.asdict(report), **self._grouping.index_if_possible(job, context)}
        context.check_cancelled()
        # While a drive is away its photos are looked for every hour.
        if changed or was_due or due_mark(self._library) != due:
            return result | self._grouping.cluster(job, context)
        settle(self._library, due)
        return result

    def read_text(self, job: Job, context: JobContext) -> dict[str, Any]:
        """Photos → what is written in them, for search. Makes way for everything: it may take days."""
        from personalizer.scan.lettering import read_lettering

        report = read_lettering(
            self._library,
            progress=context.reporter(),
            cancelled=lambda: context.cancelled() or context.should_yield(),
            advanced=context.advanced,
        )
        if report["left"]:
            raise JobCancelled
        return report

    def find_faces(self, job: Job, context: JobContext) -> dict[str, Any]:
        """Photos that were looked at while faces were off → their faces, grouped."""
        from personalizer.scan.reanalysis import look_for_faces

        mark_due(self._library)
        found = look_for_faces(
            self._library,
            progress=context.reporter(),
            cancelled=context.cancelled,
            advanced=context.advanced,
        )
        context.check_cancelled()
        return {
            **found,
            **self._grouping.index_if_possible(job, context),
            **self._grouping.cluster(job, context),
        }


class _MakesWay:
    """Whether reading photos stops for something else.

    Once it does it stays so, also where what it stopped for is gone (called off, or jobs are paused): the scan that was
    told so has left files out, and must not be taken for a whole one.
    """

    def __init__(self, context: JobContext) -> None:
        self._context = context
        self._stopped = False

    def __call__(self) -> bool:
        self._stopped = self._stopped or self._context.cancelled() or self._context.should_yield(_MORE_URGENT)
        return self._stopped

    def check(self) -> None:
        """Raise `JobCancelled` where that is so."""
        if self():
            raise JobCancelled


def _accepted(value: Any) -> bool | list[Path]:
    """What a scan may take for deleted: nothing, everything, or what is gone of some folders."""
    return [Path(folder) for folder in value] if isinstance(value, list) else bool(value)
