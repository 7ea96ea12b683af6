"""Runs examples through the frozen backbone and returns the hidden states at the requested positions.

Examples share their personal prompt and often their pictures. Each is run once, and gradients flow through the shared
key/value cache. This module knows no loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint

from personalizer.backbones.base import Backbone
from personalizer.prefix.dual_prefix import DualPrefix
from personalizer.training.data.examples import CODE, CONTEXT, TEXT, VIRTUAL, Example
from personalizer.training.deep_prompt import add_deep_prompts

PADDING_WORTH_A_RUN = 48
"""Padding positions whose computation takes about as long as one more run of the backbone."""


@dataclass(frozen=True, slots=True, eq=False)
class _Past:
    """The shared beginning of some examples: its length and its keys and values, one sequence per row."""

    length: int
    cache: Any
    row_of: dict[int, int]
    """The row of the cache for each example, by the example's number."""


class ExampleStates:
    """Hidden states of examples under the current virtual tokens of `prefix`.

    `shared` is the personal prompt as `(kind, value)` pairs. Its keys and values are computed once per call for all
    examples that begin with it; so is each picture that follows it directly. `contexts` `[n, tokens, hidden]` are those
    of `PrefixDataset`. With `gradient_checkpointing` the backward pass runs each sequence again instead of keeping its
    activations.

    Deep prompts require `shared`, because they are added to the cache of the personal prompt.
    """

    def __init__(
        self,
        backbone: Backbone,
        prefix: DualPrefix,
        contexts: torch.Tensor | None = None,
        *,
        shared: Sequence[tuple[int, int]] = (),
        gradient_checkpointing: bool = False,
    ) -> None:
        self._backbone = backbone
        self._prefix = prefix
        self._contexts = None if contexts is None else contexts.flatten(0, 1)
        if prefix.config.deep_layers and not shared:
            raise ValueError("deep prompts are added to the shared prompt, and none was given")
        self._shared = list(shared)
        self._shared_kind = [kind for kind, _ in shared]
        self._shared_value = [value for _, value in shared]
        self._checkpointing = gradient_checkpointing

    def hidden_states_at(
        self, examples: Sequence[Example], positions: Sequence[Sequence[int]], distractor: Any = None
    ) -> list[torch.Tensor]:
        """For each example the states `[len(positions), hidden]` at its `positions`.

        `distractor` is the cache of the begin tokens and another personal prompt. Examples that begin with `shared`
        attend to both prompts; neither prompt attends to the other.
        """
        start = len(self._shared_kind)
        sharing = [
            number
            for number, (example, wanted) in enumerate(zip(examples, positions, strict=True))
            if start and self._begins_alike(example) and min(wanted, default=start) >= start
        ]
        deep = self._prefix.deep_prompts
        if len(sharing) < 2 and distractor is None and deep is None:  # a single example shares with nobody
            sharing = []
        others = [number for number in range(len(examples)) if number not in set(sharing)]
        if deep is not None and any(self._begins_alike(examples[number]) for number in others):
            raise ValueError(
                "with deep prompts, hidden states of the personal prompt itself are not available"
            )
        found = self._run(examples, positions, others, None)
        if sharing:
            embeddings, _ = self._embed([self._shared_kind], [self._shared_value])
            cache = self._backbone.new_cache()
            self._backbone.forward(embeddings, None, cache)
            if deep is not None:
                cache = add_deep_prompts(self._backbone, cache, self._shared, deep)
            if distractor is not None:
                cache = self._backbone.concatenate_caches(
                    cache, distractor, len(self._backbone.spec.begin_ids)
                )
            behind = _Past(start, cache, dict.fromkeys(sharing, 0))
            reading = self._reading(examples, positions, sharing)
            textual = [number for number in sharing if number not in reading]
            found |= self._run(examples, positions, textual, behind)
            if reading:
                found |= self._run(examples, positions, list(reading), self._read(examples, reading, behind))
        return [found[number] for number in range(len(examples))]

    def _begins_alike(self, example: Example) -> bool:
        start = len(self._shared_kind)
        return (
            len(example.kind) > start
            and example.kind[:start] == self._shared_kind
            and example.value[:start] == self._shared_value
        )

    def _reading(
        self, examples: Sequence[Example], positions: Sequence[Sequence[int]], chosen: Sequence[int]
    ) -> dict[int, int]:
        """The `chosen` examples whose picture follows the prompt directly, each with the number of its picture, from 0.

        Empty with gradient checkpointing, which runs each example again as a whole.
        """
        if self._checkpointing and torch.is_grad_enabled():
            return {}
        start = len(self._shared_kind)
        known: dict[tuple[int, ...], int] = {}
        found = {}
        for number in chosen:
            example, (begin, end) = examples[number], examples[number].image_span
            if begin == start and end < min([len(example.kind), *positions[number]]):
                found[number] = known.setdefault(tuple(example.value[begin:end]), len(known))
        return found

    def _read(self, examples: Sequence[Example], picture_of: dict[int, int], behind: _Past) -> _Past:
        """Run each picture once; all pictures have the same number of positions."""
        reader = {picture: number for number, picture in picture_of.items()}
        shown = [examples[reader[picture]] for picture in range(len(reader))]
        end = shown[0].image_span[1]
        embeddings, _ = self._embed(
            [example.kind[behind.length : end] for example in shown],
            [example.value[behind.length : end] for example in shown],
        )
        cache = self._backbone.select_cache_rows(behind.cache, [0] * len(shown))
        self._backbone.forward(embeddings, None, cache)
        return _Past(end, cache, dict(picture_of))

    def _run(
        self,
        examples: Sequence[Example],
        positions: Sequence[Sequence[int]],
        chosen: list[int],
        past: _Past | None,
    ) -> dict[int, torch.Tensor]:
        """The states of the `chosen` examples, which continue from `past`."""
        start = 0 if past is None else past.length
        lengths = [len(examples[number].kind) for number in chosen]
        if self._checkpointing and torch.is_grad_enabled():
            buckets = [[index] for index in range(len(chosen))]
        else:
            buckets = buckets_by_length(lengths)
        found: dict[int, torch.Tensor] = {}
        for bucket in buckets:
            numbers = [chosen[index] for index in bucket]
            hidden = self._forward(examples, numbers, past)
            for row, number in enumerate(numbers):
                found[number] = hidden[row, [position - start for position in positions[number]]]
        return found

    def _forward(self, examples: Sequence[Example], numbers: list[int], past: _Past | None) -> torch.Tensor:
        start = 0 if past is None else past.length
        embeddings, _ = self._embed(
            [examples[number].kind[start:] for number in numbers],
            [examples[number].value[start:] for number in numbers],
        )

        def run(embeddings: torch.Tensor) -> torch.Tensor:
            cache = None
            if past is not None:
                cache = self._backbone.select_cache_rows(
                    past.cache, [past.row_of[number] for number in numbers]
                )
            # No mask: padding is on the right, and attention is causal.
            return self._backbone.forward(embeddings, None, cache)[0]

        if self._checkpointing and torch.is_grad_enabled():
            again: torch.Tensor = checkpoint(run, embeddings, use_reentrant=False)
            return again
        return run(embeddings)

    def embed(self, examples: Sequence[Example]) -> tuple[torch.Tensor, torch.Tensor]:
        """Embeddings `[batch, longest, hidden]` with the current virtual tokens, and the mask `[batch, longest]`."""
        return self._embed([example.kind for example in examples], [example.value for example in examples])

    def _embed(
        self, kinds: Sequence[Sequence[int]], values: Sequence[Sequence[int]]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        backbone = self._backbone
        longest = max(len(sequence) for sequence in kinds)
        kind = torch.full((len(kinds), longest), -1)
        value = torch.zeros((len(kinds), longest), dtype=torch.long)
        for row, (its_kind, its_value) in enumerate(zip(kinds, values, strict=True)):
            kind[row, : len(its_kind)] = torch.tensor(its_kind)
            value[row, : len(its_kind)] = torch.tensor(its_value)
        kind, value = kind.to(backbone.device), value.to(backbone.device)
        virtual_tokens = self._prefix.input_embeddings
        sample = backbone.embed_text(value[:1, :1])
        embeddings = torch.zeros(
            (*kind.shape, backbone.spec.hidden_size), dtype=sample.dtype, device=backbone.device
        )
        embeddings[kind == TEXT] = backbone.embed_text(value[kind == TEXT])
        embeddings[kind == CODE] = backbone.embed_image_codes(value[kind == CODE])
        if self._contexts is not None:
            embeddings[kind == CONTEXT] = self._contexts[value[kind == CONTEXT]].to(embeddings)
        embeddings = embeddings.index_put(
            (kind == VIRTUAL,), virtual_tokens[value[kind == VIRTUAL]].to(embeddings.dtype)
        )
        return embeddings, (kind >= 0).long()


def buckets_by_length(lengths: Sequence[int]) -> list[list[int]]:
    """Group sequences of similar length into batches, shortest first, to run little padding."""
    buckets: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lambda index: lengths[index]):
        padding = sum(lengths[index] - lengths[other] for other in buckets[-1]) if buckets else 0
        if not buckets or padding > PADDING_WORTH_A_RUN:
            buckets.append([])
        buckets[-1].append(index)
    return buckets
