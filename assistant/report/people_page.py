"""The people page: one HTML file that shows who and what a library knows. Complete in itself and made once.

Cards and their pictures are made while the page is written, so that a library of any size takes little memory. What
is forgotten while that happens is not on a page that stays.
"""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.presentation.printable import STATE_WORDS
from assistant.report.page_mark import MARK
from assistant.report.page_parts import Card, Section, suggestion_card
from assistant.report.page_pictures import Picture, picture_of
from assistant.report.page_place import check_place
from assistant.report.wording import STATE_LOOKS, alt_text, lead_text, moment_text, span_text
from personalizer.concepts.lookup import short_reference
from personalizer.concepts.suggestions import waiting
from personalizer.errors import FamiliarError, NotReadyError, counted
from personalizer.home import Home, write_parts_atomically
from personalizer.library.concepts.overview import (
    Portrayed,
    example_of,
    examples,
    largest_unnamed,
    named,
    overview,
)
from personalizer.library.library import Library
from personalizer.schemas import ConceptKind, OnProgress, Progress

if TYPE_CHECKING:
    from jinja2 import Template

_PAGES = Path(__file__).parent / "pages"


@dataclass(frozen=True, slots=True)
class PageLimits:
    """What keeps the page small enough to be sent to a friend."""

    named_pictures: int = 9
    """Of somebody or something with a name: a large one, and small ones."""
    unnamed_pictures: int = 6
    unnamed_groups: int = 60
    """Of each kind; the largest."""
    suggestions: int = 12
    """Photos that may show one and the same; the likeliest."""
    pictures: int = 2000
    mib: float = 16.0
    """Once the pictures take so much, what follows is listed without."""
    cover_px: int = 320
    small_px: int = 128

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            if getattr(self, name) <= 0:
                raise ValueError(f"PageLimits.{name} must be positive, not {getattr(self, name)}")


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """A page that was written. Counts are of what is on it, unless said otherwise."""

    path: Path
    people: int
    """With a name, as `things`."""
    things: int
    unnamed_people: int
    """Groups that nobody named, also those that are only counted."""
    unnamed_things: int
    hidden: int
    ungrouped_faces: int
    waiting: int
    """Suggestions about what has a name."""
    photos: int
    """In the library."""
    pictures: int
    bytes: int
    faces_on: bool
    in_home: bool
    """Whether it goes away when somebody is forgotten."""
    elapsed_s: float


@dataclass(slots=True)
class _Shown:
    """What the page has come to hold."""

    concepts: set[int] = field(default_factory=set)
    pictures: int = 0
    picture_bytes: int = 0
    full: bool = False
    """Whether something is without pictures because there were enough."""


def write_people_page(
    library: Library,
    home: Home,
    out: Path | None = None,
    *,
    force: bool = False,
    limits: PageLimits | None = None,
    on_progress: OnProgress | None = None,
) -> PeoplePage:
    """Write the page to `out`, or to its place in the home, in one step, readable only by the user.

    Raises `UsageError` where `out` is something else than an earlier page, unless `force`, and `NotReadyError` when
    somebody on the page was forgotten while it was made: then there is no page.
    """
    started_s = time.monotonic()
    path = home.people_page if out is None else out
    check_place(path, home, force)
    if library.is_erasing_faces():
        raise _forgotten_meanwhile()
    page = _Page(library, limits or PageLimits(), on_progress)
    try:
        write_parts_atomically(path, page.parts())
    except FileNotFoundError as error:
        # Whatever is forgotten takes pages with it, also one that is being written.
        raise _forgotten_meanwhile() from error
    except OSError as error:
        raise FamiliarError(
            tried=f"writing the page {path}",
            found=error.strerror or str(error),
            fix="Choose another place with --out FILE, or free some space.",
        ) from error
    if not page.still_holds():
        # Forgetting that begins from now on finds the page; what began before may have looked already.
        with suppress(FileNotFoundError):
            path.unlink()
        raise _forgotten_meanwhile()
    return page.report(path, home, time.monotonic() - started_s)


def _forgotten_meanwhile() -> NotReadyError:
    return NotReadyError(
        tried="making a page of people, pets and things",
        found="somebody or something on it is being forgotten; the page was removed",
        fix="Wait until that is done (familiar status), and make it again.",
    )


class _Page:
    """One page, from the first byte to the last."""

    def __init__(self, library: Library, limits: PageLimits, on_progress: OnProgress | None) -> None:
        self._library, self._limits, self._on_progress = library, limits, on_progress
        self._faces_on = library.faces_are_on()
        self._numbers = overview(library)
        self._named: dict[ConceptKind, list[Portrayed]] = {
            "face": named(library, "face"),
            "object": named(library, "object"),
        }
        self._groups: dict[ConceptKind, list[Portrayed]] = {
            # Without pictures nobody can say who they are.
            "face": largest_unnamed(library, "face", limits.unnamed_groups) if self._faces_on else [],
            "object": largest_unnamed(library, "object", limits.unnamed_groups),
        }
        self._template, self._style = _template(), (_PAGES / "people.css").read_text("utf-8")
        self._shown = _Shown()
        self._total = sum(len(some) for some in (*self._named.values(), *self._groups.values()))
        self._bytes = 0

    def parts(self) -> Iterator[bytes]:
        """The page, card by card."""
        for part in self._template.generate(**self._context()):
            content = part.encode("utf-8", "backslashreplace")
            self._bytes += len(content)
            yield content

    def still_holds(self) -> bool:
        """Whether nobody on the page was forgotten since, or is about to be."""
        library = self._library
        if library.is_erasing_faces() or self._shown.concepts & set(library.begun_forgetting()):
            return False
        return self._shown.concepts <= {concept.id for concept in library.concepts()}

    def report(self, path: Path, home: Home, elapsed_s: float) -> PeoplePage:
        """What was written there."""
        numbers = self._numbers
        return PeoplePage(
            path=path,
            people=len(self._named["face"]),
            things=len(self._named["object"]),
            unnamed_people=numbers.unnamed["face"],
            unnamed_things=numbers.unnamed["object"],
            hidden=sum(numbers.hidden.values()),
            ungrouped_faces=numbers.ungrouped_faces,
            waiting=numbers.waiting,
            photos=numbers.photos,
            pictures=self._shown.pictures,
            bytes=self._bytes,
            faces_on=self._faces_on,
            in_home=path.resolve().is_relative_to(home.root.resolve()),
            elapsed_s=round(elapsed_s, 3),
        )

    def _context(self) -> dict[str, Any]:
        from markupsafe import Markup

        digest = base64.b64encode(hashlib.sha256(self._style.encode()).digest()).decode("ascii")
        made = datetime.now().astimezone()
        numbers = self._numbers
        return {
            "marker": Markup(MARK),
            "style": Markup(self._style),
            "style_hash": f"sha256-{digest}",
            "lead": lead_text(numbers),
            "numbers": [
                (label, f"{number:,}")
                for label, number in (
                    ("photos", numbers.photos),
                    ("people", len(self._named["face"])),
                    ("pets and things", len(self._named["object"])),
                    ("groups without a name", sum(numbers.unnamed.values())),
                    ("faces in no group", numbers.ungrouped_faces),
                )
            ],
            "notices": []
            if self._faces_on
            else ["Faces are switched off: people are listed without pictures of them."],
            "sections": self._sections(),
            "aside": self._aside(),
            "made": moment_text(made),
            "made_at": made.isoformat(timespec="seconds"),
            "privacy": "Everything on this page is in this one file; it loads nothing and sends nothing. "
            + ("It shows faces: think of whom you give it to. " if self._faces_on else "")
            + "Forgetting somebody removes the pages that are kept with the library. Copies elsewhere "
            "are yours to delete.",
        }

    # --- cards

    def _sections(self) -> list[Section]:
        numbers, named_ones, groups = self._numbers, self._named, self._groups
        wanted = (
            ("people", "People", "", False, named_ones["face"], 0),
            ("things", "Pets and things", "", False, named_ones["object"], 0),
            (
                "unnamed-people",
                "Who is this?",
                "Faces that belong together, and that nobody has named yet.",
                True,
                groups["face"],
                numbers.unnamed["face"] - len(groups["face"]) if self._faces_on else 0,
            ),
            (
                "unnamed-things",
                "What is this?",
                "Photos that show the same, and that nobody has named yet.",
                True,
                groups["object"],
                numbers.unnamed["object"] - len(groups["object"]),
            ),
        )
        sections = [
            Section(
                key,
                title,
                about,
                small,
                self._cards(found, small),
                f"And {counted(left, 'smaller group')}: familiar concepts" if left > 0 else "",
            )
            for key, title, about, small, found, left in wanted
            if found
        ]
        asked = [one for some in named_ones.values() for one in some if one.suggested]
        if any(one.kind == "object" or self._faces_on for one in asked):
            sections.insert(
                sum(bool(some) for some in named_ones.values()),
                Section(
                    "suggestions",
                    "Is this right?",
                    "Photos that may show somebody or something you named.",
                    True,
                    self._suggestions(asked),
                    "All of them, one by one: familiar suggestions",
                ),
            )
        return sections

    def _cards(self, concepts: Sequence[Portrayed], small: bool) -> Iterator[Card]:
        limits = self._limits
        most = limits.unnamed_pictures if small else limits.named_pictures
        # Of a thousand people there is a picture each rather than nine of the first ones.
        fair = max(1, limits.pictures // max(self._total, 1))
        for concept in concepts:
            if self._on_progress is not None:
                message = "Making the people page"
                self._on_progress(Progress(len(self._shown.concepts), self._total, message))
            self._shown.concepts.add(concept.id)
            yield self._card(concept, min(most, fair))

    def _card(self, concept: Portrayed, pictures: int) -> Card:
        title = concept.name or f"Group {concept.id}"
        faces = concept.kind == "face"
        made = list(self._pictures(concept, pictures)) if self._faces_on or not faces else []
        cover, more = (made[0], made[1:]) if made else (None, [])
        chips = (
            [(STATE_WORDS[concept.state], STATE_LOOKS[concept.state])] if concept.state in STATE_LOOKS else []
        )
        if concept.suggested:
            wait = "waits" if concept.suggested == 1 else "wait"
            chips.append((f"{counted(concept.suggested, 'photo')} {wait} for your answer", "warn"))
        return Card(
            title=title,
            photos=counted(concept.photos, "photo"),
            span=span_text(concept.first, concept.last),
            chips=chips,
            commands=[f"familiar name {concept.id} NAME"] if concept.name is None else [],
            letter=title[:1].upper() if concept.name else "?",
            cover=None if cover is None else cover[0],
            cover_alt="" if cover is None else alt_text(title, 1, len(made), cover[1]),
            more=[
                (picture, alt_text(title, number, len(made), taken))
                for number, (picture, taken) in enumerate(more, start=2)
            ],
        )

    def _suggestions(self, concepts: Sequence[Portrayed]) -> Iterator[Card]:
        """A card for each photo that may show one of these, the likeliest of each first."""
        for portrayed in concepts:
            if portrayed.kind == "face" and not self._faces_on:
                continue
            self._shown.concepts.add(portrayed.id)
            suggestions = waiting(self._library, [self._library.concept(portrayed.id)])
            for one in suggestions[: self._limits.suggestions]:
                if self._is_full():
                    return
                example = example_of(self._library, one.detection.id)
                face = portrayed.kind == "face"
                picture = None if example is None else picture_of(example, self._limits.small_px, face=face)
                if picture is not None:
                    self._count(picture)
                    yield suggestion_card(
                        one, picture, short_reference(self._library, one.detection.photo_id)
                    )

    def _is_full(self) -> bool:
        shown, limits = self._shown, self._limits
        if shown.pictures >= limits.pictures or shown.picture_bytes >= limits.mib * 2**20:
            shown.full = True
            return True
        return False

    def _count(self, picture: Picture) -> None:
        self._shown.pictures += 1
        self._shown.picture_bytes += len(picture.address)

    def _pictures(self, concept: Portrayed, number: int) -> Iterator[tuple[Picture, date | None]]:
        side_px = self._limits.cover_px
        for candidates in examples(self._library, concept, number):
            if self._is_full():
                return
            for candidate in candidates:
                picture = picture_of(candidate, side_px, face=concept.kind == "face")
                if picture is not None:
                    self._count(picture)
                    side_px = self._limits.small_px
                    yield picture, candidate.taken
                    break

    def _aside(self) -> Iterator[str]:
        """Asked for when all cards are written."""
        numbers = self._numbers
        people, things = numbers.hidden["face"], numbers.hidden["object"]
        if people or things:
            both = [counted(people, "person", "people")] if people else []
            both += [counted(things, "pet or thing", "pets and things")] if things else []
            yield f"{' and '.join(both)} hidden by you"
        if not self._faces_on and numbers.unnamed["face"]:
            yield f"{counted(numbers.unnamed['face'], 'group')} of faces without a name, not shown: faces are off"
        if numbers.ungrouped_faces:
            yield f"{counted(numbers.ungrouped_faces, 'face')} in no group: like nobody else, or not clearly enough"
        if numbers.unreadable:
            yield f"{counted(numbers.unreadable, 'file')} that could not be read"
        if self._shown.full:
            yield "Some are listed without pictures, so that this page stays small"


def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string((_PAGES / "people.html").read_text("utf-8"))
