"""Gathers a concept's pictures as image codes: members in several views, negatives and soft positives.

Negatives and soft positives come from the user's own library and from the bank that ships with the backbone. A thing
is also shown on other grounds, and its ground without it, so that a sofa is not taken for the cat on it. Knows the
library and the backbone's encoder; what the pictures are used for is the training set's business.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from personalizer.backbones.base import Backbone
from personalizer.errors import UnreadablePhotoError, UsageError
from personalizer.home import Home
from personalizer.library.library import Library
from personalizer.photos.crops import augmented, reading_views
from personalizer.photos.decode import DecodedPhoto, decode_photo, read_photo_bytes
from personalizer.photos.foreground_mask import on_ground, subject_mask, without_subject
from personalizer.recognition.picture_bank import PictureBank
from personalizer.schemas import BoundingBox, Concept, Detection, Float32Array
from personalizer.training.data.examples import PrefixDataset
from personalizer.training.data.soft_positives import SoftPositive, rank_soft_positives

HELD_VIEWS_PER_PHOTO = 4
LIBRARY_NEGATIVES = 48
BANK_NEGATIVES = 160
HELD_NEGATIVES = 48
HARD_SHARE = 0.25
LOOKALIKE = 0.7
"""A photo this close to the members, as a share of their own closeness, may show the concept: never a negative."""
FEWEST_UNCHANGED_VIEWS = 2
"""Of each photo: the whole and the close view as they are."""
ENOUGH_GROUNDS = 12
"""Of the library's own photos; with fewer the bank's pictures, decoded, serve as grounds too."""


@dataclass(frozen=True, slots=True, eq=False)
class _Candidate:
    similarity: float
    vector: Float32Array | None
    """None where the vectors of the library's pictures cannot be compared with it."""
    detection: Detection | None
    codes: torch.Tensor | None


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """An opened photo and where in it to look; without a box everywhere."""

    image: Image.Image
    box: BoundingBox | None
    face: bool

    def views(self, image: Image.Image | None = None) -> list[Image.Image]:
        """The reading views of the photo, or of what was made of it."""
        return reading_views(self.image if image is None else image, self.box, face=self.face)

    def mask(self) -> Image.Image | None:
        """Of the thing, where it can be trusted. None for faces: their views show little else."""
        return None if self.face else subject_mask(self.image, self.box)


@dataclass(frozen=True, slots=True)
class SkippedPhoto:
    """A photo that was to be looked at and could not be; `path` is the last place that was tried."""

    photo_id: int
    path: Path
    reason: str


def collect_pictures(
    library: Library,
    home: Home,
    concept: Concept,
    backbone: Backbone,
    backbone_directory: Path,
    *,
    views_per_photo: int,
    soft_positives: int,
    soft_groups: int,
    generation_rows: int,
    seed: int,
    background_views: int = 0,
    background_negatives: int = 0,
    on_skipped: Callable[[SkippedPhoto], None] | None = None,
) -> PrefixDataset:
    """Everything that one training run looks at, encoded once; `on_skipped` hears of each photo left out.

    Of each photo whose thing can be told from its ground, `background_views` of the views have another ground, and
    `background_negatives` show the ground alone.
    Raises `UsageError` when no member photo or no other photo can be read.
    """
    rng = np.random.default_rng((seed, 1))
    members = library.members(concept.id)
    reader = _Reader(library, on_skipped, face=concept.kind == "face")
    looks = _member_looks(library, members, reader)
    if not looks:
        raise UsageError(
            tried=f"training {concept.name!r}",
            found="none of its member photos can be read",
            fix="Check that the photos are still there: familiar scan",
        )
    trained, held = _Encoded(backbone), _Encoded(backbone)
    background_views = max(0, min(background_views, views_per_photo - FEWEST_UNCHANGED_VIEWS))
    masked: list[tuple[_Look, Image.Image]] = []
    for look in looks:
        photo_views, mask = look.views(), None
        if background_views or background_negatives:
            mask = look.mask()
        if mask is not None:
            masked.append((look, mask))
        unchanged = views_per_photo - (0 if mask is None else background_views)
        more = [
            augmented(photo_views[index % len(photo_views)], rng)
            for index in range(unchanged - len(photo_views))
        ]
        trained.add([*photo_views, *more])
        held.add(
            [augmented(photo_views[index % len(photo_views)], rng) for index in range(HELD_VIEWS_PER_PHOTO)]
        )
    # Of one model: of two that looked at photos one after the other only the length is the same.
    source, vector_of = library.comparable_vectors(member.id for member in members)
    assert source is not None, "a member without a vector"
    vectors = np.stack(list(vector_of.values()))
    candidates = _candidates(library, concept, members, vectors, source, backbone_directory, backbone)
    negatives, held_negatives, hard = _split_negatives(candidates, rng)
    if not negatives:
        raise UsageError(
            tried=f"training {concept.name!r}",
            found="there are no other photos to tell it apart from",
            fix="Add a folder with other photos: familiar add DIR",
        )
    grounds = _Grounds(reader, backbone, negatives[hard:])
    swapped, alone = _Encoded(backbone), _Encoded(backbone)
    background_rng = np.random.default_rng((seed, 2))
    for look, mask in masked:
        swapped.add(_on_other_grounds(look, mask, grounds, background_views, background_rng))
        alone.add(_without_subject(look, mask, background_negatives, background_rng))
    trained.extend(swapped)
    encoded, kept = _encode(reader, backbone, negatives)
    encoded_held, _ = _encode(reader, backbone, held_negatives)
    if not kept:
        raise UsageError(
            tried=f"training {concept.name!r}",
            found="none of the other photos can be read",
            fix="Check that the photos are still there: familiar scan",
        )
    alone.extend(encoded)
    ranked: list[SoftPositive] = []
    soft_pool = [(candidate, candidate.vector) for candidate in candidates if candidate.vector is not None]
    if soft_pool:
        units = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        pool = np.stack([vector / max(float(np.linalg.norm(vector)), 1e-12) for _, vector in soft_pool])
        ranked = rank_soft_positives(
            units, pool, count=soft_positives, groups=soft_groups, generation_rows=generation_rows
        )
    soft_candidates = [soft_pool[soft.index][0] for soft in ranked]
    soft, readable = _encode(reader, backbone, soft_candidates)
    contexts = None
    if not backbone.reads_own_codes:
        read = (trained, held, alone, encoded_held)
        contexts = torch.cat([context for part in read for context in part.contexts])
    return PrefixDataset(
        positives=trained.stacked(),
        held_positives=held.stacked(),
        negatives=alone.stacked(),
        held_negatives=encoded_held.stacked(),
        hard_negatives=len(alone.codes) - len(kept) + sum(place < hard for place in kept),
        soft_codes=soft.stacked(),
        soft=[ranked[place] for place in readable],
        contexts=contexts,
        swapped_positives=len(swapped.codes),
    )


class _Encoded:
    """Pictures as codes and, where the backbone reads otherwise, as contexts. The pictures themselves are let go."""

    def __init__(self, backbone: Backbone) -> None:
        self._backbone = backbone
        self.codes: list[torch.Tensor] = []
        self.contexts: list[torch.Tensor] = []

    def add(self, images: list[Image.Image]) -> None:
        """Encode and keep them in this order."""
        if not images:
            return
        self.codes += self._backbone.encode_images(images).unbind()
        if not self._backbone.reads_own_codes:
            self.contexts += [self._backbone.image_context([image]) for image in images]

    def extend(self, other: _Encoded) -> None:
        """Put those of `other` behind these."""
        self.codes += other.codes
        self.contexts += other.contexts

    def stacked(self) -> torch.Tensor:
        """Codes `[n, tokens]`."""
        if self.codes:
            return torch.stack(self.codes)
        tokens = self._backbone.spec.tokens_per_image
        return torch.zeros((0, tokens), dtype=torch.long, device=self._backbone.device)


class _Reader:
    """Opens the library's photos, and only as what they were when the library saw them."""

    def __init__(
        self, library: Library, on_skipped: Callable[[SkippedPhoto], None] | None, *, face: bool
    ) -> None:
        self._library = library
        self._on_skipped = on_skipped
        self._skipped: set[int] = set()
        self.face = face

    def look(self, detection: Detection) -> _Look | None:
        """One detection in its photo; None when the photo cannot be read now."""
        photo = self._open(detection.photo_id)
        if photo is None:
            return None
        box = None
        if detection.kind != "photo":
            scale, found = 1.0 / photo.scale, detection.box
            box = BoundingBox(
                found.left * scale, found.top * scale, found.right * scale, found.bottom * scale
            )
        return _Look(photo.image, box, self.face)

    def _open(self, photo_id: int) -> DecodedPhoto | None:
        """The photo from whichever of its files still holds it."""
        wanted = self._library.photo(photo_id).content_hash
        for path in self._library.photo_paths(photo_id):
            try:
                content = read_photo_bytes(path)
                # An edited file is another photo until the next scan: its boxes, its members and what was
                # said about it belong to the old picture, and it may be a copy of one that is used anyway.
                if hashlib.sha256(content).hexdigest() == wanted:
                    return decode_photo(content, path)
                reason = "the file has changed since it was scanned"
            except UnreadablePhotoError as error:
                reason = error.found
        if photo_id not in self._skipped and self._on_skipped is not None:
            self._on_skipped(SkippedPhoto(photo_id, path, reason))
        self._skipped.add(photo_id)
        return None


class _Grounds:
    """Other pictures to put a thing before: photos of the library, and where these are few what the bank holds."""

    def __init__(self, reader: _Reader, backbone: Backbone, candidates: list[_Candidate]) -> None:
        """`candidates` neither show the concept nor look much like it."""
        own = [candidate for candidate in candidates if candidate.detection is not None]
        self._reader = reader
        self._backbone = backbone
        self._candidates = own if len(own) >= ENOUGH_GROUNDS else candidates

    def draw(self, rng: np.random.Generator) -> Image.Image:
        """One of them; a plain colour where there is none that can be read."""
        if self._candidates:
            drawn = self._candidates[int(rng.integers(len(self._candidates)))]
            if drawn.codes is not None:
                return self._backbone.decode_images(drawn.codes[None])[0]
            if drawn.detection is not None and (look := self._reader.look(drawn.detection)) is not None:
                return look.image
        red, green, blue = (int(level) for level in rng.integers(0, 256, 3))
        return Image.new("RGB", (16, 16), (red, green, blue))


def _on_other_grounds(
    look: _Look, mask: Image.Image, grounds: _Grounds, count: int, rng: np.random.Generator
) -> list[Image.Image]:
    """Views of the thing, each on a ground of its own."""
    made = []
    for index in range(count):
        views = look.views(on_ground(look.image, mask, grounds.draw(rng)))
        made.append(augmented(views[index % len(views)], rng))
    return made


def _without_subject(
    look: _Look, mask: Image.Image, count: int, rng: np.random.Generator
) -> list[Image.Image]:
    """Views of the ground that the thing was taken away from."""
    if not count:
        return []
    views = look.views(without_subject(look.image, mask))
    return [augmented(views[index % len(views)], rng) for index in range(count)]


def _member_looks(library: Library, members: list[Detection], reader: _Reader) -> list[_Look]:
    """Each member photo with its proposed region or its face, where there is one."""
    chosen: dict[int, Detection] = {}
    for member in members:
        wanted = library.detections(member.photo_id, kind="face" if reader.face else "object")
        if reader.face:
            chosen[member.photo_id] = member
        else:
            chosen[member.photo_id] = wanted[0] if wanted else member
    return [look for detection in chosen.values() if (look := reader.look(detection)) is not None]


def _candidates(
    library: Library,
    concept: Concept,
    members: list[Detection],
    vectors: Float32Array,
    source: tuple[str, str],
    backbone_directory: Path,
    backbone: Backbone,
) -> list[_Candidate]:
    """Pictures that do not show the concept, the most similar first. `vectors` are made by the model `source`."""
    prototype = vectors.mean(axis=0)
    # What clustering suggests is more likely the concept than not, and a photo of it must not teach "no".
    maybe = {member.photo_id for member in library.members(concept.id, "suggested")}
    own = {member.photo_id for member in members}
    # What a person said is not it makes the hardest negatives, however similar it is.
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
    found: list[_Candidate] = []
    for row, detection_id in enumerate(ids):
        detection = library.detection(int(detection_id))
        refused = detection.id if concept.kind == "face" else detection.photo_id
        if (not allowed[row] or detection.photo_id in maybe) and refused not in rejected:
            continue
        if detection.photo_id not in own:
            found.append(_Candidate(float(closeness[row]), stored[row], detection, None))
    found.sort(key=lambda candidate: -candidate.similarity)
    found = found[:LIBRARY_NEGATIVES]
    bank = PictureBank.load(backbone_directory)
    usable = backbone.reads_own_codes  # the bank holds codes, not pictures that another encoder could read
    if bank is not None and usable and bank.codes.shape[1] == backbone.spec.tokens_per_image:
        # Of two versions of an embedding only the length is the same; comparing them would rank at random.
        same_version, _ = library.vectors(kind="photo", version=bank.embedding_version)
        comparable = concept.kind != "face" and {member.id for member in members} <= set(
            same_version.tolist()
        )
        unit = prototype / max(float(np.linalg.norm(prototype)), 1e-12)
        for codes, vector in zip(bank.codes, bank.vectors, strict=True):
            similarity = float(vector @ unit) if comparable else -1.0
            known = vector if comparable else None
            found.append(_Candidate(similarity, known, None, torch.from_numpy(codes).to(backbone.device)))
    return sorted(found, key=lambda candidate: -candidate.similarity)


def _split_negatives(
    candidates: list[_Candidate], rng: np.random.Generator
) -> tuple[list[_Candidate], list[_Candidate], int]:
    """Negatives to train on (the hard ones first), negatives to check on, and how many are hard."""
    if not candidates:
        return [], [], 0
    wanted = min(len(candidates), LIBRARY_NEGATIVES + BANK_NEGATIVES + HELD_NEGATIVES)
    hard_count = max(1, round(wanted * HARD_SHARE))
    # Every fourth of the hard ones is kept aside, so that the check is as hard as the training.
    hard = candidates[:hard_count]
    rest = [candidates[hard_count:][i] for i in rng.permutation(len(candidates) - hard_count)][
        : wanted - hard_count
    ]
    held = hard[3::4] + rest[: max(0, HELD_NEGATIVES - len(hard[3::4]))]
    kept_hard = [candidate for index, candidate in enumerate(hard) if index % 4 != 3]
    kept = kept_hard + rest[max(0, HELD_NEGATIVES - len(hard[3::4])) :]
    # With a handful of negatives in all, checking on trained ones beats training on none.
    if len(kept) < len(held):
        kept, kept_hard = candidates[:wanted], hard
    held = held or kept
    return kept, held, len(kept_hard)


def _encode(reader: _Reader, backbone: Backbone, candidates: list[_Candidate]) -> tuple[_Encoded, list[int]]:
    """The readable candidates, encoded, and which candidates these are."""
    encoded = _Encoded(backbone)
    kept: list[int] = []
    for place, candidate in enumerate(candidates):
        if candidate.codes is not None:
            encoded.codes.append(candidate.codes)
        elif candidate.detection is not None and (look := reader.look(candidate.detection)):
            encoded.add(look.views()[:1])
        else:
            continue
        kept.append(place)
    return encoded, kept
