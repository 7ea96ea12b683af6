"""Chooses negatives, pictures without the concept, from the library and the backbone's picture bank; hardest first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from personalizer.backbones.base import Backbone
from personalizer.library.library import Library
from personalizer.recognition.picture_bank import PictureBank
from personalizer.schemas import Concept, Detection, Float32Array

LIBRARY_NEGATIVES = 48
BANK_NEGATIVES = 160
VALIDATION_NEGATIVES = 48
HARD_SHARE = 0.25
LOOKALIKE = 0.7
"""A photo this close to the members, as a share of their own closeness, may show the concept: never a negative."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    similarity: float
    vector: Float32Array | None
    """None if it is not comparable with the vectors of the library's photos."""
    detection: Detection | None
    codes: torch.Tensor | None


def other_pictures(
    library: Library,
    concept: Concept,
    members: list[Detection],
    vectors: Float32Array,
    source: tuple[str, str],
    backbone: Backbone,
) -> list[Candidate]:
    """Pictures that do not show the concept, the most similar first. `vectors` are made by the model `source`."""
    prototype = vectors.mean(axis=0)
    # A suggested member probably shows the concept, so it must not become a negative.
    maybe = {member.photo_id for member in library.members(concept.id, "suggested")}
    own = {member.photo_id for member in members}
    # Members that the user rejected are the hardest negatives, however similar they are.
    rejected = {
        d.id if concept.kind == "face" else d.photo_id for d in library.members(concept.id, "rejected")
    }
    if concept.kind == "face":
        ids, stored = library.vectors("face", *source)
        closeness = -np.linalg.norm(stored - prototype, axis=1) if len(ids) else np.zeros(0)
        # Distances below 0.5 are usually the same person (dlib's own threshold is 0.6).
        allowed = closeness < -0.5
    else:
        ids, stored = library.vectors("photo", *source)
        unit = prototype / max(float(np.linalg.norm(prototype)), 1e-12)
        closeness = stored @ unit if len(ids) else np.zeros(0)
        allowed = closeness < LOOKALIKE * float((vectors @ unit).mean())
    found: list[Candidate] = []
    for row, detection_id in enumerate(ids):
        detection = library.detection(int(detection_id))
        refused = detection.id if concept.kind == "face" else detection.photo_id
        if (not allowed[row] or detection.photo_id in maybe) and refused not in rejected:
            continue
        if detection.photo_id not in own:
            found.append(Candidate(float(closeness[row]), stored[row], detection, None))
    found.sort(key=lambda candidate: -candidate.similarity)
    found = found[:LIBRARY_NEGATIVES]
    bank = PictureBank.load(backbone.directory)
    usable = backbone.reads_own_codes  # the bank holds codes, not pictures that another encoder could read
    if bank is not None and usable and bank.codes.shape[1] == backbone.spec.tokens_per_image:
        # Vectors of two embedding versions are not comparable; they would be ranked at random.
        same_version, _ = library.vectors(kind="photo", version=bank.embedding_version)
        comparable = concept.kind != "face" and {member.id for member in members} <= set(
            same_version.tolist()
        )
        unit = prototype / max(float(np.linalg.norm(prototype)), 1e-12)
        for codes, vector in zip(bank.codes, bank.vectors, strict=True):
            similarity = float(vector @ unit) if comparable else -1.0
            known = vector if comparable else None
            found.append(Candidate(similarity, known, None, torch.from_numpy(codes).to(backbone.device)))
    return sorted(found, key=lambda candidate: -candidate.similarity)


@dataclass(frozen=True, slots=True)
class Negatives:
    """Pictures that do not show the concept."""

    trained: list[Candidate]
    """The training set, hard negatives first."""
    validation: list[Candidate]
    hard: int
    """How many of the training set are hard negatives."""


def split_negatives(candidates: list[Candidate], rng: np.random.Generator) -> Negatives:
    """Split the candidates, most similar first, into a training and a validation set."""
    if not candidates:
        return Negatives([], [], 0)
    wanted = min(len(candidates), LIBRARY_NEGATIVES + BANK_NEGATIVES + VALIDATION_NEGATIVES)
    hard_count = max(1, round(wanted * HARD_SHARE))
    # Every fourth hard negative goes to the validation set, so that validation is as hard as training.
    hard = candidates[:hard_count]
    rest = [candidates[hard_count:][i] for i in rng.permutation(len(candidates) - hard_count)][
        : wanted - hard_count
    ]
    validation = hard[3::4] + rest[: max(0, VALIDATION_NEGATIVES - len(hard[3::4]))]
    kept_hard = [candidate for index, candidate in enumerate(hard) if index % 4 != 3]
    kept = kept_hard + rest[max(0, VALIDATION_NEGATIVES - len(hard[3::4])) :]
    # With a handful of negatives in all, validating on training negatives beats training on none.
    if len(kept) < len(validation):
        kept, kept_hard = candidates[:wanted], hard
    validation = validation or kept
    return Negatives(kept, validation, len(kept_hard))
