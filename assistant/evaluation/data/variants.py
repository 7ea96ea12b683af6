"""The ways of training that `familiar evaluate ablation` compares: a name, what differs, and the settings for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from personalizer.errors import UsageError

FULL = "full"
"""What the others are compared with."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One way of training the same concepts."""

    says: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    """JSON values of the trainer's, by field of `TrainerConfig`, that differ from what ships."""


VARIANTS: Mapping[str, Variant] = {
    FULL: Variant("everything, with the settings that ship"),
    "positives_only": Variant("drawing learns from the concept's pictures alone", {"soft_positives": 0}),
    "single_prefix": Variant("one set of rows for both tasks", {"rows": {"shared": True}}),
    "no_self_prompt": Variant(
        "answers begin without rows, also in training", {"rows": {"self_prompting": False}}
    ),
    "no_hard_negatives": Variant("nothing that looks most like it is shown", {"hard_negatives": False}),
    "no_preservation": Variant("answers about other things may change", {"preservation": 0.0}),
    "no_companions": Variant("never beside another personal prompt", {"companions": 0.0}),
    "no_descriptions": Variant("it is never described", {"description": 0}),
    "no_augmentation": Variant("each photo as it is, in no further views", {"views_per_photo": 1}),
    "recognition_only": Variant("it is never drawn", {"generation": 0}),
    "generation_only": Variant("it is only drawn", {"recognition": 0, "description": 0}),
    "no_backgrounds": Variant(
        "never on other grounds, and no ground alone as something else",
        {"background_views": 0, "background_negatives": 0},
    ),
    "mean_start": Variant("rows begin as means of the pictures' pieces", {"start": "mean"}),
    "random_start": Variant("rows begin at random", {"start": "random"}),
    "four_rows": Variant(
        "four rows for each task instead of sixteen",
        {"rows": {"generation_rows": 4, "understanding_rows": 4}},
    ),
    "deep_rows": Variant("rows in the first two layers as well", {"rows": {"deep_layers": 2}}),
}


def choose_variants(names: Sequence[str], known: Mapping[str, Variant] = VARIANTS) -> dict[str, Variant]:
    """The variants of these names, all for none; the full recipe is always first. Raises `UsageError`."""
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UsageError(
            tried="choosing variants of training",
            found=f"there is none called {', '.join(map(repr, unknown))}",
            fix=f"Use some of: {', '.join(known)}.",
        )
    return {name: one for name, one in known.items() if name == FULL or name in names or not names}
