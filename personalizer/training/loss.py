"""What training minimises: the weighted cross entropy of examples, and what answers about other things may change.

Logits exist only at graded positions. Knows examples and rows, no optimizer.
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
from personalizer.training.preservation import Preserved


class Objective:
    """The loss of one batch under the current rows; `preservation` is the weight of what is preserved."""

    def __init__(
        self, backbone: Backbone, prefix: DualPrefix, states: ExampleStates, *, preservation: float
    ) -> None:
        self._backbone = backbone
        self._prefix = prefix
        self._states = states
        self._preservation = preservation

    def loss(
        self, examples: Sequence[Example], preserved: Sequence[Preserved] = (), distractor: Any = None
    ) -> torch.Tensor:
        """The weighted mean over examples, plus that over `preserved`; `distractor` is that of `ExampleStates.at`."""
        places = [graded_places(example) for example in examples]
        states = self._states.hidden_states_at(
            [*examples, *(one.example for one in preserved)],
            [*places, *(one.places for one in preserved)],
            distractor,
        )
        total = self._cross_entropies(examples, places, states[: len(examples)]).sum() / len(examples)
        for one, unchanged in zip(preserved, states[len(examples) :], strict=True):
            changed = self.text_and_row_logits(unchanged).log_softmax(dim=-1)
            total = total + self._preservation / len(preserved) * one.divergence(changed)
        return total

    def _cross_entropies(
        self, examples: Sequence[Example], places: Sequence[Sequence[int]], states: Sequence[torch.Tensor]
    ) -> torch.Tensor:
        """Each example's cross entropies times their weights, summed, `[examples]`."""
        device = self._backbone.device
        total = torch.zeros(len(examples), device=device)
        graded = [
            (row, order, place) for row, wanted in enumerate(places) for order, place in enumerate(wanted)
        ]
        offsets = [0]
        for wanted in places:
            offsets.append(offsets[-1] + len(wanted))
        hidden = torch.cat(list(states))
        for codes in (False, True):
            chosen = [one for one in graded if examples[one[0]].target_is_code[one[2]] == codes]
            if not chosen:
                continue
            found = hidden[[offsets[row] + order for row, order, _ in chosen]]
            logits = self._backbone.image_logits(found) if codes else self.text_and_row_logits(found)
            targets = torch.tensor([examples[row].target[place] for row, _, place in chosen], device=device)
            weights = torch.tensor([examples[row].weight[place] for row, _, place in chosen], device=device)
            values = functional.cross_entropy(logits.float(), targets, reduction="none") * weights
            total = total.index_add(0, torch.tensor([row for row, _, _ in chosen], device=device), values)
        return total

    def text_and_row_logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """`[n, text_vocabulary + rows]`."""
        text = self._backbone.text_logits(hidden).float()
        return torch.cat([text, hidden.float() @ self._prefix.output_rows.T], dim=-1)


def graded_places(example: Example) -> list[int]:
    """Where an example is graded."""
    return [place for place, weight in enumerate(example.weight) if weight > 0]
