"""Times one concept's training with `trainer` and with `naive_trainer`, on the same pictures and initialization.

Runs as a separate process (`python -m personalizer.benchmarks.training_speed JSON`) and prints JSON lines: progress,
then the result or the error. Knows no report format.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image

from personalizer.backbones.chameleon import ChameleonBackbone
from personalizer.backbones.registry import load_backbone
from personalizer.benchmarks.naive_trainer import NaiveRecipe
from personalizer.errors import FamiliarError, UsageError
from personalizer.photos.crops import augmented
from personalizer.photos.decode import load_photo
from personalizer.prefix.former_names import with_current_names
from personalizer.training.data.examples import (
    Example,
    ExampleBuilder,
    ExampleSampler,
    PrefixDataset,
    TaskWeights,
)
from personalizer.training.data.negatives import HARD_SHARE
from personalizer.training.data.soft_positives import rank_soft_positives
from personalizer.training.loss import Objective
from personalizer.training.trainer import PrefixTrainer, TrainerConfig

VALIDATION_VIEWS_PER_PHOTO = 4
VALIDATION_NEGATIVES = 12
"""Validation set: augmented views of each photo of the subject, and at most so many negatives."""
PUBLISHED_LENGTH, PUBLISHED_PICTURE = 1500, 1024
"""The fixed length in the settings of arXiv 2504.20998, and the tokens that a picture takes of it."""
WARM_UP = 2
"""First steps that the medians leave out: memory is still being allocated."""
Side = Literal["ours", "baseline"]


@dataclass(frozen=True, slots=True)
class Request:
    """What to measure. `subject` and `negatives` are paths of photos, in the order in which they are used."""

    subject: list[str]
    negatives: list[str]
    sides: list[Side]
    backbone: str = "pocket"
    device: str = "auto"
    steps: int = 60
    evaluate_every: int = 4
    """Steps between validation losses; 0 measures time only."""
    learning_rate: float = 0.01
    """Of the naive recipe, in the units of its embedding matrices."""
    seed: int = 0
    padded_to: int = 0
    """Positions that the naive recipe pads to; 0 for the padding ratio of the published recipe."""
    trainer: dict[str, Any] = field(default_factory=dict)
    """Overrides of fields of `TrainerConfig`."""


def main(arguments: list[str]) -> int:
    """Run the `Request` in the first argument (JSON) and print the result; returns the exit status."""
    try:
        result = measure(Request(**json.loads(arguments[0])), _print_progress)
    except FamiliarError as error:
        print(
            json.dumps({"error": {"tried": error.tried, "found": error.found, "fix": error.fix}}), flush=True
        )
        return error.exit_code
    print(json.dumps({"result": result}), flush=True)
    return 0


def _print_progress(done: int, total: int) -> None:
    print(json.dumps({"progress": [done, total]}), flush=True)


def measure(request: Request, progress: Callable[[int, int], None]) -> dict[str, Any]:
    """Per side: seconds of each step, validation losses, optimizer bytes; and the process's peak memory in MiB.

    Both sides take turns step by step, so that other load on the machine slows both alike. Raises `UsageError` for a
    backbone that is not Chameleon, too few photos or too short a `padded_to`.
    """
    backbone = load_backbone(request.backbone, request.device)
    if not isinstance(backbone, ChameleonBackbone):
        raise UsageError(
            tried=f"measuring training on {request.backbone!r}",
            found="the naive recipe needs one vocabulary for words and pictures",
            fix="Use a backbone in Chameleon's format.",
        )
    # The naive recipe has no KL regularization and no distractor prompts: without them both sides do the same work.
    settings = {"kl_weight": 0.0, "distractor_share": 0.0, **with_current_names(request.trainer)}
    config = replace(TrainerConfig(), **settings, seed=request.seed, steps=request.steps)
    data, pictures = read_pictures(request, backbone, config)
    builder = ExampleBuilder(backbone, config.prefix)
    validation = validation_examples(builder, data, config.weights)
    with tempfile.TemporaryDirectory() as folder:
        sides: dict[Side, _Side] = {}
        for name in request.sides:
            trainer = PrefixTrainer(backbone, data, config, Path(folder), name)
            sides[name] = (
                _Ours(trainer) if name == "ours" else _Naive(trainer, backbone, data, pictures, request)
            )
        for step in range(request.steps + 1):
            evaluates = request.evaluate_every and (
                step % request.evaluate_every == 0 or step == request.steps
            )
            for side in sides.values():
                if evaluates:
                    side.held.append((step, validation_loss(side.trainer.objective, validation)))
                if step < request.steps:
                    side.run(step)
            progress(step, request.steps)
    return {
        **{name: side.result() for name, side in sides.items()},
        "peak_mib": _peak_mib(backbone.device),
        "threads": torch.get_num_threads(),
        "device": str(backbone.device),
        "backbone": backbone.spec.version,
        "batch": {
            "recognition": config.recognition,
            "description": config.description,
            "generation": config.generation,
        },
        "padded_to": padded_to(request, builder, data, config),
        "pictures": {"subject": len(request.subject), "negatives": len(request.negatives)},
        "held_examples": sum(len(task) for task in validation),
        "trainer_learning_rate": config.learning_rate,
    }


def validation_examples(
    builder: ExampleBuilder, data: PrefixDataset, weights: TaskWeights
) -> list[list[Example]]:
    """Examples on what was kept aside, by task: yes, no, description and drawing."""
    positives = [data.validation_positive(number) for number in range(len(data.validation_positives))]
    negatives = [data.validation_negative(number) for number in range(len(data.validation_negatives))]
    return [
        [builder.recognition(picture, True, weights) for picture in positives],
        [builder.recognition(picture, False, weights) for picture in negatives],
        [builder.description(picture, weights) for picture in positives],
        [builder.generation(codes, None, weights) for _, codes in positives],
    ]


@torch.no_grad()
def validation_loss(objective: Objective, tasks: Sequence[Sequence[Example]]) -> float:
    """The mean of the tasks' mean losses, so that many negatives do not drown a few views."""
    return float(torch.stack([objective.loss(task) for task in tasks]).mean())


class _Side:
    """One training method, run and timed step by step."""

    def __init__(self, trainer: PrefixTrainer) -> None:
        self.trainer = trainer
        """Its prefix is the one whose validation loss is measured."""
        self.seconds: list[float] = []
        self.held: list[tuple[int, float]] = []
        """(step, validation loss)."""

    def run(self, step: int) -> None:
        device = self.trainer.prefix.input_initialization.device
        start_s = time.perf_counter()
        self.step(step)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        self.seconds.append(time.perf_counter() - start_s)
        self.finish_step()

    def step(self, step: int) -> None:
        raise NotImplementedError

    def finish_step(self) -> None:
        """Work after a step that is not timed."""

    def optimizer(self) -> torch.optim.Optimizer:
        raise NotImplementedError

    def result(self) -> dict[str, Any]:
        timed = self.seconds[WARM_UP:] or self.seconds
        tensor_bytes = [
            value.numel() * value.element_size()
            for state in self.optimizer().state.values()
            for value in state.values()
            if value.ndim
        ]
        return {
            "step_s": statistics.median(timed),
            "seconds": self.seconds,
            "held": self.held,
            "optimizer_bytes": sum(tensor_bytes),
        }


class _Ours(_Side):
    def step(self, step: int) -> None:
        self.trainer.step()

    def optimizer(self) -> torch.optim.Optimizer:
        return self.trainer.optimizer


class _Naive(_Side):
    def __init__(
        self,
        trainer: PrefixTrainer,
        backbone: ChameleonBackbone,
        data: PrefixDataset,
        pictures: dict[tuple[int, ...], torch.Tensor],
        request: Request,
    ) -> None:
        super().__init__(trainer)
        self._config = trainer.config
        builder = ExampleBuilder(backbone, self._config.prefix)
        self._sampler = ExampleSampler(builder, data, self._config.weights)
        self._recipe = NaiveRecipe(
            backbone,
            trainer.prefix,
            pictures,
            padded_to=padded_to(request, builder, data, self._config),
            learning_rate=request.learning_rate,
        )

    def step(self, step: int) -> None:
        config = self._config
        rng = np.random.default_rng((config.seed, step))
        examples = self._sampler.sample_batch(
            rng,
            recognition=config.recognition,
            description=config.description,
            generation=config.generation,
        )
        self._recipe.step(examples)

    def finish_step(self) -> None:
        self._recipe.put_virtual_tokens_into(self.trainer.prefix)

    def optimizer(self) -> torch.optim.Optimizer:
        return self._recipe.optimizer


def padded_to(request: Request, builder: ExampleBuilder, data: PrefixDataset, config: TrainerConfig) -> int:
    """The naive recipe's fixed length in positions. Raises `UsageError` where the longest example exceeds it."""
    picture, weights = (0, data.positives[0].tolist()), config.weights
    examples = [
        builder.recognition(picture, True, weights),
        builder.recognition(picture, False, weights),
        builder.description(picture, weights),
        builder.generation(picture[1], None, weights),
    ]
    longest = max(len(example.target) + 1 for example in examples)
    tokens = len(picture[1])
    published = round(longest * PUBLISHED_LENGTH / (longest - tokens + PUBLISHED_PICTURE))
    if request.padded_to and request.padded_to < longest:
        raise UsageError(
            tried=f"padding the naive recipe's examples to {request.padded_to} positions",
            found=f"the longest has {longest}",
            fix=f"Give at least {longest}, or nothing.",
        )
    return request.padded_to or max(longest, published)


def read_pictures(
    request: Request, backbone: ChameleonBackbone, config: TrainerConfig
) -> tuple[PrefixDataset, dict[tuple[int, ...], torch.Tensor]]:
    """The dataset of photos and augmented views, and the scaled pixels `[3, size, size]` of each picture by its codes.

    Every fourth negative, at most `VALIDATION_NEGATIVES`, goes to the validation set. Of the others, those most
    similar to the subject in the backbone's embedding space are the hard negatives and soft positives. Raises
    `UsageError` for fewer than one photo of the subject or four negatives.
    """
    rng = np.random.default_rng((request.seed, 1))
    photos = [load_photo(Path(path)).image for path in request.subject]
    negative_photos = [load_photo(Path(path)).image for path in request.negatives]
    if not photos or len(negative_photos) < 4:
        raise UsageError(
            tried="measuring training",
            found=f"{len(photos)} photos of the subject and {len(negative_photos)} of other things",
            fix="Give at least one photo of the subject and four of other things.",
        )
    views = [
        view
        for photo in photos
        for view in (photo, *(augmented(photo, rng) for _ in range(config.views_per_photo - 1)))
    ]
    validation_views = [augmented(photo, rng) for photo in photos for _ in range(VALIDATION_VIEWS_PER_PHOTO)]
    pictures: dict[tuple[int, ...], torch.Tensor] = {}

    def encoded(images: list[Image.Image]) -> torch.Tensor:
        codes = backbone.encode_images(images)
        for image, its_codes in zip(images, codes.tolist(), strict=True):
            pictures[tuple(its_codes)] = torch.from_numpy(backbone.scaling.pixels(image))
        return codes

    positives, negatives = encoded(views), encoded(negative_photos)
    positive_vectors, vectors = (
        torch.nn.functional.normalize(backbone.embed_image_codes(codes).float().mean(dim=1)).cpu().numpy()
        for codes in (positives, negatives)
    )
    ranked = rank_soft_positives(
        positive_vectors,
        vectors,
        count=len(vectors),
        groups=config.soft_groups,
        generation_tokens=config.prefix.generation_tokens,
    )
    order = [soft.index for soft in ranked]
    validation = order[3::4][:VALIDATION_NEGATIVES]
    train = [index for index in order if index not in set(validation)]
    soft_positives = [soft for soft in ranked if soft.index not in set(validation)][: config.soft_positives]
    data = PrefixDataset(
        positives=positives,
        validation_positives=encoded(validation_views),
        negatives=negatives[train],
        validation_negatives=negatives[validation],
        hard_negatives=max(1, round(HARD_SHARE * len(train))),
        soft_codes=negatives[[soft.index for soft in soft_positives]],
        soft=soft_positives,
    )
    return data, pictures


def _peak_mib(device: torch.device) -> float:
    """Peak memory of this process in MiB: of the GPU on CUDA, else resident memory."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    # On Linux, ru_maxrss of a new process can still be that of its parent; VmHWM is its own.
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
