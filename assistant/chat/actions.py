"""Carries out what a route or a slash command asks for, over the façade. Knows no model and no screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.chat.router.route import Route, Slots
from assistant.chat.slash_commands import (
    split_about,
    split_learning,
    split_name,
    split_photo,
    split_profile,
    split_telling,
    split_two_names,
    split_words,
)
from assistant.imagine.draw import Painter
from assistant.language.parse import Phrase
from assistant.presentation.lines import (
    forgotten_lines,
    profile_lines,
    scan_lines,
    status_lines,
    trained_lines,
)
from assistant.presentation.suggestion_lines import found_line, suggestion_lines
from assistant.service.familiar import Familiar
from assistant.setup.consent import NOTE
from assistant.tools.access import PhotoAccess, is_there
from assistant.tools.corrections import (
    confirm_photo,
    merge_concepts_named,
    photo_title,
    reject_photo,
    split_photos,
    undo_last,
)
from assistant.tools.describe import describe_photo
from assistant.tools.find import find_photos
from assistant.tools.imagine import imagine_pictures
from assistant.tools.list_concepts import listed_concepts
from assistant.tools.name import learn_from_photos, name_group_or_rename
from assistant.tools.remember import remember_fact
from assistant.tools.train import train_named
from personalizer.errors import FamiliarError, UsageError, counted
from personalizer.schemas import OnProgress, ScanReport

OWN_DRAWING = "For what the model itself draws, say: draw it yourself"


@dataclass(frozen=True, slots=True)
class Action:
    """Something to do: which tool it is, what it is called while it runs, and how to run it.

    `run` returns the text for people and the record behind it.
    """

    tool: str
    title: str
    run: Callable[[OnProgress], tuple[str, Any]]
    photos: tuple[Path, ...] = ()
    """What a following "is this Bo?" is about."""
    looks_at_photos: bool = True
    """Of a scan: whether there is something to look at, so that faces have to be asked about."""


class Actions:
    """Builds actions on one library."""

    def __init__(self, familiar: Familiar, access: PhotoAccess) -> None:
        self._familiar = familiar
        self._access = access

    def describe(self, photo: Path | str, question: str | Phrase | None) -> Action:
        path = self._access.allow([photo])[0]
        return Action(
            "describe",
            f"Looking at {path.name}",
            lambda progress: describe_photo(self._familiar, self._access, path, question),
            (path,),
        )

    def imagine(
        self, words: str | Phrase, count: int = 1, seed: int | None = None, painter: Painter = "auto"
    ) -> Action:
        text = words if isinstance(words, str) else words.text
        if not text.strip():
            raise UsageError(
                tried="/imagine",
                found="no words to draw",
                fix="/imagine TEXT, such as /imagine Bo on a beach",
            )

        def run(progress: OnProgress) -> tuple[str, Any]:
            said, imagined = imagine_pictures(
                self._familiar, words, count=count, seed=seed, on_progress=progress, painter=painter
            )
            return f"{said}\n{OWN_DRAWING}" if imagined.painter == "montage" else said, imagined

        return Action("imagine", f"Drawing {text}", run)

    def find(self, text: str) -> Action:
        if not text.strip():
            raise UsageError(
                tried="/find",
                found="no words to search for",
                fix="/find TEXT, such as /find Bo on a beach last summer",
            )
        return Action("find", "Searching your photos", lambda _progress: find_photos(self._familiar, text))

    def list_concepts(self, name: str | None = None) -> Action:
        title = f"Looking up {name}" if name else "Looking up whom I know"
        return Action("list_concepts", title, lambda _progress: listed_concepts(self._familiar, name))

    def name(self, name: str, *, id: int | None = None, concept: str | None = None) -> Action:
        def run() -> tuple[str, Any]:
            words, named = name_group_or_rename(self._familiar, self._access, name, id=id, concept=concept)
            return f"{words} /suggestions {named.name} asks about them." if named.suggested else words, named

        title = f"Naming number {id}" if id is not None else f"Renaming {concept}"
        return self._change("name_concept", title, run)

    def confirm(self, concept: str, photo: Path | str) -> Action:
        title = f"Noting that {concept} is in {photo_title(photo)}"
        return self._change(
            "confirm", title, lambda: confirm_photo(self._familiar, self._access, concept, photo)
        )

    def reject(self, concept: str, photo: Path | str) -> Action:
        title = f"Noting that {concept} is not in {photo_title(photo)}"
        return self._change(
            "reject", title, lambda: reject_photo(self._familiar, self._access, concept, photo)
        )

    def replace(self, concept: str, instead_of: str, photo: Path | str) -> Action:
        """It is one and not the other."""

        def run() -> tuple[str, Any]:
            try:
                said = f"{reject_photo(self._familiar, self._access, instead_of, photo)[0]} "
            except FamiliarError:
                said = ""  # the other one was not noted there
            words, changed = confirm_photo(self._familiar, self._access, concept, photo)
            return said + words, changed

        title = f"Noting that {concept} is in {photo_title(photo)}, not {instead_of}"
        return self._change("confirm", title, run)

    def merge(self, first: str, second: str) -> Action:
        title = f"Making one of {first} and {second}"
        return self._change(
            "merge", title, lambda: merge_concepts_named(self._familiar, self._access, first, second)
        )

    def split(self, concept: str, photos: Sequence[Path | str]) -> Action:
        title = f"Taking {counted(len(photos), 'photo')} out of {concept}"
        return self._change(
            "split", title, lambda: split_photos(self._familiar, self._access, concept, photos)
        )

    def undo(self) -> Action:
        return self._change(
            "undo", "Taking back the last change", lambda: undo_last(self._familiar, self._access)
        )

    def train(self, concept: str) -> Action:
        return Action(
            "train",
            f"Training {concept}",
            lambda progress: train_named(self._familiar, self._access, concept, progress),
        )

    @staticmethod
    def _change(tool: str, title: str, run: Callable[[], tuple[str, Any]]) -> Action:
        return Action(tool, title, lambda _progress: run())

    def remember(self, concept: str, text: str) -> Action:
        return Action(
            "remember",
            f"Remembering that about {concept}",
            lambda _progress: remember_fact(self._familiar, concept, text),
        )

    def profile(self, concept: str, remove: int | str | None) -> Action:
        def run(_progress: OnProgress) -> tuple[str, Any]:
            familiar = self._familiar
            found = familiar.profile(concept) if remove is None else familiar.take_back(concept, remove)
            return profile_lines(found), found

        return Action("profile", f"Looking up what you told me about {concept}", run)

    def learn(self, name: str, photos: Sequence[Path | str]) -> Action:
        opened = self._access.allow(photos)

        def run(progress: OnProgress) -> tuple[str, Any]:
            trained = self._familiar.learn(name, opened, progress)
            return f"I know {trained.concept} now.\n{trained_lines(trained)}", trained

        number = counted(len(opened), "photo")
        return Action("learn", f"Learning {name} from {number}", run, tuple(opened))

    def begin_learning(self, name: str, photos: Sequence[Path]) -> Action:
        """As `learn`, without waiting for the training."""
        return Action(
            "learn",
            f"Learning {name} from {counted(len(photos), 'photo')}",
            lambda progress: learn_from_photos(self._familiar, self._access, name, photos, progress),
            tuple(photos),
        )

    def forget(self, name: str, typed: str) -> Action:
        """`typed` is what the user typed when asked for the name again."""

        def run(progress: OnProgress) -> tuple[str, Any]:
            forgotten = self._familiar.forget(name, typed, progress)
            return forgotten_lines(forgotten), forgotten

        return Action("forget", "Forgetting", run)

    def add(self, folders: Sequence[str]) -> Action:
        if not folders:
            raise UsageError(
                tried="/add", found="no folder was named", fix="/add FOLDER, such as /add ~/Pictures"
            )

        def run(progress: OnProgress) -> tuple[str, Any]:
            report = self._familiar.add([Path(folder) for folder in folders], progress)
            # Where nobody is there who can be asked, it is said what holds.
            note = "" if self._familiar.library.was_asked_about_faces() else f"\n{NOTE}"
            return self._scanned(report) + note, report

        there = any(is_there(Path(folder).expanduser()) for folder in folders)
        return Action("scan", f"Adding {', '.join(folders)}", run, looks_at_photos=there)

    def scan(self) -> Action:
        def run(progress: OnProgress) -> tuple[str, Any]:
            if not self._familiar.library.roots():
                raise UsageError(
                    tried="scanning",
                    found="no folder is registered",
                    fix="/add FOLDER registers one and scans it.",
                )
            report = self._familiar.scan(progress)
            return self._scanned(report), report

        there = bool(self._familiar.library.roots())
        return Action("scan", "Scanning your folders", run, looks_at_photos=there)

    def _scanned(self, report: ScanReport) -> str:
        found = found_line(self._familiar.concepts()) if report.new or report.changed else ""
        return "\n".join([scan_lines(report), *([found] if found else [])])

    def suggestions(self, name: str | None) -> Action:
        def run(_progress: OnProgress) -> tuple[str, Any]:
            found = self._familiar.suggestions(name)
            return suggestion_lines(found), found

        return Action("suggestions", "Looking for what waits for your answer", run)

    def status(self) -> Action:
        def run(_progress: OnProgress) -> tuple[str, Any]:
            status = self._familiar.status()
            return status_lines(status), status

        return Action("status", "Looking around", run)

    def of_route(self, found: Route) -> Action | None:
        """The action of a route that has all its slots; None where no tool answers it."""
        slots = found.slots
        match found.intent:
            case "describe":
                self._access.allow(slots.get("photos", []))
                return self.describe(slots["photo"], found.words)
            case "imagine":
                words = found.words or slots["prompt"]
                painter = slots.get("painter", "auto")
                return self.imagine(words, slots.get("count", 1), slots.get("seed"), painter)
            case "find":
                return self.find(slots["query"])
            case "list_concepts" if "id" in slots:
                return self.list_concepts(str(slots["id"]))
            case "list_concepts":
                return self.list_concepts(slots.get("concept"))
            case "remember" if slots.get("take_back"):
                return self.profile(slots["concept"], slots["text"])
            case "remember":
                return self.remember(slots["concept"], slots["text"])
            case "name_concept" if "photo" in slots:
                return self._name_photos(slots)
            case "name_concept":
                return self.name(slots["name"], id=slots.get("id"), concept=slots.get("concept"))
            case "confirm" | "reject" | "split" | "merge" | "undo" | "train":
                return self._correction(found)
            case "help":
                return {"scan": self.scan, "status": self.status}.get(slots["topic"], lambda: None)()
            case _:
                return None

    def _name_photos(self, slots: Slots) -> Action:
        """Somebody known in a photo of the library: a note, which can be taken back; anybody else is learned."""
        photos = self._access.allow(slots.get("photos", [slots["photo"]]))
        known = slots.get("concept")
        if (
            known is not None
            and len(photos) == 1
            and self._familiar.library.photo_by_path(photos[0]) is not None
        ):
            return self.confirm(known, photos[0])
        return self.begin_learning(slots.get("name") or str(known), photos)

    def _correction(self, found: Route) -> Action:
        slots = found.slots
        concept = str(slots.get("concept", slots.get("id", "")))
        match found.intent:
            case "confirm" if "instead_of" in slots:
                return self.replace(concept, str(slots["instead_of"]), slots["photo"])
            case "confirm":
                return self.confirm(concept, slots["photo"])
            case "reject":
                return self.reject(concept, slots["photo"])
            case "split":
                return self.split(concept, slots.get("photos", [slots["photo"]]))
            case "merge":
                return self.merge(*found.both)
            case "undo":
                return self.undo()
            case _:
                return self.train(concept)

    def of_command(self, name: str, arguments: str) -> Action:
        """The action of a slash command that needs the library. Raises UsageError for wrong arguments."""
        match name:
            case "/describe":
                photo, question = split_photo(arguments)
                return self.describe(photo, question or None)
            case "/find":
                return self.find(arguments)
            case "/imagine":
                return self.imagine(arguments)
            case "/concepts":
                return self.list_concepts(arguments or None)
            case "/name":
                which, name = split_name(arguments, self._familiar.library.names(with_hidden=True))
                return self.name(name, id=int(which)) if which.isdecimal() else self.name(name, concept=which)
            case "/confirm" | "/reject" | "/split":
                return self._about_photos(name, arguments)
            case "/merge":
                return self.merge(*split_two_names(arguments, self._familiar.library.names(with_hidden=True)))
            case "/undo" if arguments:
                raise UsageError(
                    tried="/undo", found=repr(arguments), fix="/undo alone takes back the last change."
                )
            case "/undo":
                return self.undo()
            case "/train":
                if not arguments:
                    raise UsageError(tried="/train", found="no name", fix="/train NAME, such as /train Bo")
                return self.train(arguments)
            case "/suggestions":
                return self.suggestions(arguments or None)
            case "/remember":
                return self.remember(
                    *split_telling(arguments, self._familiar.library.names(with_hidden=True))
                )
            case "/profile":
                return self.profile(*split_profile(arguments))
            case "/learn":
                return self.learn(*split_learning(arguments))
            case "/add":
                return self.add(split_words(arguments))
            case "/scan":
                return self.scan()
            case _:
                return self.status()

    def _about_photos(self, command: str, arguments: str) -> Action:
        known = self._familiar.library.names(with_hidden=True)
        concept, photos = split_about(arguments, known, command)
        if command == "/split":
            return self.split(concept, photos)
        return (self.confirm if command == "/confirm" else self.reject)(concept, photos[0])
