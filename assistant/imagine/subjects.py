"""Cut-outs of a concept from the library's photos, the best first. Runs the mask network; draws nothing."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from assistant.imagine.cutout import Cutout, cut_out, whole_picture
from personalizer.analysis.main_thing import ClearMaskConfig, MainThing, MaskNetwork
from personalizer.analysis.stored_photo import open_stored_photo
from personalizer.errors import UnreadablePhotoError
from personalizer.library.library import Library
from personalizer.photos.decode import DecodedPhoto
from personalizer.scan.exclusions import exclusions_of, is_left_out
from personalizer.schemas import BoolArray, BoundingBox, Concept, Detection

MOST_LOOKED_AT = 6
"""Photos of a concept that are tried for one picture, 0.3 s each; many more differ little."""
MOST_CONSIDERED = 300
"""Of somebody with thousands of photos, every so many-th is considered."""
TAKE_TURNS = 4
"""Photos that the pictures of a concept take turns with."""
GOOD = 0.35
"""Quality from which no other photo is tried."""
SMALL_PX = 160
HAIR, BUST = 0.12, 1.9
"""Of the height of a face: how far a cut-out has to reach above it, and how high it has to be, to be a person."""
HEIGHTS_M = {
    "face": 1.7, "dog": 0.6, "cat": 0.4, "bird": 0.25, "horse": 2.2, "rabbit": 0.35, "hamster": 0.15, "fish": 0.2,
    "turtle": 0.25, "snake": 0.3, "mouse": 0.1, "sheep": 1.0, "cow": 1.6, "pig": 0.9, "goat": 0.9, "bear": 1.6,
    "car": 1.5, "bicycle": 1.1, "chair": 0.9, "sofa": 0.9, "backpack": 0.5, "suitcase": 0.7, "guitar": 1.0,
    "boot": 0.35, "shoe": 0.15, "sneaker": 0.15, "bottle": 0.28, "cup": 0.11, "mug": 0.11, "bowl": 0.12,
}  # fmt: skip
"""How high such a thing stands, by a word for it."""
USUAL_M = 0.3
_THING = ClearMaskConfig()
_PERSON = ClearMaskConfig(max_on_frame=0.45)
"""Most portraits cut people off below."""


@dataclass(frozen=True, slots=True, eq=False)
class SubjectCutout:
    """One cut-out of a concept and where it comes from."""

    name: str
    photo_id: int
    content_hash: str
    """Of the photo."""
    path: Path
    cutout: Cutout
    height_m: float
    is_person: bool
    photo: Image.Image
    """The whole photo, for whoever needs its ground."""

    @property
    def note(self) -> str | None:
        """What the user should know of it."""
        if self.cutout.framed:
            return f"{self.name} could not be cut out of {self.path.name}, so the whole photo stands there in a frame."
        if max(self.cutout.image.size) < SMALL_PX:
            size = max(self.cutout.image.size)
            return f"{self.name} is only {size} pixels large in {self.path.name}, and looks blurred here."
        return None


class SubjectFinder:
    """Finds cut-outs in one library. Not for use by several threads at once."""

    def __init__(self, library: Library, network: MaskNetwork) -> None:
        self._library = library
        self._network = network
        self._cut_out: dict[tuple[int, int], SubjectCutout | None] = {}
        """By concept and photo, during one request for several pictures."""

    def begin(self) -> None:
        """Another request: photos may have changed since the last one."""
        self._cut_out.clear()

    def best(self, concept: Concept, number: int) -> SubjectCutout | None:
        """A good cut-out, of another photo for another `number`; None where no photo can be opened.

        Where nothing can be cut out it is a whole photo in a frame.
        """
        members = self._promising(concept)
        # Each number begins with another of the best; what is no good there is looked for in the others.
        first = number % min(len(members), TAKE_TURNS) if members else 0
        soft: SubjectCutout | None = None
        opened: tuple[Detection, Path, DecodedPhoto] | None = None
        for member in [*members[first:], *members[:first]][:MOST_LOOKED_AT]:
            known = (concept.id, member.photo_id)
            if known not in self._cut_out:
                try:
                    path, photo = open_stored_photo(self._library, member.photo_id)
                except UnreadablePhotoError:
                    continue
                opened = opened or (member, path, photo)
                cutout = self._cut(concept, member, photo)
                self._cut_out[known] = (
                    None if cutout is None else self._subject(concept, member, path, photo, cutout)
                )
            subject = self._cut_out[known]
            if subject is None:
                continue
            if _quality(subject.cutout) >= GOOD:
                return subject
            if soft is None or _quality(subject.cutout) > _quality(soft.cutout):
                soft = subject
        return soft if soft is not None else self._framed(concept, members, opened)

    def _framed(
        self,
        concept: Concept,
        members: Sequence[Detection],
        opened: tuple[Detection, Path, DecodedPhoto] | None,
    ) -> SubjectCutout | None:
        """The first photo that can be opened, whole; of a person head and shoulders."""
        for member in members:
            if opened is not None:
                break
            with suppress(UnreadablePhotoError):
                opened = (member, *open_stored_photo(self._library, member.photo_id))
        if opened is None:
            return None
        member, path, photo = opened
        shown = _around_face(photo, member) if concept.kind == "face" else photo.image
        return self._subject(concept, member, path, photo, whole_picture(shown))

    def _promising(self, concept: Concept) -> list[Detection]:
        """One detection for each of the concept's photos that is not excluded, the most promising first."""
        rules = exclusions_of(self._library)
        found = {member.photo_id: member for member in self._library.members(concept.id)}
        some = list(found.values())[:: max(1, len(found) // MOST_CONSIDERED)]
        members = {
            member.photo_id: member
            for member in some
            if not is_left_out(self._library, rules, member.photo_id)
        }
        return sorted(members.values(), key=lambda member: (-self._promise(concept, member), member.photo_id))

    def _promise(self, concept: Concept, member: Detection) -> float:
        """How good a cut-out to expect, by what the library knows: large, whole, alone."""
        photo = self._library.photo(member.photo_id)
        faces = self._library.detections(photo.id, kind="face")
        things = self._library.detections(photo.id, kind="object")
        boxes = faces if concept.kind == "face" else things
        box = member.box if concept.kind == "face" else boxes[0].box if boxes else member.box
        share = float(box.area_px) / max(1, photo.width_px * photo.height_px)
        inside = min(box.left, box.top, photo.width_px - box.right, photo.height_px - box.bottom) > 0
        wanted_share = 0.06 if concept.kind == "face" else 0.3
        pixels = min(1.0, float(box.area_px) ** 0.5 / (120 if concept.kind == "face" else 400))
        alone = len(faces) <= (1 if concept.kind == "face" else 0)
        known = concept.kind == "face" or bool(things)
        clear = (1.0 if inside else 0.6) * (1.0 if alone else 0.3)
        return float(pixels * min(1.0, share / wanted_share) * clear) + (1.0 if known else 0.0)

    def _cut(self, concept: Concept, member: Detection, photo: DecodedPhoto) -> Cutout | None:
        """The concept alone, where the mask can be trusted and shows nobody else."""
        if min(photo.image.size) < 32:
            return None
        thing = self._network.find(photo.image)
        if thing is None or not thing.is_clear(_PERSON if concept.kind == "face" else _THING):
            return None
        if not self._shows(concept, member, thing, photo):
            return None
        return cut_out(photo.image, thing.mask(photo.image.size))

    def _shows(self, concept: Concept, member: Detection, thing: MainThing, photo: DecodedPhoto) -> bool:
        """Whether the mask lies on this concept, and on no face that is not its own."""
        mask = np.asarray(thing.mask(photo.image.size).resize((64, 64), Image.Resampling.BOX)) > 127
        faces = self._library.detections(member.photo_id, kind="face")
        strangers = [face for face in faces if not (concept.kind == "face" and face.id == member.id)]
        if any(_covered(mask, face.box, photo) > 0.3 for face in strangers):
            return False
        if concept.kind == "face":
            return _covered(mask, member.box, photo) > 0.6 and _is_more_than_a_face(thing, member.box, photo)
        return member.kind == "photo" or _covered(mask, member.box, photo) > 0.15

    def _subject(
        self, concept: Concept, member: Detection, path: Path, photo: DecodedPhoto, cutout: Cutout
    ) -> SubjectCutout:
        return SubjectCutout(
            concept.name or str(concept.id),
            member.photo_id,
            self._library.photo(member.photo_id).content_hash,
            path,
            cutout,
            self._height_m(concept, member.photo_id),
            concept.kind == "face",
            photo.image,
        )

    def _height_m(self, concept: Concept, photo_id: int) -> float:
        if concept.kind == "face":
            return HEIGHTS_M["face"]
        words = [label.word for label in self._library.labels(photo_id) if label.confidence >= 0.5]
        return next((HEIGHTS_M[word] for word in words if word in HEIGHTS_M), USUAL_M)


def _is_more_than_a_face(thing: MainThing, face: BoundingBox, photo: DecodedPhoto) -> bool:
    """Whether hair and shoulders are there too: a face alone, set before a beach, is a mask of somebody."""
    scale = photo.height_px / photo.image.height
    top, bottom = thing.box.top * scale, thing.box.bottom * scale
    height = face.bottom - face.top
    return face.top - top > HAIR * height and bottom - top > BUST * height


def _covered(mask: BoolArray, box: BoundingBox, photo: DecodedPhoto) -> float:
    """Share of a box of the original photo that a small square mask covers."""
    side = len(mask)
    left, right = box.left / photo.width_px * side, box.right / photo.width_px * side
    top, bottom = box.top / photo.height_px * side, box.bottom / photo.height_px * side
    part = mask[int(top) : max(int(top) + 1, round(bottom)), int(left) : max(int(left) + 1, round(right))]
    return float(part.mean()) if part.size else 0.0


def _quality(cutout: Cutout) -> float:
    """0 to 1: whole, sharp and large is best."""
    size = min(1.0, max(cutout.image.size) / 500)
    sharp = min(1.0, cutout.sharpness / 0.04)
    whole = (0.35 if cutout.cut_beside else 1.0) * (0.75 if cutout.cut_below else 1.0)
    return size * (0.4 + 0.6 * sharp) * whole


def _around_face(photo: DecodedPhoto, member: Detection) -> Image.Image:
    """Head and shoulders of one of several people."""
    scale = photo.image.width / photo.width_px
    box = member.box
    width, height = (box.right - box.left) * scale, (box.bottom - box.top) * scale
    left, top = box.left * scale - 0.7 * width, box.top * scale - 0.6 * height
    right, bottom = box.right * scale + 0.7 * width, box.bottom * scale + 1.2 * height
    around = (
        max(0, round(left)),
        max(0, round(top)),
        min(photo.image.width, round(right)),
        min(photo.image.height, round(bottom)),
    )
    return photo.image.crop(around)
