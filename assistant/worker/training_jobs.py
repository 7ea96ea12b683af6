"""Jobs that train concepts and prepare backbones. Only what they call imports torch."""

from __future__ import annotations

import logging
from typing import Any

from exporters.installed import (
    exported_version,
    is_complete,
    note_export,
    of_same_backbone,
    runtime_directory,
)
from personalizer.analysis.embed import ObjectEmbedder
from personalizer.errors import FamiliarError, UsageError
from personalizer.faces.embedder import FACE_MODEL
from personalizer.home import Home
from personalizer.jobs.kinds import JobKind
from personalizer.jobs.loop import JobContext
from personalizer.jobs.queue import JobQueue
from personalizer.library.library import Library
from personalizer.schemas import Job
from personalizer.training.outdated import note_trained, photos_of

logger = logging.getLogger(__name__)
RENEWAL_PRIORITY = -1
"""After everything else: concepts work by retrieval meanwhile."""


class TrainingJobs:
    """Prefixes and runtimes of one home; each method returns what the job's result records (JSON values)."""

    def __init__(self, home: Home, library: Library, queue: JobQueue) -> None:
        self._home = home
        self._library = library
        self._queue = queue

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
        object_model = ObjectEmbedder().model_version
        notes = check_members(self._library, concept, object_model, FACE_MODEL)
        context.progress(0, 0, f"Loading the backbone for {concept.name}")
        backbone = load_backbone(str(job.payload["backbone"]), str(job.payload["device"]))
        # First what answers need of the backbone: other questions can then be answered while this one is trained.
        exported = self.export(job, context)
        photos, told = photos_of(self._library, concept.id), self._library.told_keys(concept.id)
        result: dict[str, Any] = train_concept(
            self._library,
            self._home,
            concept.id,
            backbone,
            config,
            progress=context.reporter(),
            cancelled=context.cancelled,
            advanced=context.advanced,
        )
        note_trained(self._library, concept.id, photos, told)
        context.check_cancelled()
        self._store_prompt_cache(concept.id, exported["backbone"])
        if self._library.concept(concept.id).state == "stale" or self._library.told_keys(concept.id) != told:
            notes.append(
                f"More was said about {concept.name} while it was learned; to learn that as well: "
                f"familiar train {concept.name!r}"
            )
        return result | exported | {"notes": notes}

    def _store_prompt_cache(self, concept_id: int, version: str) -> None:
        """Keys and values of the personal prompt, so that no answer has to compute them."""
        from exporters.onnx.prefix import export_concept
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
            export_backbone(backbone, directory, on_progress=context.reporter("Preparing the backbone"))
        note_export(self._home, name, version)
        return version

    def notice_new_version(self, job: Job) -> None:
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
        if wanted not in [given_up.payload for given_up in self._given_up(JobKind.EXPORT)]:
            self._queue.enqueue(JobKind.EXPORT, name, wanted, RENEWAL_PRIORITY)

    def _renew_prefixes(self, job: Job, version: str) -> None:
        """Queue training of the concepts whose prefix belongs to another version of this backbone.

        Until it is done they work by retrieval, as concepts do that were never trained.
        """
        given_up = {
            (job.payload.get("concept"), job.payload.get("renew_for"))
            for job in self._given_up(JobKind.TRAIN)
        }
        waiting = {
            one.payload.get("concept") for one in self._queue.list("queued") if one.kind == JobKind.TRAIN
        }
        name = str(job.payload["backbone"])
        for concept in self._library.trained_concepts():
            if concept.name is None or concept.prefix_dir is None or concept.backbone == version:
                continue
            # What this very job trains, and with which settings, is not to be trained again behind it.
            if concept.state == "hidden" or (
                job.kind == JobKind.TRAIN and concept.id == job.payload["concept"]
            ):
                continue
            if not of_same_backbone(self._home, concept.prefix_dir, concept.backbone, name):
                continue
            self._library.set_state(concept.id, "stale")
            wanted = {"concept": concept.id, "renew_for": version}
            wanted |= {key: job.payload[key] for key in ("backbone", "device")}
            if (concept.id, version) not in given_up and concept.id not in waiting:
                self._queue.enqueue(JobKind.TRAIN, str(concept.id), wanted, RENEWAL_PRIORITY)

    def _given_up(self, kind: str) -> list[Job]:
        """Jobs that failed, or that the user stopped."""
        return [
            job for state in ("failed", "cancelled") for job in self._queue.list(state) if job.kind == kind
        ]
