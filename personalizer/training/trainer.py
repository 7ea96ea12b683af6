"""The training loop: learns one concept's dual prefix in a frozen backbone, and resumes from a checkpoint.

Only the virtual tokens are parameters; images are encoded once. The loss is in `loss`, the choice of pictures in
`data/pictures`.
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
from personalizer.prefix.former_names import with_current_names
from personalizer.prefix.prompts import NO, YES, personal_prompt
from personalizer.schemas import OnProgress, Progress
from personalizer.training.checkpoint import (
    CHECKPOINT_FILE,
    INITIALIZATION_TENSOR,
    OPTIMIZER_TENSORS,
    read_checkpoint,
    write_checkpoint,
)
from personalizer.training.data.examples import ExampleBuilder, ExampleSampler, PrefixDataset, TaskWeights
from personalizer.training.data.pictures import PicturesConfig
from personalizer.training.deep_prompt import initialize_deep_prompts
from personalizer.training.distractor_prompts import DistractorPrompts
from personalizer.training.hidden_states import ExampleStates
from personalizer.training.initialization import INITIALIZATIONS, Initialization, initialize_tokens
from personalizer.training.kl_regularization import KLQuestion, KLRegularization
from personalizer.training.loss import Objective

REMOVED_SETTINGS: Mapping[str, Any] = {"ema": 0.0, "patience": 0, "evaluate_every": 20, "pull": 0.0}
"""Fields that `TrainerConfig` once had between `seed` and `kl_weight`, each with the value that switched it off.

Queued jobs may still contain them, and the fingerprints of finished trainings cover them.
"""


@dataclass(frozen=True, slots=True)
class TrainerConfig:
    """Counts are per step; `learning_rate` is in units of the backbone's own embedding size.

    Fingerprints and queued jobs know renamed fields by their former names (`personalizer/prefix/former_names.py`).
    """

    prefix: DualPrefixConfig = field(default_factory=DualPrefixConfig)
    weights: TaskWeights = field(default_factory=TaskWeights)
    steps: int = 160
    learning_rate: float = 0.05
    recognition: int = 6
    description: int = 1
    generation: int = 2
    text: int = 1
    """Questions about the concept's facts; a concept without facts has none."""
    soft_positives: int = 64
    soft_groups: int = 4
    views_per_photo: int = 12
    background_views: int = 4
    """At most so many of these show the thing on another background, if a mask separates it from its own."""
    background_negatives: int = 2
    """Views per photo of the background without the thing."""
    gradient_clip: float = 1.0
    checkpoint_every_s: float = 10.0
    seed: int = 0
    kl_weight: float = 1.0
    """Weight of the KL divergence from the frozen model's answers about other things. It also regularizes: with it, a
    prefix recognizes its concept better in new photos."""
    kl_questions: int = 3
    """A step asks one such question about each of so many of its pictures."""
    distractor_share: float = 0.3
    """The share of steps with a distractor prompt in the context."""
    gradient_checkpointing: bool = False
    """Run each example again in the backward pass: less memory, more time, the same gradients."""
    hard_negatives: bool = True
    """Take half of the negatives from those that look most like the concept; otherwise leave these out."""
    initialization: Initialization = "pieces"
    """How the virtual tokens are initialized."""

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
        if self.initialization not in INITIALIZATIONS:
            raise UsageError(
                tried=f"configuring training with initialization={self.initialization!r}",
                found="there is no such initialization",
                fix=f"Use one of: {', '.join(INITIALIZATIONS)}.",
            )
        if not 0 <= self.distractor_share <= 1 or self.kl_questions < 1 or not self.kl_weight >= 0:
            raise UsageError(
                tried=f"configuring training with distractor_share={self.distractor_share}, "
                f"kl_questions={self.kl_questions}, kl_weight={self.kl_weight}",
                found="distractor_share must be in 0..1, kl_questions at least 1, kl_weight not negative",
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
        """The settings that choose the pictures of a training."""
        return PicturesConfig(
            views_per_photo=self.views_per_photo,
            soft_positives=self.soft_positives,
            soft_groups=self.soft_groups,
            generation_tokens=self.prefix.generation_tokens,
            seed=self.seed,
            background_views=self.background_views,
            background_negatives=self.background_negatives,
        )

    @staticmethod
    def with_settings(settings: Mapping[str, Any]) -> TrainerConfig:
        """The defaults overridden by `settings`, JSON values by field; `prefix` and `weights` are nested objects.

        A job may have been queued by an earlier version: former names are translated, removed fields ignored.
        """
        parts: dict[str, Callable[..., Any]] = {"prefix": DualPrefixConfig, "weights": TaskWeights}
        try:
            return TrainerConfig(
                **{
                    name: parts[name](**value) if name in parts else value
                    for name, value in with_current_names(settings).items()
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
    """The result of one training run."""

    steps: int
    losses: list[float]
    recognition_augmented: float
    """Weighted accuracy on the validation views and negatives; NaN without any."""
    yes_no_threshold: float
    """log P(yes) - log P(no) halfway between the means of these positives and negatives."""


class PrefixTrainer:
    """Optimizes a `DualPrefix` on one dataset; resumes from a checkpoint in `directory` with the same fingerprint."""

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
        self.builder = ExampleBuilder(backbone, config.prefix)
        self._sampler = ExampleSampler(
            self.builder, dataset, config.weights, config.text, hard_negatives=config.hard_negatives
        )
        tokens = initialize_tokens(
            backbone,
            dataset.real_positives,
            config.prefix.num_learned_tokens,
            config.initialization,
            config.seed,
        )
        prompt = self.builder.prompt_positions(personal_prompt())
        self.prefix = DualPrefix(
            config.prefix, tokens, backbone.output_scale(), self._initialize_deep_prompts(prompt, tokens)
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
        self.objective = Objective(backbone, self.prefix, self.states, kl_weight=config.kl_weight)
        self._kl_regularization = KLRegularization(
            backbone, self.prefix, self.builder, dataset.contexts, config.seed
        )
        self._distractors = DistractorPrompts(backbone, self.prefix, self.builder, dataset.negatives)
        self._step = 0

    def _initialize_deep_prompts(
        self, prompt: list[tuple[int, int]], tokens: torch.Tensor
    ) -> torch.Tensor | None:
        config, spec = self.config.prefix, self._backbone.spec
        if not config.deep_layers:
            return None
        if config.deep_layers > spec.layers:
            raise UsageError(
                tried=f"training rows in the first {config.deep_layers} layers",
                found=f"{spec.name} has {spec.layers}",
                fix="Use fewer deep_layers.",
            )
        virtual_tokens = torch.cat([tokens, tokens[1:]]) if config.shared else tokens
        return initialize_deep_prompts(self._backbone, prompt, virtual_tokens, config.deep_layers)

    def train(
        self,
        progress: OnProgress | None,
        cancelled: Callable[[], bool] | None,
        advanced: Callable[[], None] | None = None,
    ) -> TrainingOutcome:
        """Run the remaining steps. A cancelled run writes a checkpoint and raises `JobCancelled`.

        `advanced` is called after each checkpoint.
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
        # Validation can be interrupted too; a checkpoint keeps the steps.
        self._save_checkpoint()
        accuracy, threshold = self._validate()
        return TrainingOutcome(self._step, losses, accuracy, threshold)

    def step(self) -> float:
        """Run one optimizer step; return the loss before it."""
        config = self.config
        rng = np.random.default_rng((config.seed, self._step))
        examples = self._sampler.sample_batch(
            rng,
            recognition=config.recognition,
            description=config.description,
            generation=config.generation,
        )
        distractor = (
            self._distractors.sample_prompt_cache(rng) if rng.random() < config.distractor_share else None
        )
        kl_questions: list[KLQuestion] = []
        if config.kl_weight:
            read = {example.image[0]: example.image for example in examples if example.image is not None}
            chosen = rng.permutation(sorted(read))[: config.kl_questions].tolist()
            kl_questions = self._kl_regularization.sample_questions([read[index] for index in chosen], rng)
        self._set_learning_rate()
        loss = self.objective.loss(examples, kl_questions, distractor)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.prefix.parameters(), config.gradient_clip)
        self.optimizer.step()
        loss_before = float(loss.detach())
        if not math.isfinite(loss_before):
            raise ArithmeticError(f"the loss became {loss_before} at step {self._step}")
        self._step += 1
        return loss_before

    def _set_learning_rate(self) -> None:
        done = self._step / self.config.steps
        factor = min(1.0, (self._step + 1) / 10) * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * done)))
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate * factor

    @torch.no_grad()
    def yes_no_log_odds(self, positives: bool) -> torch.Tensor:
        """log P(yes) - log P(no) on the validation positives or the validation negatives, `[n]`."""
        data = self._data
        count = len(data.validation_positives if positives else data.validation_negatives)
        picture = data.validation_positive if positives else data.validation_negative
        yes, no = self._backbone.tokenize(YES)[0], self._backbone.tokenize(NO)[0]
        log_odds = []
        for start in range(0, count, 16):
            examples = [
                self.builder.recognition(picture(index), True, self.config.weights)
                for index in range(start, min(start + 16, count))
            ]
            # The answer and the end token are last in each example, whatever their weights.
            answer_length = len(self._backbone.tokenize(YES)) + 1
            states = self.states.hidden_states_at(
                examples, [[len(example.target) - answer_length] for example in examples]
            )
            logits = self._backbone.text_logits(torch.cat(states)).float()
            log_odds.append(logits[:, yes] - logits[:, no])
        return torch.cat(log_odds) if log_odds else torch.zeros(0)

    def _validate(self) -> tuple[float, float]:
        """Weighted accuracy on the validation set, and the threshold between its positives and negatives."""
        positives, negatives = self.yes_no_log_odds(True), self.yes_no_log_odds(False)
        if not len(positives) or not len(negatives):
            return float("nan"), 0.0
        threshold = float((positives.mean() + negatives.mean()) / 2)
        right = ((positives > threshold).float().mean() + (negatives <= threshold).float().mean()) / 2
        return float(right), threshold

    def _save_checkpoint(self) -> None:
        tensors = {name: value.detach() for name, value in self.prefix.named_parameters()}
        tensors[INITIALIZATION_TENSOR] = self.prefix.input_initialization
        for index, moments in self.optimizer.state_dict()["state"].items():
            for name, tensor in moments.items():
                tensors[f"{OPTIMIZER_TENSORS}.{index}.{name}"] = tensor
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
            if name.startswith(f"{OPTIMIZER_TENSORS}."):
                _, index, moment = name.split(".", 2)
                state["state"].setdefault(int(index), {})[moment] = tensor
        self.optimizer.load_state_dict(state)
        self._step = int(record["step"])

    def discard_checkpoint(self) -> None:
        """Remove the checkpoint, and temporary files of killed runs; call it once the prefix is saved."""
        (self._directory / CHECKPOINT_FILE).unlink(missing_ok=True)
        remove_leftovers(self._directory)
