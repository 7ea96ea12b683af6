"""Collects a concept's pictures as image codes: views of the members, negatives and soft positives.

Negatives and soft positives come from the user's own library and from the picture bank of the backbone. Background
swaps add views of the thing on other backgrounds, and its background alone, so that a sofa is not taken for the cat on
it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image

from personalizer.backbones.base import Backbone
from personalizer.errors import UsageError
from personalizer.library.library import Library
from personalizer.photos.crops import augmented
from personalizer.photos.grounds import on_ground, without_subject
from personalizer.schemas import Concept, Float32Array
from personalizer.training.data.examples import PrefixDataset
from personalizer.training.data.negatives import Candidate, other_pictures, split_negatives
from personalizer.training.data.photo_views import OpenedPhoto, PhotoReader, SkippedPhoto, open_members
from personalizer.training.data.soft_positives import SoftPositive, rank_soft_positives

VALIDATION_VIEWS_PER_PHOTO = 4
CHECK_PHOTOS = "Check that the photos are still there: familiar scan"
FEWEST_UNCHANGED_VIEWS = 2
"""For each photo: the whole view and the close view with their own background."""
ENOUGH_GROUNDS = 12
"""With fewer photos in the library, decoded pictures of the bank serve as backgrounds too."""
MOST_MASKS = 32
"""The most photos to compute a mask for, which takes 0.4 s each; many photos have varied backgrounds anyway."""


@dataclass(frozen=True, slots=True)
class PicturesConfig:
    """Settings that choose the pictures of one training."""

    views_per_photo: int = 12
    soft_positives: int = 64
    soft_groups: int = 4
    generation_tokens: int = 16
    """Of the prefix; each group of soft positives trains a share of them."""
    seed: int = 0
    background_views: int = 0
    """So many of each photo's views show the thing on another background, if a mask separates it from its own."""
    background_negatives: int = 0
    """Views per photo of the background alone."""

    @property
    def swapped_views(self) -> int:
        """`background_views`, but never so many that fewer than `FEWEST_UNCHANGED_VIEWS` stay unchanged."""
        return max(0, min(self.background_views, self.views_per_photo - FEWEST_UNCHANGED_VIEWS))


def collect_pictures(
    library: Library,
    concept: Concept,
    backbone: Backbone,
    config: PicturesConfig,
    *,
    on_skipped: Callable[[SkippedPhoto], None] | None = None,
) -> PrefixDataset:
    """All pictures of one training run, encoded; `on_skipped` is called for each photo that cannot be read.

    Raises `UsageError` when no member photo or no other photo can be read.
    """
    rng = np.random.default_rng((config.seed, 1))
    members = library.members(concept.id)
    reader = PhotoReader(library, on_skipped, face=concept.kind == "face")
    opened = open_members(library, members, reader)
    if not opened:
        raise _unusable(concept, "none of its member photos can be read", CHECK_PHOTOS)
    trained, validation, masked = _member_views(opened, backbone, config, rng)
    # Vectors of one model only: those of two embedding models are not comparable.
    source, vector_of = library.comparable_vectors(member.id for member in members)
    assert source is not None, "a member without a vector"
    vectors = np.stack(list(vector_of.values()))
    candidates = other_pictures(library, concept, members, vectors, source, backbone)
    negatives = split_negatives(candidates, rng)
    if not negatives.trained:
        found = "there are no other photos to tell it apart from"
        raise _unusable(concept, found, "Add a folder with other photos: familiar add DIR")
    grounds = _Grounds(reader, backbone, negatives.trained[negatives.hard :])
    swapped, alone = _background_views(masked, grounds, backbone, config)
    trained.extend(swapped)
    encoded, kept = _encode(reader, backbone, negatives.trained)
    validation_negatives, _ = _encode(reader, backbone, negatives.validation)
    if not kept:
        raise _unusable(concept, "none of the other photos can be read", CHECK_PHOTOS)
    grounds_alone = len(alone.codes)
    alone.extend(encoded)
    soft_candidates, ranked = _soft_positives(candidates, vectors, config)
    soft, readable = _encode(reader, backbone, soft_candidates)
    contexts = None
    if not backbone.reads_own_codes:
        read = (trained, validation, alone, validation_negatives)
        contexts = torch.cat([context for part in read for context in part.contexts])
    return PrefixDataset(
        positives=trained.stacked(),
        validation_positives=validation.stacked(),
        negatives=alone.stacked(),
        validation_negatives=validation_negatives.stacked(),
        hard_negatives=grounds_alone + sum(index < negatives.hard for index in kept),
        soft_codes=soft.stacked(),
        soft=[ranked[index] for index in readable],
        contexts=contexts,
        swapped_positives=len(swapped.codes),
    )


def _unusable(concept: Concept, found: str, fix: str) -> UsageError:
    return UsageError(tried=f"training {concept.name!r}", found=found, fix=fix)


def _member_views(
    opened: Sequence[OpenedPhoto], backbone: Backbone, config: PicturesConfig, rng: np.random.Generator
) -> tuple[_Encoded, _Encoded, list[tuple[OpenedPhoto, Image.Image]]]:
    """Training views, validation views, and the photos that have a mask of the thing, each with its mask."""
    trained, validation = _Encoded(backbone), _Encoded(backbone)
    masked: list[tuple[OpenedPhoto, Image.Image]] = []
    most = MOST_MASKS if config.swapped_views or config.background_negatives else 0
    chosen = np.linspace(0, len(opened) - 1, min(len(opened), most)).round().astype(int)
    for number, photo in enumerate(opened):
        views, mask = photo.views(), photo.mask() if number in chosen else None
        if mask is not None:
            masked.append((photo, mask))
        unchanged = config.views_per_photo - (0 if mask is None else config.swapped_views)
        more = [augmented(views[index % len(views)], rng) for index in range(unchanged - len(views))]
        trained.add([*views, *more])
        validation.add(
            [augmented(views[index % len(views)], rng) for index in range(VALIDATION_VIEWS_PER_PHOTO)]
        )
    return trained, validation, masked


def _background_views(
    masked: Sequence[tuple[OpenedPhoto, Image.Image]],
    grounds: _Grounds,
    backbone: Backbone,
    config: PicturesConfig,
) -> tuple[_Encoded, _Encoded]:
    """Views of the things on other backgrounds, and of their backgrounds alone."""
    swapped, alone = _Encoded(backbone), _Encoded(backbone)
    rng = np.random.default_rng((config.seed, 2))
    for photo, mask in masked:
        swapped.add(_on_other_grounds(photo, mask, grounds, config.swapped_views, rng))
        alone.add(_without_subject(photo, mask, config.background_negatives, rng))
    return swapped, alone


def _soft_positives(
    candidates: Sequence[Candidate], vectors: Float32Array, config: PicturesConfig
) -> tuple[list[Candidate], list[SoftPositive]]:
    """The candidates that are most similar to the members, each with its number of generation tokens."""
    pool = [(candidate, candidate.vector) for candidate in candidates if candidate.vector is not None]
    if not pool:
        return [], []
    units = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    ranked = rank_soft_positives(
        units,
        np.stack([vector / max(float(np.linalg.norm(vector)), 1e-12) for _, vector in pool]),
        count=config.soft_positives,
        groups=config.soft_groups,
        generation_tokens=config.generation_tokens,
    )
    return [pool[soft.index][0] for soft in ranked], ranked


class _Encoded:
    """Pictures as codes and, if the backbone does not read its own codes, as contexts. Holds no pixels."""

    def __init__(self, backbone: Backbone) -> None:
        self._backbone = backbone
        self.codes: list[torch.Tensor] = []
        self.contexts: list[torch.Tensor] = []

    def add(self, images: list[Image.Image]) -> None:
        """Encode the images and append them."""
        if not images:
            return
        self.codes += self._backbone.encode_images(images).unbind()
        if not self._backbone.reads_own_codes:
            self.contexts += [self._backbone.image_context([image]) for image in images]

    def extend(self, other: _Encoded) -> None:
        """Append the pictures of `other`."""
        self.codes += other.codes
        self.contexts += other.contexts

    def stacked(self) -> torch.Tensor:
        """Codes `[n, tokens]`."""
        if self.codes:
            return torch.stack(self.codes)
        tokens = self._backbone.spec.tokens_per_image
        return torch.zeros((0, tokens), dtype=torch.long, device=self._backbone.device)


class _Grounds:
    """Backgrounds for a thing: photos of the library, and pictures of the bank if these are few."""

    def __init__(self, reader: PhotoReader, backbone: Backbone, candidates: list[Candidate]) -> None:
        """`candidates` neither show the concept nor look much like it."""
        own = [candidate for candidate in candidates if candidate.detection is not None]
        self._reader = reader
        self._backbone = backbone
        self._candidates = own if len(own) >= ENOUGH_GROUNDS else candidates

    def sample_ground(self, rng: np.random.Generator) -> Image.Image:
        """A random background; a plain color if none can be read."""
        if self._candidates:
            drawn = self._candidates[int(rng.integers(len(self._candidates)))]
            if drawn.codes is not None:
                return self._backbone.decode_images(drawn.codes[None])[0]
            if (
                drawn.detection is not None
                and (look := self._reader.open_detection(drawn.detection)) is not None
            ):
                return look.image
        red, green, blue = (int(level) for level in rng.integers(0, 256, 3))
        return Image.new("RGB", (16, 16), (red, green, blue))


def _on_other_grounds(
    look: OpenedPhoto, mask: Image.Image, grounds: _Grounds, count: int, rng: np.random.Generator
) -> list[Image.Image]:
    """Views of the thing, each on another background."""
    swapped = []
    for index in range(count):
        views = look.views(on_ground(look.image, mask, grounds.sample_ground(rng)))
        swapped.append(augmented(views[index % len(views)], rng))
    return swapped


def _without_subject(
    look: OpenedPhoto, mask: Image.Image, count: int, rng: np.random.Generator
) -> list[Image.Image]:
    """Views of the background with the thing removed."""
    if not count:
        return []
    views = look.views(without_subject(look.image, mask))
    return [augmented(views[index % len(views)], rng) for index in range(count)]


def _encode(
    reader: PhotoReader, backbone: Backbone, candidates: list[Candidate]
) -> tuple[_Encoded, list[int]]:
    """The readable candidates, encoded, and their indices."""
    encoded = _Encoded(backbone)
    kept: list[int] = []
    for index, candidate in enumerate(candidates):
        if candidate.codes is not None:
            encoded.codes.append(candidate.codes)
        elif candidate.detection is not None and (look := reader.open_detection(candidate.detection)):
            encoded.add(look.views()[:1])
        else:
            continue
        kept.append(index)
    return encoded, kept
