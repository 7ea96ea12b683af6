"""What the worker does for each kind of job. Knows no queue loop; only train and export import torch."""

from __future__ import annotations

import dataclasses
from typing import Any

from assistant.runtimes import exported_version, is_complete, note_export, runtime_directory
from personalizer.errors import UsageError
from personalizer.jobs import Handler, JobContext, JobQueue
from personalizer.library import Library
from personalizer.locations import Home
from personalizer.schemas import Job, OnProgress, Progress


def make_handlers(home: Home, library: Library, queue: JobQueue) -> dict[str, Handler]:
    """The handlers by kind of job."""
    handlers = Handlers(home, library, queue)
    return {
        "scan": handlers.scan,
        "cluster": handlers.cluster,
        "index": handlers.index,
        "learn": handlers.learn,
        "train": handlers.train,
        "export": handlers.export,
    }


class Handlers:
    """One method per kind of job; each returns what the job's result records (JSON values)."""

    def __init__(self, home: Home, library: Library, queue: JobQueue) -> None:
        self._home = home
        self._library = library
        self._queue = queue

    def scan(self, job: Job, context: JobContext) -> dict[str, Any]:
        """Folders → photos → index → suggested concepts."""
        from personalizer.scanner import scan

        report = scan(
            self._library,
            self._library.roots(),
            self._home.models,
            progress=reporter(context),
            cancelled=context.cancelled,
        )
        context.check_cancelled()
        return {"scan": dataclasses.asdict(report), **self.index(job, context), **self.cluster(job, context)}

    def index(self, job: Job, context: JobContext) -> dict[str, Any]:
        """Push the vectors that Chroma lacks."""
        from personalizer.vector_store import VectorStore

        context.progress(0, 0, "Indexing")
        return {"indexed": VectorStore(self._home.chroma).sync(self._library)}

    def cluster(self, job: Job, context: JobContext) -> dict[str, Any]:
        """Group what was found into suggested concepts."""
        from personalizer.concepts import cluster

        context.progress(0, 0, "Grouping")
        return {"cluster": dataclasses.asdict(cluster(self._library))}

    def learn(self, job: Job, context: JobContext) -> dict[str, Any]:
        """Photos that a person chose → a concept, whose training is queued."""
        from personalizer.concepts import learn_members

        raise NotImplementedError(learn_members)

    def train(self, job: Job, context: JobContext) -> dict[str, Any]:
        """A named concept → its prefix, and what serving it needs."""
        from personalizer.backbones.registry import load_backbone
        from personalizer.trainer import train_concept

        concept = self._library.concept(int(job.payload["concept"]))
        if concept.name is None:
            raise UsageError(
                tried=f"training concept {concept.id}",
                found="it has no name",
                fix="Name it: familiar name ID NAME",
            )
        context.progress(0, 0, f"Loading the backbone for {concept.name}")
        backbone = load_backbone(str(job.payload["backbone"]), str(job.payload["device"]))
        result: dict[str, Any] = train_concept(
            self._library,
            self._home,
            concept.id,
            backbone,
            progress=reporter(context),
            cancelled=context.cancelled,
        )
        context.check_cancelled()
        exported = self.export(job, context)
        self._store_prompt_cache(concept.id, exported["backbone"])
        return result | exported

    def _store_prompt_cache(self, concept_id: int, version: str) -> None:
        """Keys and values of the personal prompt, so that no answer has to compute them."""
        from exporters.runtime.concept import export_concept
        from exporters.runtime.ort import OrtSession

        directory = self._library.concept(concept_id).prefix_dir
        if directory is not None:
            export_concept(OrtSession(runtime_directory(self._home, version)), directory)

    def export(self, job: Job, context: JobContext) -> dict[str, Any]:
        """The backbone → what runs without torch; once per backbone version."""
        name = str(job.payload["backbone"])
        version = exported_version(self._home, name)
        if version is None:
            version = self._export(name, context)
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


def reporter(context: JobContext, prefix: str = "") -> OnProgress:
    """Progress of a part as progress of the job."""

    def report(progress: Progress) -> None:
        message = f"{prefix}: {progress.message}" if prefix else progress.message
        context.progress(progress.done, progress.total, message)

    return report
