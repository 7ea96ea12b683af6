"""Trains a named concept of a library: from its members and facts to a prefix on disk and a report.

Decides whether a training is finished, resumed or outdated; `trainer` runs the steps.
"""

from __future__ import annotations

import hashlib
import json
import math
import resource
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from personalizer.backbones.base import Backbone
from personalizer.home import Home
from personalizer.library.library import Library
from personalizer.prefix.dual_prefix import finished_training, save_prefix
from personalizer.prefix.former_names import with_former_names
from personalizer.schemas import ConceptState, OnProgress, Progress
from personalizer.training.data.fact_questions import text_questions
from personalizer.training.data.photo_views import SkippedPhoto
from personalizer.training.data.pictures import collect_pictures
from personalizer.training.trainer import REMOVED_SETTINGS, PrefixTrainer, TrainerConfig, TrainingOutcome


def fingerprint(backbone_version: str, examples: list[str], config: TrainerConfig) -> str:
    """Identifies a training run: the same backbone, members, questions and settings give the same prefix.

    Settings are hashed under their former names, so that trainings of earlier versions still count as finished.
    """
    settings: dict[str, Any] = {}
    for name, value in asdict(config).items():
        if name == "kl_weight":
            # An earlier training with these settings switched off equals one without them.
            settings |= REMOVED_SETTINGS
        settings[name] = value
    if not config.prefix.deep_layers:
        # A training from before deep prompts existed equals one without them.
        del settings["prefix"]["deep_layers"]
    settings = with_former_names(settings)
    content = json.dumps([backbone_version, sorted(examples), settings])
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def train_concept(
    library: Library,
    home: Home,
    concept_id: int,
    backbone: Backbone,
    config: TrainerConfig | None = None,
    *,
    progress: OnProgress | None = None,
    cancelled: Callable[[], bool] | None = None,
    advanced: Callable[[], None] | None = None,
) -> dict[str, Any]:
    """Train a named concept from its confirmed members and record the prefix in the library.

    A finished training with the same fingerprint is not repeated; an interrupted one is resumed. `advanced` is called
    after each checkpoint. A decision about a photo during the training makes the prefix `stale`; a new fact waits for
    the next training. Returns the keys that `familiar train --json` prints.

    Raises `JobCancelled`, and `UsageError` for a concept without members.
    """
    config = config or TrainerConfig()
    concept = library.concept(concept_id)
    began = time.monotonic()
    directory = home.concepts / str(concept_id)
    members = library.members(concept_id)
    decided = _decided(library, concept_id)
    told = [fact.text for fact in library.facts(concept_id)]
    questions, untaught = text_questions(concept.name or "", told)
    taught = [f"told {asked.question} {asked.answer}" for asked in questions]
    identity = fingerprint(backbone.spec.version, decided + taught, config)
    finished = finished_training(directory, identity)
    if finished is not None:
        _record(library, concept_id, backbone, directory, decided)
        elapsed_s = time.monotonic() - began
        return {**finished, "concept": concept.name, "elapsed_s": elapsed_s, "repeated": False}
    if progress is not None:
        progress(Progress(0, config.steps, "Looking at the photos"))
    skipped: list[SkippedPhoto] = []
    dataset = collect_pictures(library, concept, backbone, config.pictures, on_skipped=skipped.append)
    trainer = PrefixTrainer(
        backbone, replace(dataset, questions=tuple(questions)), config, directory, identity
    )
    outcome = trainer.train(progress, cancelled, advanced)
    report: dict[str, Any] = {
        "concept": concept.name,
        **_measured(outcome, trainer, time.monotonic() - began),
        "photos": len({member.photo_id for member in members} - {photo.photo_id for photo in skipped}),
        "skipped": [{"path": str(photo.path), "reason": photo.reason} for photo in skipped],
        "questions": len(questions),
        # By number: the report is stored with the prefix, and a prefix can be shared without its facts.
        "untaught": [asdict(fact) for fact in untaught],
    }
    training = {
        "fingerprint": identity,
        "yes_no_threshold": outcome.yes_no_threshold,
        "final_loss": float(np.mean(outcome.losses[-20:])) if outcome.losses else None,
        "report": report,
    }
    named = {"id": concept_id, "name": concept.name}
    report["bytes"] = save_prefix(
        trainer.prefix, directory, spec=backbone.spec, concept=named, training=training
    )
    trainer.discard_checkpoint()
    _record(library, concept_id, backbone, directory, decided)
    return report


def _measured(outcome: TrainingOutcome, trainer: PrefixTrainer, elapsed_s: float) -> dict[str, Any]:
    """Cost of the training, and accuracy on the validation views."""
    accuracy = outcome.recognition_augmented
    return {
        "steps": outcome.steps,
        "elapsed_s": elapsed_s,
        "trained_values": sum(p.numel() for p in trainer.prefix.parameters()),
        "peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "recognition_augmented": None if math.isnan(accuracy) else accuracy,
    }


def _decided(library: Library, concept_id: int) -> list[str]:
    """Confirmed and rejected members as text: photo, kind and box, since a photo can show several faces."""
    return [
        f"{status} {library.photo(found.photo_id).content_hash} {found.kind} {found.box}"
        for status in ("confirmed", "rejected")
        for found in library.members(concept_id, status)
    ]


def _record(
    library: Library, concept_id: int, backbone: Backbone, directory: Path, decided: list[str]
) -> None:
    """Record the prefix in the library: `stale` if members were confirmed or rejected during the training."""
    with library.transaction():
        same = sorted(_decided(library, concept_id)) == sorted(decided)
        state: ConceptState = "ready" if same else "stale"
        library.set_prefix(concept_id, backbone=backbone.spec.version, directory=directory, state=state)
