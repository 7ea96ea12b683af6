"""Paints a montage: cut-outs of named concepts in a scene, in the light and style that the words ask for.

Start at `MontagePainter.paint`. Writes no file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from assistant.imagine.compose import compose
from assistant.imagine.own_photos import own_scenes
from assistant.imagine.placing import Placement, Shape, place_all
from assistant.imagine.scenes import SIDE_PX, Scene, ShippedScene, photo_scene, shipped_scenes
from assistant.imagine.styles import styled
from assistant.imagine.subjects import SubjectCutout, SubjectFinder
from assistant.imagine.wording import Style, Wish, understand
from assistant.language.parse import Phrase
from personalizer.analysis.appearance import main_colors
from personalizer.analysis.main_thing import MaskNetwork
from personalizer.errors import NotReadyError, UsageError
from personalizer.library.library import Library
from personalizer.schemas import Concept

OWN_SCENES = 3
"""The user's own photos of a place that pictures take turns with."""
ANYWHERE = ("park", "living room", "studio", "meadow", "garden")
"""Places for a picture that names none."""
MARK = "montage"


@dataclass(frozen=True, slots=True, eq=False)
class Montage:
    """One picture and what it was made of."""

    image: Image.Image
    scene: Scene
    subjects: list[SubjectCutout]
    places: list[Placement]
    """Where each subject lies in the picture."""
    notes: list[str] = field(default_factory=list)
    """What the user should know."""

    def colors(self) -> dict[str, list[str]]:
        """The main colors of every thing, by its name; of people nothing is said."""
        return {
            subject.name: main_colors(
                subject.cutout.image.convert("RGB"), subject.cutout.image.getchannel("A")
            )
            for subject in self.subjects
            if not (subject.is_person or subject.cutout.framed)
        }

    @property
    def source_hashes(self) -> list[str]:
        """Of the contents of the user's photos in it."""
        hashes = [subject.content_hash for subject in self.subjects]
        return hashes if self.scene.content_hash is None else [*hashes, self.scene.content_hash]


class MontagePainter:
    """Paints for one library. Not for use by several threads at once."""

    def __init__(
        self,
        library: Library,
        network: MaskNetwork,
        draw_place: Callable[[str, int], Image.Image | None],
    ) -> None:
        """`draw_place` draws a place in words by the backbone, for places that no scene shows; None if it cannot."""
        self._library = library
        self._finder = SubjectFinder(library, network)
        self._draw_place = draw_place
        self._own: dict[str, list[Scene]] = {}

    def understand(self, words: Phrase, concepts: Sequence[Concept]) -> Wish:
        """What `words` ask for.

        Raises `UsageError` for what is never made of people, and for people while their faces are left alone.
        """
        self._finder.begin()
        self._own.clear()
        wish = understand(words, shipped_scenes())
        people = [str(concept.name) for concept in concepts if concept.kind == "face"]
        if people and not self._library.faces_are_on():
            raise UsageError(
                tried=f"making a montage of “{words.text}”",
                found=f"faces are left alone in this library, and so is {people[0]}",
                fix="To change that: familiar faces on",
            )
        if people and wish.forbidden:
            raise UsageError(
                tried=f"making a montage of “{words.text}”",
                found=f"pictures of people with “{wish.forbidden}” are not made",
                fix="Ask for another scene.",
            )
        return wish

    def paint(self, wish: Wish, concepts: Sequence[Concept], seed: int) -> Montage:
        """One picture; another seed takes other photos, another scene and other places in it.

        Raises `NotReadyError` where no photo of a concept can be opened.
        """
        rng = np.random.default_rng(seed)
        subjects = [self._subject(concept, seed) for concept in concepts]
        scene = self._scene(wish, seed, subjects)
        shapes = [
            Shape(subject.cutout.aspect, subject.height_m, subject.cutout.cut_below) for subject in subjects
        ]
        places = place_all(scene, shapes, SIDE_PX, rng, wish.scale)
        image = compose(scene, [subject.cutout for subject in subjects], places)
        for style in _styles(wish, scene):
            image = styled(image, style, seed)
        if any(subject.is_person for subject in subjects):
            image = _marked(image)
        notes = [note for subject in subjects if (note := subject.note) is not None]
        if wish.misspelled:
            notes.append(f"“{wish.misspelled}” was taken for “{wish.place}”.")
        if wish.place and not scene.shows_what_was_asked:
            notes.append(f"I have no scene for “{wish.place}”, so this is another one.")
        if wish.left_out:
            names = " and ".join(subject.name for subject in subjects)
            notes.append(f"A montage shows {names} as in the photo: “{wish.left_out}” is not in the picture.")
        return Montage(image, scene, subjects, places, notes)

    def _subject(self, concept: Concept, seed: int) -> SubjectCutout:
        found = self._finder.best(concept, seed)
        if found is None:
            raise NotReadyError(
                tried=f"cutting {concept.name} out of a photo",
                found="none of its photos can be opened now",
                fix="Look for them again: familiar scan",
            )
        return found

    def _scene(self, wish: Wish, seed: int, subjects: Sequence[SubjectCutout]) -> Scene:
        """The user's own photo of the place, one that ships, or the place as the backbone draws it."""
        cut_below = any(subject.cutout.cut_below for subject in subjects)
        if not wish.place:
            shipped = [scene for scene in shipped_scenes() if scene.place in ANYWHERE] or list(
                shipped_scenes()
            )
            return _chosen(shipped, wish, seed, cut_below)
        own = self._own_scenes(wish.place)
        if own and (wish.light is None or all(scene.light != wish.light for scene in wish.scenes)):
            return own[seed % len(own)]
        if wish.scenes:
            return _chosen(wish.scenes, wish, seed, cut_below)
        drawn = self._draw_place(wish.place, seed)
        if drawn is not None:
            large = drawn.convert("RGB").resize((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC)
            return photo_scene(
                large.filter(ImageFilter.GaussianBlur(5)), f"“{wish.place}” as the model draws it"
            )
        return replace(_chosen(shipped_scenes(), wish, seed, cut_below), shows_what_was_asked=False)

    def _own_scenes(self, place: str) -> list[Scene]:
        if place not in self._own:
            self._own[place] = list(islice(own_scenes(self._library, place), OWN_SCENES))
        return self._own[place]


def _chosen(scenes: Sequence[ShippedScene], wish: Wish, seed: int, cut_below: bool) -> Scene:
    """One of the scenes in the light that is wanted; for somebody who is cut off below, one that allows it."""
    in_light = [scene for scene in scenes if scene.light == wish.light]
    in_light = in_light or [scene for scene in scenes if scene.light in ("day", "lamp")] or list(scenes)
    fitting = [scene for scene in in_light if scene.allows_waist_up or not cut_below] or in_light
    return fitting[seed % len(fitting)].open()


def _styles(wish: Wish, scene: Scene) -> list[Style]:
    """The light and weather that the scene itself does not have, then the style."""
    lights: list[Style] = []
    if wish.light in ("night", "sunset") and scene.light != wish.light:
        lights.append("night" if wish.light == "night" else "sunset")
    weather = [style for style in wish.styles if style in ("winter", "rain")]
    return lights + weather + [style for style in wish.styles if style not in weather]


def _marked(image: Image.Image) -> Image.Image:
    """With a word in the corner that says what it is: a montage of somebody is no photo of them."""
    marked = image.convert("RGB")
    pen = ImageDraw.Draw(marked, "RGBA")
    font = ImageFont.load_default(size=22)
    left, top, right, bottom = pen.textbbox((0, 0), MARK, font=font)
    x, y = marked.width - (right - left) - 16, marked.height - (bottom - top) - 18
    pen.rounded_rectangle((x - 8, y - 2, marked.width - 8, marked.height - 8), 6, fill=(0, 0, 0, 110))
    pen.text((x, y - top + 2), MARK, font=font, fill=(255, 255, 255, 235))
    return marked
