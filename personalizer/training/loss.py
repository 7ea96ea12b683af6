"""The training loss: weighted cross entropy of examples plus KL regularization against the frozen model.

Logits are computed only inside the loss mask. This module knows no optimizer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn import functional

from personalizer.backbones.base import Backbone
from personalizer.prefix.dual_prefix import DualPrefix
from personalizer.training.data.examples import Example
from personalizer.training.hidden_states import ExampleStates
from personalizer.training.kl_regularization import KLQuestion


class Objective:
    """The loss of one batch under the current virtual tokens; `kl_weight` is the weight of the KL term."""

    def __init__(
        self, backbone: Backbone, prefix: DualPrefix, states: ExampleStates, *, kl_weight: float
    ) -> None:
        self._backbone = backbone
        self._prefix = prefix
        self._states = states
        self._kl_weight = kl_weight

    def loss(
        self, examples: Sequence[Example], kl_questions: Sequence[KLQuestion] = (), distractor: Any = None
    ) -> torch.Tensor:
        """The mean over examples plus the weighted mean divergence over `kl_questions`.

        `distractor` is passed on to `ExampleStates.hidden_states_at`.
        """
        positions = [loss_positions(example) for example in examples]
        states = self._states.hidden_states_at(
            [*examples, *(question.example for question in kl_questions)],
            [*positions, *(question.positions for question in kl_questions)],
            distractor,
        )
        total = self._cross_entropies(examples, positions, states[: len(examples)]).sum() / len(examples)
        for question, hidden in zip(kl_questions, states[len(examples) :], strict=True):
            predicted = self.extended_text_logits(hidden).log_softmax(dim=-1)
            total = total + self._kl_weight / len(kl_questions) * question.divergence(predicted)
        return total

    def _cross_entropies(
        self, examples: Sequence[Example], positions: Sequence[Sequence[int]], states: Sequence[torch.Tensor]
    ) -> torch.Tensor:
        """Each example's cross entropies times their weights, summed, `[examples]`."""
        device = self._backbone.device
        total = torch.zeros(len(examples), device=device)
        predictions = [(row, position) for row, of_example in enumerate(positions) for position in of_example]
        hidden = torch.cat(list(states))
        for codes in (False, True):
            chosen = [
                (index, row, position)
                for index, (row, position) in enumerate(predictions)
                if examples[row].target_is_code[position] == codes
            ]
            if not chosen:
                continue
            chosen_hidden = hidden[[index for index, _, _ in chosen]]
            logits = (
                self._backbone.image_logits(chosen_hidden)
                if codes
                else self.extended_text_logits(chosen_hidden)
            )
            targets = torch.tensor(
                [examples[row].target[position] for _, row, position in chosen], device=device
            )
            weights = torch.tensor(
                [examples[row].weight[position] for _, row, position in chosen], device=device
            )
            values = functional.cross_entropy(logits.float(), targets, reduction="none") * weights
            total = total.index_add(0, torch.tensor([row for _, row, _ in chosen], device=device), values)
        return total

    def extended_text_logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """`[n, text_vocabulary + num_virtual_tokens]`."""
        text = self._backbone.text_logits(hidden).float()
        return torch.cat([text, hidden.float() @ self._prefix.output_embeddings.T], dim=-1)


def loss_positions(example: Example) -> list[int]:
    """The loss mask of an example: the positions whose prediction has a weight."""
    return [position for position, weight in enumerate(example.weight) if weight > 0]
