"""Maps the current field names of training settings to the names that earlier versions stored.

Fingerprints of finished trainings, prefix manifests and queued jobs hold the former names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from personalizer.prefix.format import GENERATION_TOKENS_KEY, UNDERSTANDING_TOKENS_KEY

FORMER_NAMES: Final[Mapping[str, str]] = {
    "prefix": "rows",
    "generation_tokens": GENERATION_TOKENS_KEY,
    "understanding_tokens": UNDERSTANDING_TOKENS_KEY,
    "kl_weight": "preservation",
    "kl_questions": "preserved",
    "distractor_share": "companions",
    "initialization": "start",
}
"""Former names by current name, for `TrainerConfig` and `DualPrefixConfig`; other fields were never renamed."""

_CURRENT_NAMES: Final = {former: current for current, former in FORMER_NAMES.items()}


def with_former_names(settings: Mapping[str, Any]) -> dict[str, Any]:
    """`settings` under the names that are stored on disk, in the same order; nested objects too."""
    return _renamed(settings, FORMER_NAMES)


def with_current_names(settings: Mapping[str, Any]) -> dict[str, Any]:
    """`settings` under the current names; a setting given under both names has the value that comes last."""
    return _renamed(settings, _CURRENT_NAMES)


def _renamed(settings: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {
        names.get(name, name): _renamed(value, names) if isinstance(value, Mapping) else value
        for name, value in settings.items()
    }
