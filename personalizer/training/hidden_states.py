"""Runs examples through the frozen backbone and hands out hidden states where they are asked for.

What examples have in common, the prompt they begin with and the pictures they read, is run once and shared, with its
gradient. Knows rows and positions, no loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint

from personalizer.backbones.base import Backbone
from personalizer.prefix.dual_prefix import DualPrefix
from personalizer.training.data.examples import CODE, CONTEXT, ROW, TEXT, Example
from personalizer.training.deep_prompt import moved

PADDING_WORTH_A_RUN = 48
"""Positions of padding that cost about as much as running the backbone once more."""


@dataclass(frozen=True, slots=True, eq=False)
class _Past:
    """What has been run before some examples: how much of each, and its keys and values, one sequence per row."""

    length: int
    cache: Any
    row_of: dict[int, int]
    """By number of the example."""


class ExampleStates:
    """Hidden states of examples under the current rows of `prefix`.

    `shared` are the positions, `(kind, value)`, that examples may begin with: their keys and values are computed
    once per call, at a batch of one. Each picture that they read right behind it is run once, too.
    `contexts` `[n, tokens, hidden]` are those of `PrefixDataset`. With `gradient_checkpointing` each sequence is run
    again in the backward pass instead of keeping its activations.

    A prefix with deep rows needs `shared`: they move the cache of the prompt, behind which each example is run then.
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
            raise ValueError("deep rows move a prompt that examples share, and none was given")
        self._shared = list(shared)
        self._shared_kind = [kind for kind, _ in shared]
        self._shared_value = [value for _, value in shared]
        self._checkpointing = gradient_checkpointing

    def hidden_states_at(
        self, examples: Sequence[Example], places: Sequence[Sequence[int]], distractor: Any = None
    ) -> list[torch.Tensor]:
        """For each example the states `[len(places), hidden]` at its `places`; none is needed elsewhere.

        `distractor` is the cache of another personal prompt, behind the begin tokens. Examples that begin with `shared`
        have it in their context, each of the two read as if it were alone.
        """
        start = len(self._shared_kind)
        sharing = [
            number
            for number, (example, wanted) in enumerate(zip(examples, places, strict=True))
            if start and self._begins_alike(example) and min(wanted, default=start) >= start
        ]
        deep = self._prefix.deep_rows
        if len(sharing) < 2 and distractor is None and deep is None:  # one alone is run in a piece
            sharing = []
        others = [number for number in range(len(examples)) if number not in set(sharing)]
        if deep is not None and any(self._begins_alike(examples[number]) for number in others):
            raise ValueError("with deep rows a personal prompt is read, and no state of it is asked for")
        found = self._run(examples, places, others, None)
        if sharing:
            embeddings, _ = self._embed([self._shared_kind], [self._shared_value])
            cache = self._backbone.new_cache()
            self._backbone.forward(embeddings, None, cache)
            if deep is not None:
                cache = moved(self._backbone, cache, self._shared, deep)
            if distractor is not None:
                cache = self._backbone.concatenate_caches(
                    cache, distractor, len(self._backbone.spec.begin_ids)
                )
            behind = _Past(start, cache, dict.fromkeys(sharing, 0))
            reading = self._reading(examples, places, sharing)
            found |= self._run(examples, places, [one for one in sharing if one not in reading], behind)
            if reading:
                found |= self._run(examples, places, list(reading), self._read(examples, reading, behind))
        return [found[number] for number in range(len(examples))]

    def _begins_alike(self, example: Example) -> bool:
        start = len(self._shared_kind)
        return (
            len(example.kind) > start
            and example.kind[:start] == self._shared_kind
            and example.value[:start] == self._shared_value
        )

    def _reading(
        self, examples: Sequence[Example], places: Sequence[Sequence[int]], chosen: Sequence[int]
    ) -> dict[int, int]:
        """Which of the `chosen` examples read a picture right behind the prompt, and which picture, from 0.

        None while checkpointing, where each example runs again in one piece.
        """
        if self._checkpointing and torch.is_grad_enabled():
            return {}
        start = len(self._shared_kind)
        known: dict[tuple[int, ...], int] = {}
        found = {}
        for number in chosen:
            example, (begin, end) = examples[number], examples[number].picture
            if begin == start and end < min([len(example.kind), *places[number]]):
                found[number] = known.setdefault(tuple(example.value[begin:end]), len(known))
        return found

    def _read(self, examples: Sequence[Example], picture_of: dict[int, int], behind: _Past) -> _Past:
        """Run each picture once; all of them take the same number of positions."""
        reader = {picture: number for number, picture in picture_of.items()}
        shown = [examples[reader[picture]] for picture in range(len(reader))]
        end = shown[0].picture[1]
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
        places: Sequence[Sequence[int]],
        chosen: list[int],
        past: _Past | None,
    ) -> dict[int, torch.Tensor]:
        """The states of the `chosen` examples behind what has been run of them."""
        start = 0 if past is None else past.length
        lengths = [len(examples[number].kind) for number in chosen]
        if self._checkpointing and torch.is_grad_enabled():
            buckets = [[place] for place in range(len(chosen))]
        else:
            buckets = buckets_by_length(lengths)
        found: dict[int, torch.Tensor] = {}
        for bucket in buckets:
            members = [chosen[place] for place in bucket]
            hidden = self._forward(examples, members, past)
            for row, number in enumerate(members):
                found[number] = hidden[row, [place - start for place in places[number]]]
        return found

    def _forward(self, examples: Sequence[Example], members: list[int], past: _Past | None) -> torch.Tensor:
        start = 0 if past is None else past.length
        embeddings, _ = self._embed(
            [examples[number].kind[start:] for number in members],
            [examples[number].value[start:] for number in members],
        )

        def run(embeddings: torch.Tensor) -> torch.Tensor:
            cache = None
            if past is not None:
                cache = self._backbone.select_cache_rows(
                    past.cache, [past.row_of[number] for number in members]
                )
            # No mask: padding stands on the right, where nothing before it looks.
            return self._backbone.forward(embeddings, None, cache)[0]

        if self._checkpointing and torch.is_grad_enabled():
            again: torch.Tensor = checkpoint(run, embeddings, use_reentrant=False)
            return again
        return run(embeddings)

    def embed(self, examples: Sequence[Example]) -> tuple[torch.Tensor, torch.Tensor]:
        """Embeddings `[batch, longest, hidden]` with the current rows in place, and the mask `[batch, longest]`."""
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
        rows = self._prefix.input_rows
        sample = backbone.embed_text(value[:1, :1])
        embeddings = torch.zeros(
            (*kind.shape, backbone.spec.hidden_size), dtype=sample.dtype, device=backbone.device
        )
        embeddings[kind == TEXT] = backbone.embed_text(value[kind == TEXT])
        embeddings[kind == CODE] = backbone.embed_image_codes(value[kind == CODE])
        if self._contexts is not None:
            embeddings[kind == CONTEXT] = self._contexts[value[kind == CONTEXT]].to(embeddings)
        embeddings = embeddings.index_put((kind == ROW,), rows[value[kind == ROW]].to(embeddings.dtype))
        return embeddings, (kind >= 0).long()


def buckets_by_length(lengths: Sequence[int]) -> list[list[int]]:
    """Which sequences run together, shortest first, so that little of a run is padding."""
    buckets: list[list[int]] = []
    for place in sorted(range(len(lengths)), key=lambda place: lengths[place]):
        padding = sum(lengths[place] - lengths[other] for other in buckets[-1]) if buckets else 0
        if not buckets or padding > PADDING_WORTH_A_RUN:
            buckets.append([])
        buckets[-1].append(place)
    return buckets
