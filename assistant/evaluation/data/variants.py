"""The ways of training that `familiar evaluate ablation` compares: a name, what differs, and the settings for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from personalizer.errors import UsageError

FULL = "full"
"""The reference that the other variants are compared with."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One way of training the same concepts."""

    says: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Values of fields of `TrainerConfig` that differ from the defaults, as JSON."""


VARIANTS: Mapping[str, Variant] = {
    FULL: Variant("everything, with the settings that ship"),
    "positives_only": Variant("drawing learns from the concept's pictures alone", {"soft_positives": 0}),
    "single_prefix": Variant("one set of virtual tokens for both tasks", {"prefix": {"shared": True}}),
    "no_self_prompt": Variant(
        "answers do not begin with virtual tokens, also in training", {"prefix": {"self_prompting": False}}
    ),
    "no_hard_negatives": Variant("no negatives that look most like the concept", {"hard_negatives": False}),
    "no_kl_regularization": Variant("answers about other things may change", {"kl_weight": 0.0}),
    "no_distractors": Variant("never beside another personal prompt", {"distractor_share": 0.0}),
    "no_descriptions": Variant("it is never described", {"description": 0}),
    "no_augmentation": Variant("each photo as it is, in no further views", {"views_per_photo": 1}),
    "recognition_only": Variant("it is never drawn", {"generation": 0}),
    "generation_only": Variant("it is only drawn", {"recognition": 0, "description": 0}),
    "no_backgrounds": Variant(
        "never on other backgrounds, and no background alone as a negative",
        {"background_views": 0, "background_negatives": 0},
    ),
    "mean_initialization": Variant(
        "virtual tokens are initialized as means of the pictures' pieces", {"initialization": "mean"}
    ),
    "random_initialization": Variant(
        "virtual tokens are initialized at random", {"initialization": "random"}
    ),
    "four_tokens": Variant(
        "four virtual tokens for each task instead of sixteen",
        {"prefix": {"generation_tokens": 4, "understanding_tokens": 4}},
    ),
    "deep_prompts": Variant("deep prompts in the first two layers as well", {"prefix": {"deep_layers": 2}}),
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
    return {name: variant for name, variant in known.items() if name == FULL or name in names or not names}
