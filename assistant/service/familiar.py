"""The façade that every front end calls: what a user can ask for, as methods. Knows no screen.

Long work is a job that the worker does while the caller waits; answers are computed here, without torch, from
SQLite and the exported runtime.
"""

from __future__ import annotations

import dataclasses
import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.daemon.client import USER_PRIORITY, JobClient
from assistant.daemon.process import running_worker_pid, watching_pid
from assistant.language.parse import Phrase, Request, parse
from assistant.results import (
    BackupState,
    Check,
    Description,
    Forgotten,
    Imagined,
    Learning,
    Profile,
    Status,
    Trained,
    UnreadPhoto,
    WorkerStatus,
)
from personalizer.backbones.registry import POCKET
from personalizer.backup.swap import finish_restore
from personalizer.errors import FamiliarError, NotFoundError, UsageError
from personalizer.home import Home
from personalizer.jobs.due import mark_scan_due
from personalizer.jobs.kinds import JobKind
from personalizer.jobs.queue import JobQueue
from personalizer.library.face_consent import faceless_photos, faces_are_on, switch_faces
from personalizer.library.library import Library
from personalizer.names import name_key, valid_name
from personalizer.scan.notes import read_notes
from personalizer.schemas import Concept, ConceptSummary, Job, OnProgress, ScanReport
from personalizer.training.outdated import due_trainings, given_up
from personalizer.watch.polled_folders import read_polled

if TYPE_CHECKING:
    from assistant.answers.backbone import Serving
    from assistant.answers.describe import Describer
    from assistant.answers.draw import Drawer
    from assistant.report.people_page import PeoplePage
    from assistant.service.concepts import ConceptOperations
    from assistant.setup.estimate import Estimate
    from assistant.setup.face_models import FaceModelState
    from assistant.setup.restore import Restored
    from exporters.runtime.session import BackboneSession
    from personalizer.backup.write import BackupMade

_PHOTO_ID, _ANALYSIS_ID = "photo:", "analysis:"
"""Before the number of an unreadable file, and of a photo that newer models failed with, which are no job's."""


class Familiar:
    """One library and the model that answers about it. Safe to use from several threads and processes."""

    def __init__(self, home: Home, backbone: str = "pocket", device: str = "auto") -> None:
        self.home = home
        try:
            # The worker stands in another folder: a path has to be absolute.
            self.backbone = backbone if backbone == POCKET else str(Path(backbone).expanduser().absolute())
        except UNREACHABLE as error:
            raise unreachable(f"finding the backbone {backbone!r}", error) from error
        self.device = device

    @cached_property
    def library(self) -> Library:
        self.home.ensure()
        finish_restore(self.home)
        return Library.open(self.home.database)

    @cached_property
    def queue(self) -> JobQueue:
        return JobQueue(self.library)

    @cached_property
    def _client(self) -> JobClient:
        return JobClient(self.home, self.queue)

    @cached_property
    def _serving(self) -> Serving:
        from assistant.answers.backbone import Serving

        return Serving(self.home, self.backbone)

    @cached_property
    def _describer(self) -> Describer:
        from assistant.answers.describe import Describer

        return Describer(self.home, self.library, self._serving)

    @cached_property
    def _drawer(self) -> Drawer:
        from assistant.answers.draw import Drawer

        return Drawer(self.home, self.library, self._serving)

    def close(self) -> None:
        """Close the library; no other thread may be using it."""
        if "library" in self.__dict__:
            self.library.close()

    # --- the library

    def add(self, paths: Sequence[Path], on_progress: OnProgress | None = None) -> ScanReport:
        """Register folders and scan everything that is registered.

        Raises NotFoundError for a folder that does not exist, UsageError for a file.
        """
        resolved = self._folders(paths)
        with self.library.transaction():
            for path in resolved:
                self.library.add_root(path)
            # What the scan is told, in case that its job is lost.
            mark_scan_due(self.library, {"backbone": self.backbone, "device": self.device})
        return self.scan(on_progress)

    @staticmethod
    def _folders(paths: Sequence[Path]) -> list[Path]:
        resolved = [existing(path, "adding") for path in paths]
        for path in resolved:
            if not path.is_dir():
                raise UsageError(
                    tried=f"adding {path}",
                    found="it is a file",
                    fix="Add its folder; `learn` takes single photos.",
                )
        return resolved

    def scan(
        self, on_progress: OnProgress | None = None, *, accept_missing: bool | Sequence[Path] = False
    ) -> ScanReport:
        """Bring the library up to date with its folders: photos, detections, index, suggested concepts.

        `accept_missing`: what is gone is gone, also where so much is that the folder would be frozen; everywhere, or
        in these folders. Raises NotFoundError for a folder that is none of the library's.
        """
        wanted: dict[str, Any] = {}
        if accept_missing:
            wanted["accept_missing"] = accept_missing is True or self._places(accept_missing)
        return ScanReport(**self._run(JobKind.SCAN, "library", wanted, on_progress)["scan"])

    def _places(self, folders: Sequence[Path]) -> list[str]:
        """These registered folders, or file systems below such, by their real names."""
        places = {*self.library.roots(), *self.library.places()}
        found = []
        for folder in folders:
            place = Path(os.path.realpath(folder.expanduser()))
            if place not in places:
                raise NotFoundError(
                    tried=f"accepting what is missing in {folder}",
                    found="it is no folder of the library",
                    fix="Give a folder as `familiar status` names it, or none for all.",
                )
            found.append(str(place))
        return found

    def exclude(self, patterns: Sequence[str], *, remove: bool = False) -> list[str]:
        """Leave out what matches these patterns from the next scan on, or take them back; returns all patterns.

        Raises UsageError for a pattern that makes no sense, NotFoundError for one to take back that is not there.
        """
        from personalizer.scan.exclusions import valid_pattern

        stored = [valid_pattern(pattern) for pattern in patterns]
        with self.library.transaction():
            for pattern in stored:
                if not remove:
                    self.library.add_exclusion(pattern)
                elif not self.library.remove_exclusion(pattern):
                    raise NotFoundError(
                        tried=f"taking back the exclusion {pattern!r}",
                        found="it is none",
                        fix="List them with: familiar exclude",
                    )
        if stored and running_worker_pid(self.home) is not None:
            self.queue.enqueue(JobKind.SCAN, "library", {"backbone": self.backbone, "device": self.device})
        return self.library.exclusions()

    def left_out(self) -> dict[str, int]:
        """Every pattern of what is excluded, with the number of known files that it leaves out."""
        from personalizer.scan.exclusions import left_out_by

        return left_out_by(self.library, self.library.exclusions())

    def rebuild_index(self, on_progress: OnProgress | None = None) -> dict[str, Any]:
        """Make the vector index anew from the library."""
        return self._run(JobKind.REBUILD_INDEX, "library", {}, on_progress)

    def recluster(self, *, apply: bool, on_progress: OnProgress | None = None) -> dict[str, Any]:
        """What grouping everything anew would change; with `apply` it is done."""
        return self._run(JobKind.RECLUSTER, "apply" if apply else "preview", {"apply": apply}, on_progress)

    def status(self) -> Status:
        """What is there and what is going on."""
        counts, notes = self.library.counts(), read_notes(self.library)
        watching = watching_pid(self.home) is not None
        jobs = self.queue.list()
        states = ("queued", "running", "done", "failed", "cancelled")
        active = [job for job in jobs if job.state in ("queued", "running")]
        pid = running_worker_pid(self.home)
        return Status(
            home=self.home.root,
            jobs={state: sum(job.state == state for job in jobs) for state in states}
            | {"quarantined": sum(job.quarantined for job in jobs)},
            running=active,
            photos=counts["photos"],
            detections=counts["detections"],
            faces=counts["faces"],
            failures=counts["failures"],
            concepts=counts["concepts"],
            named=counts["named"],
            ready=sum(concept.state == "ready" for concept in self.library.concepts()),
            backbone=self.backbone,
            worker=WorkerStatus(running=pid is not None, pid=pid or None, paused=self.queue.paused()),
            queue=dict(sorted(Counter(job.kind for job in active).items())),
            quarantined=counts["quarantined"],
            outdated=len(self.library.outdated_photos()),
            watching=watching,
            polled=[dataclasses.asdict(one) for one in read_polled(self.library)] if watching else [],
            training=self._training_status(),
            faces_on=faces_are_on(self.library),
            frozen=[{"path": str(root), "reason": why} for root, why in self.library.frozen_roots().items()],
            excluded=self.library.exclusions(),
            waiting=notes.waiting,
            unlisted=notes.unlisted,
            **self.library.shot_counts(),
        )

    def _training_status(self) -> dict[str, Any]:
        from assistant.daemon.training_switch import TrainingState, is_on, stored_state

        on = is_on(self.library)
        said = stored_state(self.library) if watching_pid(self.home) is not None else None
        if said is None:
            due = len(due_trainings(self.library, self.backbone))
            said = TrainingState("waiting", "only while `familiar watch` runs", due)
            if not due:
                said = TrainingState("nothing to do")
        if not on:
            said = TrainingState("off")
        return {"on": on, **dataclasses.asdict(said), "given_up": given_up(self.library)}

    # --- what the user may switch

    def estimate(self, paths: Sequence[Path]) -> Estimate:
        """What adding these folders will take. Raises as `add` does."""
        from assistant.setup.estimate import estimate_import

        return estimate_import(self.library, self._folders(paths))

    def switch_training(self, on: bool) -> Status:
        """Train concepts automatically from now on, or no longer."""
        from assistant.daemon.training_switch import switch

        switch(self.library, on)
        return self.status()

    def switch_faces(self, on: bool, on_progress: OnProgress | None = None) -> dict[str, Any]:
        """Look for faces from now on, and in the photos in which that was left out; or no longer."""
        switch_faces(self.library, on)
        left = len(faceless_photos(self.library)) if on else 0
        found = self._run(JobKind.FIND_FACES, "library", {}, on_progress) if left else {}
        return {"faces": on, "looked_at": found.get("looked_at", 0), "found": found.get("faces", 0)}

    def face_models(self) -> list[FaceModelState]:
        """The networks for faces that may be downloaded."""
        from assistant.setup.face_models import face_models

        return face_models(self.home.models)

    def download_face_model(
        self, name: str, source: Path | None = None, on_progress: OnProgress | None = None
    ) -> FaceModelState:
        """Fetch one of them from its publisher, or take it from the file `source`."""
        from assistant.setup.face_models import get_face_model

        self.home.ensure()
        return get_face_model(self.home.models, name, source, on_progress)

    def use_face_models(self, names: Sequence[str]) -> dict[str, Any]:
        """Use these from now on, and look at the photos again with them."""
        from assistant.setup.face_models import use_face_models

        used = use_face_models(self.home.models, self.library, self.queue, names)
        self.__dict__.pop("_describer", None)
        return used

    def erase_faces(self, on_progress: OnProgress | None = None, *, backups: bool = False) -> Forgotten:
        """Switch faces off and remove all of them and everybody who was named, for good; no photo is touched.

        `backups`: delete those that hold faces as well.
        """
        from assistant.forget.faces import request_erasing
        from assistant.forget.known_backups import FACES, left_in_backups

        started = time.monotonic()
        with self.library.said_when_locked():
            switch_faces(self.library, False)
            job_id = request_erasing(self.queue)
        result = self._client.wait(job_id, on_progress)
        self.__dict__.pop("_describer", None)
        self.__dict__.pop("_serving", None)
        left = left_in_backups(self.library, {FACES}, delete=backups)
        elapsed_s = round(time.monotonic() - started, 3)
        return Forgotten(**result, kept={}, elapsed_s=elapsed_s, backups=left)

    # --- jobs

    def jobs(self) -> list[Job | UnreadPhoto]:
        """The photos that could not be read, or looked at again, and all jobs, oldest first."""
        return [*self.unread_photos(), *self.queue.list()]

    def unread_photos(self) -> list[UnreadPhoto]:
        """The files that could not be read, and those that newer models failed with, each with the reason."""
        unreadable = [
            UnreadPhoto(
                id=f"{_PHOTO_ID}{file.number}",
                subject=str(file.path),
                state="failed",
                attempts=file.attempts,
                error=file.reason,
                error_class="input" if file.left_alone else "transient",
                quarantined=file.left_alone,
            )
            for file in self.library.unreadable_files()
        ]
        outdated = [
            UnreadPhoto(
                id=f"{_ANALYSIS_ID}{photo.photo_id}",
                subject=str(photo.path),
                state="failed",
                attempts=photo.attempts,
                error=f"known by older models only: {photo.reason}",
                error_class="input",
                quarantined=True,
                kind="analysis",
            )
            for photo in self.library.outdated_photos()
        ]
        return unreadable + outdated

    def retry(self, key: int | str) -> Job:
        """Queue a failed, quarantined or cancelled job again, and see that somebody does it.

        `key` is its number; `photo:N`, `analysis:N` or a path has a file tried again that could not be read, or looked
        at again, `photos` all of them.
        """
        from assistant.daemon.process import ensure_worker

        text = str(key)
        job_id = self.queue.retry(int(text)) if text.isdecimal() else self._retry_photos(text)
        ensure_worker(self.home)
        return self.queue.get(job_id)

    def _retry_photos(self, which: str) -> int:
        """Take back that these were given up; returns the job that tries them."""
        if which == "photos":
            self.library.retry_unreadable(None)
            if self.library.retry_analysis(None):
                self._queue_analysis()
            return self._queue_scan()
        for prefix, take_back, queue in (
            (_PHOTO_ID, self.library.retry_unreadable, self._queue_scan),
            (_ANALYSIS_ID, self.library.retry_analysis, self._queue_analysis),
        ):
            if which.startswith(prefix) and which.removeprefix(prefix).isdecimal():
                take_back(int(which.removeprefix(prefix)))
                return queue()
        path = existing(Path(which), "trying again").resolve()
        photo = self.library.photo_by_path(path)
        if photo is not None and photo.id in {known.photo_id for known in self.library.outdated_photos()}:
            self.library.retry_analysis(photo.id)
            return self._queue_analysis()
        self.library.retry_unreadable(path)
        return self._queue_scan()

    def _queue_scan(self) -> int:
        told = {"backbone": self.backbone, "device": self.device}
        return self.queue.enqueue(JobKind.SCAN, "library", told, USER_PRIORITY)

    def _queue_analysis(self) -> int:
        return self.queue.enqueue(JobKind.ANALYZE, "library", {}, USER_PRIORITY)

    def pause(self) -> dict[str, bool]:
        """Start no further job."""
        self.queue.pause()
        return {"paused": True}

    def resume(self) -> dict[str, bool]:
        """Undo `pause`."""
        self.queue.resume()
        return {"paused": False}

    # --- concepts

    def concepts(self) -> list[ConceptSummary]:
        """The people, pets and things of the library."""
        from personalizer.concepts.learn import summaries

        return summaries(self.library)

    def name(self, concept_id: int, name: str) -> ConceptSummary:
        """Give a concept a name."""
        from personalizer.concepts.operations import name_concept

        name_concept(self.library, concept_id, name)
        return self._summary(concept_id)

    def merge(self, first: int | str, second: int | str) -> ConceptSummary:
        """Say that two concepts, by id or name, are one; the first, or the one with a name, stays."""
        from personalizer.concepts.operations import merge_concepts

        kept, joining = self.concept(first), self.concept(second)
        target = kept.id if kept.name and joining.name else None
        [merged] = merge_concepts(self.library, kept.id, joining.id, target).concepts
        return self._summary(merged.id)

    @property
    def operations(self) -> ConceptOperations:
        """What else a person can do to concepts, and undoing it."""
        from assistant.service.concepts import ConceptOperations

        return ConceptOperations(self.library)

    def report(
        self, out: Path | None = None, *, force: bool = False, on_progress: OnProgress | None = None
    ) -> PeoplePage:
        """Write the page of people, pets and things, to `out` or into the home. Raises `UsageError` for the place."""
        from assistant.report.people_page import write_people_page

        try:
            path = None if out is None else out.expanduser().absolute()
        except UNREACHABLE as error:
            raise unreachable(f"writing a page to {out}", error) from error
        return write_people_page(self.library, self.home, path, force=force, on_progress=on_progress)

    def remember(self, name: str, text: str) -> Profile:
        """Keep something that the user tells about a concept; words that were told before are kept once.

        Raises NotFoundError for the concept, UsageError for a text that is not allowed.
        """
        from personalizer.concepts.facts import remember

        concept = self._named(name, "remembering a fact about")
        fact = remember(self.library, concept.id, text)
        return self._profile(concept, added=None if fact is None else fact.text)

    def profile(self, name: str) -> Profile:
        """What the user told about a concept. Raises NotFoundError."""
        return self._profile(self._named(name, "listing what was told about"))

    def take_back(self, name: str, number: int) -> Profile:
        """Remove what `profile` lists under `number`, from 1. Raises NotFoundError."""
        from personalizer.concepts.facts import take_back

        concept = self._named(name, "taking back a fact about")
        return self._profile(concept, removed=take_back(self.library, concept.id, number).text)

    def concept(self, key: int | str) -> Concept:
        """A concept by id or name. Raises NotFoundError."""
        from personalizer.concepts.learn import find_concept

        return self.library.concept(key) if isinstance(key, int) else find_concept(self.library, key)

    def learn(
        self,
        name: str,
        photos: Sequence[Path],
        on_progress: OnProgress | None = None,
        *,
        settings: Mapping[str, Any] | None = None,
    ) -> Trained:
        """Make a concept from these photos (or give an existing one more of them) and train it.

        Photos without a matching face are under `skipped` in the details. `settings` are JSON values of the trainer's
        that differ from what ships.
        """
        begun = self.begin_learning(name, photos, on_progress, settings=settings)
        trained = _trained(self._client.wait(begun.training_job, on_progress))
        skipped = [*begun.skipped, *trained.details.get("skipped", [])]
        return dataclasses.replace(trained, details={**trained.details, "skipped": skipped})

    def begin_learning(
        self,
        name: str,
        photos: Sequence[Path],
        on_progress: OnProgress | None = None,
        *,
        settings: Mapping[str, Any] | None = None,
    ) -> Learning:
        """`learn` without waiting for the training: from now on the concept is recognised by its photos.

        The worker trains its prefix, whether or not anybody waits for it.
        """
        name = valid_name(name)
        if not photos:
            raise UsageError(
                tried=f"learning {name}", found="no photo", fix="Give three to five photos of it."
            )
        resolved = [str(existing(photo, f"learning {name} from")) for photo in photos]
        payload: dict[str, Any] = {"name": name, "photos": resolved}
        if settings:
            payload["settings"] = dict(settings)
        made = self._run(JobKind.LEARN, name, payload, on_progress)
        concept = self.library.concept(made["concept"])
        members = len(self.library.members(concept.id))
        return Learning(concept.name or name, members, made["train_job"], made["skipped"])

    def train(self, name: str, on_progress: OnProgress | None = None) -> Trained:
        """Train the prefix of a named concept and export what serving needs."""
        concept = self._named(name, "training")
        return _trained(self._run(JobKind.TRAIN, str(concept.id), {"concept": concept.id}, on_progress))

    def forget(
        self, name: str, typed: str, on_progress: OnProgress | None = None, *, backups: bool = False
    ) -> Forgotten:
        """Remove a concept and every trace of it below the home, for good; photos are not touched.

        `typed` is its name, typed again (its number for one that has no name): UsageError for anything else.
        `backups`: delete those that hold it as well.
        """
        from assistant.forget.concept import request_forgetting, stop_jobs_about
        from assistant.forget.known_backups import left_in_backups
        from personalizer.concepts.forget import identity_of

        started = time.monotonic()
        concept = self.concept(name)
        confirm_forgetting(concept, typed)
        with self.library.said_when_locked():
            identity = identity_of(self.library, concept)
            uids = [
                uid for known, uid in self.library.concept_uids().items() if known in identity.concept_ids
            ]
            stop_jobs_about(self.queue, identity)
            job_id = request_forgetting(self.queue, concept.id)
        result = self._client.wait(job_id, on_progress)
        if "_serving" in self.__dict__:
            self._serving.forget(concept.id)
        if "_describer" in self.__dict__:
            self._describer.forget(concept.id)
        left = left_in_backups(self.library, uids, delete=backups)
        return Forgotten(**result, elapsed_s=round(time.monotonic() - started, 3), backups=left)

    # --- backups

    def back_up(self, destination: Path, on_progress: OnProgress | None = None) -> BackupMade:
        """Write what cannot be made again into one file, while others go on working."""
        from personalizer.backup.write import back_up

        return back_up(self.home, self.library, destination, on_progress)

    def restore(
        self, source: Path, on_progress: OnProgress | None = None, *, replace: bool = False
    ) -> Restored:
        """Put a backup into the place of the library, then make the index anew. Raises as `restoring.restore` does."""
        from assistant.setup.restore import restore

        self.close()
        for cached in ("library", "queue", "_client", "_serving", "_describer", "_drawer"):
            self.__dict__.pop(cached, None)
        restored = restore(self.home, source, replace=replace, on_progress=on_progress)
        try:
            if self.queue.paused():
                why = "the queue was paused when the backup was made; `familiar resume` ends that"
                note = f"The index is not made yet: {why}. Then: familiar rebuild-index"
                return dataclasses.replace(restored, notes=[*restored.notes, note])
            # Before whatever waited when the backup was made.
            made = self._client.run(JobKind.REBUILD_INDEX, "library", {}, on_progress, USER_PRIORITY + 1)
        except FamiliarError as error:
            note = f"The index is not made yet ({error.found}): familiar rebuild-index"
            return dataclasses.replace(restored, notes=[*restored.notes, note])
        return dataclasses.replace(restored, indexed=int(made["indexed"]))

    def backups(self, *, prune: bool = False) -> list[BackupState]:
        """The backups that were made of this library; with `prune` those that hold something forgotten are deleted."""
        from assistant.forget.known_backups import known_backups

        return known_backups(self.library, prune=prune)

    # --- answers

    def session(self, on_progress: OnProgress | None = None) -> BackboneSession:
        """The exported backbone itself, exported first where that has not happened."""
        self._prepare(on_progress)
        return self._serving.session

    def describe(
        self, photo: Path, question: str | Phrase | None = None, on_progress: OnProgress | None = None
    ) -> Description:
        """Say what and who is in a photo, or answer a question about it, which may be parsed already.

        Whether a named concept is in it is answered at once, also before the backbone has been prepared; everything
        else waits for the backbone where a trained prefix needs it.
        """
        started = time.monotonic()
        path = existing(photo, "describing")
        asked = self.parse(question) if isinstance(question, str) else question
        return self._describer.describe(path, asked, started, lambda: self._prepare(on_progress))

    def parse(self, text: str) -> Request:
        """The names of this library and the photos in a text, with their places."""
        names = [c.name for c in self.library.concepts() if c.name and c.state != "hidden"]
        return parse(text, names)

    def imagine(
        self,
        text: str | Phrase,
        out: Path | None = None,
        seed: int | None = None,
        count: int = 1,
        on_progress: OnProgress | None = None,
    ) -> Imagined:
        """Draw `count` pictures of `text`, with any named concepts in it, as PNG files."""
        started = time.monotonic()
        self._prepare(on_progress)
        words = self.parse(text) if isinstance(text, str) else text
        return self._drawer.draw(words, out, seed, count, on_progress, started)

    def doctor(self) -> list[Check]:
        """Whether everything that is needed is there."""
        from assistant.setup.doctor import examine

        return examine(self.home, self._serving_check)

    # --- inside

    def _prepare(self, on_progress: OnProgress | None) -> None:
        """See that the backbone is exported; the worker does it once per backbone version."""
        if not self._serving.is_exported():
            self._run(JobKind.EXPORT, self.backbone, {}, on_progress)

    def _run(
        self, kind: str, subject: str, payload: dict[str, Any], on_progress: OnProgress | None
    ) -> dict[str, Any]:
        self.home.ensure()
        asked = {**payload, "backbone": self.backbone, "device": self.device}
        return self._client.run(kind, subject, asked, on_progress, USER_PRIORITY)

    def _serving_check(self) -> Check:
        return self._serving.check()

    def _named(self, key: str, doing: str) -> Concept:
        concept = self.concept(key)
        if concept.name is None:
            raise UsageError(
                tried=f"{doing} concept {concept.id}",
                found="it has no name",
                fix=f"Name it first: familiar name {concept.id} NAME",
            )
        return concept

    def _profile(self, concept: Concept, added: str | None = None, removed: str | None = None) -> Profile:
        facts = [fact.text for fact in self.library.facts(concept.id)]
        return Profile(concept.name or str(concept.id), facts, added, removed)

    def _summary(self, concept_id: int) -> ConceptSummary:
        return next(summary for summary in self.concepts() if summary.id == concept_id)


def _trained(result: dict[str, Any]) -> Trained:
    """A training job's result; what is no field of its own goes under `details`."""
    names = {field.name for field in dataclasses.fields(Trained)} - {"details"}
    known = {key: value for key, value in result.items() if key in names}
    return Trained(**known, details={key: value for key, value in result.items() if key not in names})


def confirm_forgetting(concept: Concept, typed: str) -> None:
    """Raise UsageError unless `typed` is the concept's name, or its number where it has none."""
    wanted = concept.name or str(concept.id)
    if name_key(typed) != name_key(wanted):
        raise UsageError(
            tried=f"forgetting {wanted}",
            found=f"{typed.strip()!r} was typed" if typed.strip() else "its name was not typed again",
            fix=f"Nothing was removed. Ask again and type exactly: {wanted}",
        )


def existing(path: Path, doing: str) -> Path:
    """`path`, absolute. Raises NotFoundError when nothing is there, or when that cannot be found out."""
    try:
        absolute = path.expanduser().absolute()
        there = absolute.exists()
    except UNREACHABLE as error:
        raise unreachable(f"{doing} {path}", error) from error
    if not there:
        raise NotFoundError(
            tried=f"{doing} {path}", found="there is no such file or folder", fix="Check the path."
        )
    return absolute


UNREACHABLE = (OSError, RuntimeError, ValueError)
"""What looking up a path raises: the system's errors, `~nobody` or a loop of links, and a NUL in the name."""


def unreachable(tried: str, error: Exception) -> NotFoundError:
    """The message for a path that cannot be looked up."""
    if isinstance(error, PermissionError):
        found, fix = "a folder on the way may not be entered", "Allow it, or copy what is in it elsewhere."
    elif isinstance(error, OSError):
        found, fix = f"{error.strerror or error}", "Check the path."
    elif isinstance(error, RuntimeError) and "home" in str(error):
        found, fix = "there is no such user behind the ~", "Write the path without ~, or start it with ./~."
    else:
        found, fix = str(error), "Check the path."
    return NotFoundError(tried=tried, found=found, fix=fix)
