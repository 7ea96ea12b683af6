"""Learns one concept's dual prefix in a frozen backbone: the loop, its checkpoints and what a concept costs.

Only the new rows are parameters; images are encoded once; logits are computed only where something is graded. Knows
examples and rows; where pictures come from is `concept_pictures`' business.
"""

from __future__ import annotations

import hashlib
import json
import math
import resource
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch.nn import functional

from personalizer.backbones.base import Backbone
from personalizer.concept_pictures import SkippedPhoto, collect_pictures
from personalizer.dual_prefix import DualPrefix, DualPrefixConfig, finished_training, save_prefix
from personalizer.errors import JobCancelled, UsageError
from personalizer.library import Library
from personalizer.locations import Home, write_atomically
from personalizer.prompts import NO, YES
from personalizer.schemas import OnProgress, Progress
from personalizer.text_questions import text_questions
from personalizer.training_set import (
    CODE,
    CONTEXT,
    ROW,
    TEXT,
    Example,
    ExampleBuilder,
    ExampleSampler,
    PrefixDataset,
    TaskWeights,
)

CHECKPOINT_FILE = "checkpoint.safetensors"


@dataclass(frozen=True, slots=True)
class TrainerConfig:
    """Counts are per step; `learning_rate` is in units of the backbone's own row size."""

    rows: DualPrefixConfig = field(default_factory=DualPrefixConfig)
    weights: TaskWeights = field(default_factory=TaskWeights)
    steps: int = 160
    learning_rate: float = 0.05
    recognition: int = 6
    description: int = 1
    generation: int = 2
    text: int = 1
    """Questions about what was told; none where nothing was."""
    soft_positives: int = 64
    soft_groups: int = 4
    views_per_photo: int = 12
    gradient_clip: float = 1.0
    checkpoint_every_s: float = 10.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.steps < 1 or self.learning_rate <= 0 or self.recognition < 2 or self.generation < 1:
            raise UsageError(
                tried=f"configuring training with steps={self.steps}, learning_rate={self.learning_rate}, "
                f"recognition={self.recognition}, generation={self.generation}",
                found="steps, generation and the rate must be positive, recognition at least 2",
                fix="Leave the defaults.",
            )


@dataclass(slots=True)
class TrainingOutcome:
    """What one training run did."""

    steps: int
    elapsed_s: float
    losses: list[float]
    recognition_augmented: float
    """Weighted accuracy on augmented views and negatives that were not trained on; NaN without any."""
    yes_no_threshold: float
    """log P(yes) - log P(no) halfway between those positives and negatives."""


class PrefixTrainer:
    """Optimises a `DualPrefix` on one dataset; a checkpoint in `directory` is continued when it fits."""

    def __init__(
        self,
        backbone: Backbone,
        dataset: PrefixDataset,
        config: TrainerConfig,
        directory: Path,
        fingerprint: str,
    ) -> None:
        torch.manual_seed(config.seed)
        self._backbone = backbone
        self._data = dataset
        self._config = config
        self._directory = directory
        self._fingerprint = fingerprint
        self._builder = ExampleBuilder(backbone, config.rows)
        self._sampler = ExampleSampler(self._builder, dataset, config.weights, config.text)
        self.prefix = DualPrefix(config.rows, self._starting_rows(), backbone.output_scale()).to(
            backbone.device
        )
        self._optimiser = torch.optim.AdamW(
            self.prefix.parameters(), lr=config.learning_rate, betas=(0.9, 0.95), weight_decay=0.0
        )
        self._step = 0
        self._spent_s = 0.0

    def _starting_rows(self) -> torch.Tensor:
        """The name from the vocabulary's free rows; the others are pieces of the concept's own pictures.

        Codes of a real picture are what the backbone knows how to read; a mean of many would be none of them.
        """
        count = self._config.rows.rows - 1
        embedded = self._backbone.embed_image_codes(self._data.positives).float()
        pieces, tokens = embedded.shape[0], embedded.shape[1]
        spread = torch.linspace(0, tokens - 1, count).round().long()
        chosen = [embedded[index * pieces // count, place] for index, place in enumerate(spread.tolist())]
        return torch.stack([self._backbone.name_prior().to(embedded.device), *chosen])

    def train(self, progress: OnProgress | None, cancelled: Callable[[], bool] | None) -> TrainingOutcome:
        """Run the remaining steps. A cancelled run leaves a checkpoint and raises `JobCancelled`."""
        self._resume()
        config, losses = self._config, []
        last_saved = time.monotonic()
        while self._step < config.steps:
            began = time.monotonic()
            rng = np.random.default_rng((config.seed, self._step))
            examples = self._sampler.batch(
                rng,
                recognition=config.recognition,
                description=config.description,
                generation=config.generation,
            )
            self._set_rate()
            loss = self._loss(examples)
            self._optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.prefix.parameters(), config.gradient_clip)
            self._optimiser.step()
            losses.append(float(loss.detach()))
            if not math.isfinite(losses[-1]):
                raise ArithmeticError(f"the loss became {losses[-1]} at step {self._step}")
            self._step += 1
            self._spent_s += time.monotonic() - began
            if progress is not None:
                message = f"Learning, loss {np.mean(losses[-20:]):.2f}"
                progress(Progress(self._step, config.steps, message))
            if cancelled is not None and cancelled():
                self._save_checkpoint()
                raise JobCancelled
            if time.monotonic() - last_saved > config.checkpoint_every_s:
                self._save_checkpoint()
                last_saved = time.monotonic()
        # What comes now can be interrupted as well, and should not cost the steps.
        self._save_checkpoint()
        accuracy, threshold = self._check()
        return TrainingOutcome(self._step, self._spent_s, losses, accuracy, threshold)

    def _set_rate(self) -> None:
        done = self._step / self._config.steps
        factor = min(1.0, (self._step + 1) / 10) * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * done)))
        for group in self._optimiser.param_groups:
            group["lr"] = self._config.learning_rate * factor

    def _embed(self, examples: list[Example]) -> tuple[torch.Tensor, torch.Tensor]:
        """Embeddings `[batch, longest, hidden]` with the current rows in place, and the mask `[batch, longest]`."""
        backbone = self._backbone
        longest = max(len(example.kind) for example in examples)
        kind = torch.full((len(examples), longest), -1)
        value = torch.zeros((len(examples), longest), dtype=torch.long)
        for row, example in enumerate(examples):
            kind[row, : len(example.kind)] = torch.tensor(example.kind)
            value[row, : len(example.kind)] = torch.tensor(example.value)
        kind, value = kind.to(backbone.device), value.to(backbone.device)
        hidden = backbone.spec.hidden_size
        rows = self.prefix.input_rows
        sample = backbone.embed_text(value[:1, :1])
        embeddings = torch.zeros((*kind.shape, hidden), dtype=sample.dtype, device=backbone.device)
        embeddings[kind == TEXT] = backbone.embed_text(value[kind == TEXT])
        embeddings[kind == CODE] = backbone.embed_image_codes(value[kind == CODE])
        if self._data.contexts is not None:
            contexts = self._data.contexts.flatten(0, 1)
            embeddings[kind == CONTEXT] = contexts[value[kind == CONTEXT]].to(embeddings)
        embeddings = embeddings.index_put((kind == ROW,), rows[value[kind == ROW]].to(embeddings.dtype))
        return embeddings, (kind >= 0).long()

    def _loss(self, examples: list[Example]) -> torch.Tensor:
        """The weighted mean over examples; logits exist only at graded positions."""
        embeddings, mask = self._embed(examples)
        hidden, _ = self._backbone.forward(embeddings, mask)
        total = torch.zeros((), device=hidden.device)
        for codes in (False, True):
            rows, places, targets, weights = [], [], [], []
            for row, example in enumerate(examples):
                for place, weight in enumerate(example.weight):
                    if weight > 0 and example.target_is_code[place] == codes:
                        rows.append(row)
                        places.append(place)
                        targets.append(example.target[place])
                        weights.append(weight)
            if not rows:
                continue
            graded = hidden[rows, places]
            logits = self._backbone.image_logits(graded) if codes else self._text_and_row_logits(graded)
            values = functional.cross_entropy(
                logits.float(), torch.tensor(targets, device=logits.device), reduction="none"
            )
            total = total + (values * torch.tensor(weights, device=values.device)).sum()
        return total / len(examples)

    def _text_and_row_logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """`[n, text_vocabulary + rows]`."""
        text = self._backbone.text_logits(hidden).float()
        return torch.cat([text, hidden.float() @ self.prefix.output_rows.T], dim=-1)

    @torch.no_grad()
    def yes_no(self, positives: bool) -> torch.Tensor:
        """log P(yes) - log P(no) on the held views or the held negatives, `[n]`."""
        codes = self._data.held_positives if positives else self._data.held_negatives
        first = len(self._data.positives) + (
            0 if positives else len(self._data.held_positives) + len(self._data.negatives)
        )
        yes, no = self._backbone.tokenize(YES)[0], self._backbone.tokenize(NO)[0]
        found = []
        for start in range(0, len(codes), 16):
            examples = [
                self._builder.recognition((first + index, codes[index].tolist()), True, self._config.weights)
                for index in range(start, min(start + 16, len(codes)))
            ]
            embeddings, mask = self._embed(examples)
            hidden, _ = self._backbone.forward(embeddings, mask)
            # The answer is what stands at the end, whatever its tokens weigh.
            answer = len(self._backbone.tokenize(YES)) + 1
            places = [len(example.target) - answer for example in examples]
            logits = self._backbone.text_logits(hidden[range(len(examples)), places]).float()
            found.append(logits[:, yes] - logits[:, no])
        return torch.cat(found) if found else torch.zeros(0)

    def _check(self) -> tuple[float, float]:
        """Weighted accuracy on what was held out, and the threshold between its two sides."""
        positives, negatives = self.yes_no(True), self.yes_no(False)
        if not len(positives) or not len(negatives):
            return float("nan"), 0.0
        threshold = float((positives.mean() + negatives.mean()) / 2)
        right = ((positives > threshold).float().mean() + (negatives <= threshold).float().mean()) / 2
        return float(right), threshold

    def _save_checkpoint(self) -> None:
        state = self._optimiser.state_dict()["state"]
        tensors = {
            "input_offset": self.prefix.input_offset.detach(),
            "output_offset": self.prefix.output_offset.detach(),
            "input_start": self.prefix.input_start,
        }
        for index, moments in state.items():
            for name, tensor in moments.items():
                tensors[f"optimiser.{index}.{name}"] = tensor
        tensors = {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}
        record = {
            "step": self._step,
            "spent_s": self._spent_s,
            "fingerprint": self._fingerprint,
            "sha256": hashlib.sha256(save(tensors)).hexdigest(),
        }
        content = save(tensors, {"training": json.dumps(record)})
        write_atomically(self._directory / CHECKPOINT_FILE, content)

    def _resume(self) -> None:
        path = self._directory / CHECKPOINT_FILE
        if not path.exists():
            return
        try:
            content = path.read_bytes()
            tensors = load(content)
            header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
            record = json.loads(header["__metadata__"]["training"])
            whole = record["sha256"] == hashlib.sha256(save(tensors)).hexdigest()
            step, spent_s = int(record["step"]), float(record["spent_s"])
            if not whole or record["fingerprint"] != self._fingerprint:
                return
        except (SafetensorError, ValueError, KeyError, TypeError):
            return  # a damaged checkpoint costs its steps, never the training
        with torch.no_grad():
            self.prefix.input_offset.copy_(tensors["input_offset"])
            self.prefix.output_offset.copy_(tensors["output_offset"])
        state = self._optimiser.state_dict()
        state["state"] = {}
        for name, tensor in tensors.items():
            if name.startswith("optimiser."):
                _, index, moment = name.split(".", 2)
                state["state"].setdefault(int(index), {})[moment] = tensor
        self._optimiser.load_state_dict(state)
        self._step, self._spent_s = step, spent_s

    def discard_checkpoint(self) -> None:
        """Remove the checkpoint once its result is saved."""
        (self._directory / CHECKPOINT_FILE).unlink(missing_ok=True)


def fingerprint(backbone_version: str, examples: list[str], config: TrainerConfig) -> str:
    """Identifies a training run: the same backbone, members, questions and settings give the same rows."""
    content = json.dumps([backbone_version, sorted(examples), asdict(config)])
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
) -> dict[str, Any]:
    """Train a named concept from its confirmed members and record the prefix in the library.

    Finished work is recognised by its fingerprint and not repeated; interrupted work continues. Returns the keys that
    `familiar train --json` prints. Raises `UsageError` for a concept without members and `JobCancelled`.
    """
    config = config or TrainerConfig()
    concept = library.concept(concept_id)
    began = time.monotonic()
    directory = home.concepts / str(concept_id)
    members = library.members(concept_id)
    # Which face of a photo it is matters, not only which photo; and what a person said it is not.
    decided = [
        f"{status} {library.photo(found.photo_id).content_hash} {found.kind} {found.box}"
        for status in ("confirmed", "rejected")
        for found in library.members(concept_id, status)
    ]
    questions, untaught = text_questions(
        concept.name or "", [fact.text for fact in library.facts(concept_id)]
    )
    taught = [f"told {asked.question} {asked.answer}" for asked in questions]
    identity = fingerprint(backbone.spec.version, decided + taught, config)
    finished = finished_training(directory, identity)
    if finished is not None:
        library.set_prefix(concept_id, backbone=backbone.spec.version, directory=directory, state="ready")
        elapsed_s = time.monotonic() - began
        return {**finished, "concept": concept.name, "elapsed_s": elapsed_s, "repeated": False}
    if progress is not None:
        progress(Progress(0, config.steps, "Looking at the photos"))
    skipped: list[SkippedPhoto] = []
    dataset = collect_pictures(
        library,
        home,
        concept,
        backbone,
        backbone.directory,
        views_per_photo=config.views_per_photo,
        soft_positives=config.soft_positives,
        soft_groups=config.soft_groups,
        generation_rows=config.rows.generation_rows,
        seed=config.seed,
        on_skipped=skipped.append,
    )
    dataset = replace(dataset, questions=tuple(questions))
    trainer = PrefixTrainer(backbone, dataset, config, directory, identity)
    outcome = trainer.train(progress, cancelled)
    accuracy = outcome.recognition_augmented
    report: dict[str, Any] = {
        "concept": concept.name,
        "steps": outcome.steps,
        "elapsed_s": time.monotonic() - began,
        "trained_values": sum(p.numel() for p in trainer.prefix.parameters()),
        "peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "recognition_augmented": None if math.isnan(accuracy) else accuracy,
        "photos": len({member.photo_id for member in members} - {photo.photo_id for photo in skipped}),
        "skipped": [{"path": str(photo.path), "reason": photo.reason} for photo in skipped],
        "questions": len(questions),
        # By number: the report goes where the prefix goes, and what was told need not.
        "untaught": [asdict(fact) for fact in untaught],
    }
    report["bytes"] = save_prefix(
        trainer.prefix,
        directory,
        spec=backbone.spec,
        concept={"id": concept_id, "name": concept.name},
        training={
            "fingerprint": identity,
            "yes_no_threshold": outcome.yes_no_threshold,
            "final_loss": float(np.mean(outcome.losses[-20:])) if outcome.losses else None,
            "report": report,
        },
    )
    trainer.discard_checkpoint()
    library.set_prefix(concept_id, backbone=backbone.spec.version, directory=directory, state="ready")
    return report
