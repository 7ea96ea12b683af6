"""Learns one concept's dual prefix in a frozen backbone: the loop, and what it continues from.

Only the new rows are parameters; images are encoded once. Knows examples and rows; `loss` says what is minimized,
`data/pictures` where pictures come from.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from personalizer.backbones.base import Backbone
from personalizer.errors import JobCancelled, UsageError
from personalizer.prefix.dual_prefix import DualPrefix, DualPrefixConfig
from personalizer.prefix.files import remove_leftovers
from personalizer.prefix.prompts import NO, YES, personal_prompt
from personalizer.schemas import OnProgress, Progress
from personalizer.training.checkpoint import CHECKPOINT_FILE, read_checkpoint, write_checkpoint
from personalizer.training.data.examples import ExampleBuilder, ExampleSampler, PrefixDataset, TaskWeights
from personalizer.training.data.pictures import PicturesConfig
from personalizer.training.deep_prompt import deep_start
from personalizer.training.distractor_prompts import DistractorPrompts
from personalizer.training.hidden_states import ExampleStates
from personalizer.training.initialization import STARTS, Start, starting_rows
from personalizer.training.loss import Objective
from personalizer.training.preservation import Preservation, Preserved

REMOVED_SETTINGS: Mapping[str, Any] = {"ema": 0.0, "patience": 0, "evaluate_every": 20, "pull": 0.0}
"""Fields that `TrainerConfig` once had between `seed` and `preservation`, with the values that changed nothing.

Queued jobs may still give them, and the fingerprints of finished trainings cover them.
"""


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
    background_views: int = 4
    """Of these, at most so many show a thing on another ground, where it can be told from its own."""
    background_negatives: int = 2
    """Views per photo of the ground alone, which do not show the thing."""
    gradient_clip: float = 1.0
    checkpoint_every_s: float = 10.0
    seed: int = 0
    preservation: float = 1.0
    """Weight of what the personal prompt changes in answers about other pictures. It also regularises: with it a
    prefix recognises its concept better in new photos."""
    preserved: int = 3
    """Of the pictures that a step reads, about so many one other question is asked."""
    companions: float = 0.3
    """The share of steps with another personal prompt in the context."""
    gradient_checkpointing: bool = False
    """Run each example again in the backward pass: less memory, more time, the same gradients."""
    hard_negatives: bool = True
    """Half of what is answered with no looks most like the concept; without it none of that is shown."""
    start: Start = "pieces"
    """What the rows begin as."""

    def __post_init__(self) -> None:
        tasks = (self.recognition, self.description, self.generation)
        nothing = min(tasks) < 0 or not sum(tasks)
        if self.steps < 1 or self.learning_rate <= 0 or self.recognition == 1 or nothing:
            raise UsageError(
                tried=f"configuring training with steps={self.steps}, learning_rate={self.learning_rate}, "
                f"recognition={self.recognition}, description={self.description}, generation={self.generation}",
                found="steps and the rate must be positive, recognition (a yes and a no) not 1, one task at least 1",
                fix="Leave the defaults.",
            )
        if self.start not in STARTS:
            raise UsageError(
                tried=f"configuring training with start={self.start!r}",
                found="rows cannot begin as that",
                fix=f"Use one of: {', '.join(STARTS)}.",
            )
        if not 0 <= self.companions <= 1 or self.preserved < 1 or not self.preservation >= 0:
            raise UsageError(
                tried=f"configuring training with companions={self.companions}, preserved={self.preserved}, "
                f"preservation={self.preservation}",
                found="companions must be in 0..1, preserved at least 1, preservation not negative",
                fix="Leave the defaults.",
            )
        if self.background_views < 0 or self.background_negatives < 0:
            raise UsageError(
                tried=f"configuring training with background_views={self.background_views}, "
                f"background_negatives={self.background_negatives}",
                found="neither may be negative",
                fix="Leave the defaults.",
            )

    @property
    def pictures(self) -> PicturesConfig:
        """Which pictures a training by these settings looks at."""
        return PicturesConfig(
            views_per_photo=self.views_per_photo,
            soft_positives=self.soft_positives,
            soft_groups=self.soft_groups,
            generation_rows=self.rows.generation_rows,
            seed=self.seed,
            background_views=self.background_views,
            background_negatives=self.background_negatives,
        )

    @staticmethod
    def with_settings(settings: Mapping[str, Any]) -> TrainerConfig:
        """The defaults but for `settings`, JSON values by field; `rows` and `weights` are objects of their own.

        Fields of earlier versions are ignored: a job may have been queued by one.
        """
        parts: dict[str, Callable[..., Any]] = {"rows": DualPrefixConfig, "weights": TaskWeights}
        try:
            return TrainerConfig(
                **{
                    name: parts[name](**value) if name in parts else value
                    for name, value in settings.items()
                    if name not in REMOVED_SETTINGS
                }
            )
        except TypeError as error:  # a field that does not exist, or a value that cannot be compared
            raise UsageError(
                tried=f"training with the settings {dict(settings)}",
                found=str(error),
                fix="Use the fields of TrainerConfig.",
            ) from error


@dataclass(slots=True)
class TrainingOutcome:
    """What one training run did."""

    steps: int
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
        self.config = config
        self._directory = directory
        self._fingerprint = fingerprint
        self.builder = ExampleBuilder(backbone, config.rows)
        self._sampler = ExampleSampler(
            self.builder, dataset, config.weights, config.text, hard_negatives=config.hard_negatives
        )
        start = starting_rows(
            backbone, dataset.real_positives, config.rows.learned_rows, config.start, config.seed
        )
        prompt = self.builder.beginning(personal_prompt())
        self.prefix = DualPrefix(
            config.rows, start, backbone.output_scale(), self._deep_start(prompt, start)
        ).to(backbone.device)
        self.optimizer = torch.optim.AdamW(
            self.prefix.parameters(), lr=config.learning_rate, betas=(0.9, 0.95), weight_decay=0.0
        )
        self.states = ExampleStates(
            backbone,
            self.prefix,
            dataset.contexts,
            shared=prompt,
            gradient_checkpointing=config.gradient_checkpointing,
        )
        self.objective = Objective(backbone, self.prefix, self.states, preservation=config.preservation)
        self._preservation = Preservation(backbone, self.prefix, self.builder, dataset.contexts, config.seed)
        self._distractors = DistractorPrompts(backbone, self.prefix, self.builder, dataset.negatives)
        self._step = 0

    def _deep_start(self, prompt: list[tuple[int, int]], start: torch.Tensor) -> torch.Tensor | None:
        rows, spec = self.config.rows, self._backbone.spec
        if not rows.deep_layers:
            return None
        if rows.deep_layers > spec.layers:
            raise UsageError(
                tried=f"training rows in the first {rows.deep_layers} layers",
                found=f"{spec.name} has {spec.layers}",
                fix="Use fewer deep_layers.",
            )
        everywhere = torch.cat([start, start[1:]]) if rows.shared else start
        return deep_start(self._backbone, prompt, everywhere, rows.deep_layers)

    def train(
        self,
        progress: OnProgress | None,
        cancelled: Callable[[], bool] | None,
        advanced: Callable[[], None] | None = None,
    ) -> TrainingOutcome:
        """Run the remaining steps. A cancelled run leaves a checkpoint and raises `JobCancelled`.

        `advanced` is called whenever steps were stored.
        """
        self._resume()
        config, losses = self.config, []
        last_saved = time.monotonic()
        while self._step < config.steps:
            losses.append(self.step())
            if progress is not None:
                message = f"Learning, loss {np.mean(losses[-20:]):.2f}"
                progress(Progress(self._step, config.steps, message))
            if cancelled is not None and cancelled():
                self._save_checkpoint()
                raise JobCancelled
            if time.monotonic() - last_saved > config.checkpoint_every_s:
                self._save_checkpoint()
                if advanced is not None:
                    advanced()
                last_saved = time.monotonic()
        # What comes now can be interrupted as well, and should not cost the steps.
        self._save_checkpoint()
        accuracy, threshold = self._check()
        return TrainingOutcome(self._step, losses, accuracy, threshold)

    def step(self) -> float:
        """One step; returns the loss before it."""
        config = self.config
        rng = np.random.default_rng((config.seed, self._step))
        examples = self._sampler.batch(
            rng,
            recognition=config.recognition,
            description=config.description,
            generation=config.generation,
        )
        distractor = self._distractors.sample_prompt_cache(rng) if rng.random() < config.companions else None
        preserved: list[Preserved] = []
        if config.preservation:
            read = {example.reads[0]: example.reads for example in examples if example.reads is not None}
            chosen = rng.permutation(sorted(read))[: config.preserved].tolist()
            preserved = self._preservation.about([read[index] for index in chosen], rng)
        self._set_rate()
        loss = self.objective.loss(examples, preserved, distractor)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.prefix.parameters(), config.gradient_clip)
        self.optimizer.step()
        found = float(loss.detach())
        if not math.isfinite(found):
            raise ArithmeticError(f"the loss became {found} at step {self._step}")
        self._step += 1
        return found

    def _set_rate(self) -> None:
        done = self._step / self.config.steps
        factor = min(1.0, (self._step + 1) / 10) * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * done)))
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate * factor

    @torch.no_grad()
    def yes_no(self, positives: bool) -> torch.Tensor:
        """log P(yes) - log P(no) on the held views or the held negatives, `[n]`."""
        data = self._data
        count = len(data.held_positives if positives else data.held_negatives)
        picture = data.held_positive if positives else data.held_negative
        yes, no = self._backbone.tokenize(YES)[0], self._backbone.tokenize(NO)[0]
        found = []
        for start in range(0, count, 16):
            examples = [
                self.builder.recognition(picture(index), True, self.config.weights)
                for index in range(start, min(start + 16, count))
            ]
            # The answer is what stands at the end, whatever its tokens weigh.
            answer = len(self._backbone.tokenize(YES)) + 1
            states = self.states.hidden_states_at(
                examples, [[len(example.target) - answer] for example in examples]
            )
            logits = self._backbone.text_logits(torch.cat(states)).float()
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
        tensors = {name: value.detach() for name, value in self.prefix.named_parameters()}
        tensors["input_start"] = self.prefix.input_start
        for index, moments in self.optimizer.state_dict()["state"].items():
            for name, tensor in moments.items():
                tensors[f"optimiser.{index}.{name}"] = tensor
        record = {"step": self._step, "fingerprint": self._fingerprint}
        write_checkpoint(self._directory, tensors, record)

    def _resume(self) -> None:
        saved = read_checkpoint(self._directory, self._fingerprint)
        if saved is None:
            return
        tensors, record = saved
        with torch.no_grad():
            for name, value in self.prefix.named_parameters():
                value.copy_(tensors[name])
        state = self.optimizer.state_dict()
        state["state"] = {}
        for name, tensor in tensors.items():
            if name.startswith("optimiser."):
                _, index, moment = name.split(".", 2)
                state["state"].setdefault(int(index), {})[moment] = tensor
        self.optimizer.load_state_dict(state)
        self._step = int(record["step"])

    def discard_checkpoint(self) -> None:
        """Remove the checkpoint once its result is saved, and what killed runs left."""
        (self._directory / CHECKPOINT_FILE).unlink(missing_ok=True)
        remove_leftovers(self._directory)
