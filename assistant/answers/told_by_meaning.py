"""Finds the user's fact that answers a question by sentence embeddings: "what scares Bo?", "afraid of thunder".

Stores nothing: a fact is embedded on demand, in less than a millisecond.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from personalizer.schemas import Float32Array
from personalizer.sentences.embed import ANSWERS_FROM, shipped_embedder

LEAD_WEIGHT = 0.5
"""How much it counts by how much a fact is closer to the question than the next one."""


def closest_fact(question: str, name: str, facts: Sequence[str]) -> str | None:
    """The fact that answers `question` about `name`; None where none is close enough."""
    rows = shipped_embedder().embed([without_name(text, name) for text in (question, *facts)])
    scores = with_lead(rows[1:] @ rows[0])
    best = int(scores.argmax())
    return facts[best] if scores[best] >= ANSWERS_FROM else None


def with_lead(similarities: Float32Array) -> Float32Array:
    """The best of the similarities raised by what it has before the next: several facts that are about as close say
    little, one that stands out says more."""
    scores = similarities.copy()
    if len(scores) > 1:
        second, best = np.partition(scores, -2)[-2:]
        scores[int(scores.argmax())] += LEAD_WEIGHT * (best - second)
    return scores


def without_name(text: str, name: str) -> str:
    """`text` without the name, which says nothing about what is asked and is in question and fact alike."""
    rest = re.sub(rf"(?<!\w){re.escape(name)}(?:['’]?s)?(?!\w)", " ", text, flags=re.IGNORECASE)
    return " ".join(rest.split())
