"""Carries out what a route or a slash command asks for, over the façade. Knows no model and no screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.chat.questions import named_text
from assistant.chat.slash_commands import (
    split_learning,
    split_name,
    split_photo,
    split_profile,
    split_telling,
    split_words,
)
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
from assistant.tools.access import PhotoAccess
from assistant.tools.describe import describe_photo
from assistant.tools.find import find_photos
from assistant.tools.imagine import imagine_pictures
from assistant.tools.list_concepts import listed_concepts
from assistant.tools.remember import remember_fact
from personalizer.errors import UsageError, counted
from personalizer.schemas import OnProgress, ScanReport


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

    def imagine(self, words: str | Phrase, count: int = 1, seed: int | None = None) -> Action:
        text = words if isinstance(words, str) else words.text
        if not text.strip():
            raise UsageError(
                tried="/imagine",
                found="no words to draw",
                fix="/imagine TEXT, such as /imagine Bo on a beach",
            )
        return Action(
            "imagine",
            f"Drawing {text}",
            lambda progress: imagine_pictures(
                self._familiar, words, count=count, seed=seed, on_progress=progress
            ),
        )

    def find(self, text: str) -> Action:
        if not text.strip():
            raise UsageError(
                tried="/find",
                found="no words to search for",
                fix="/find TEXT, such as /find Bo on a beach last summer",
            )
        return Action("find", f"Looking for {text}", lambda _progress: find_photos(self._familiar, text))

    def list_concepts(self, name: str | None = None) -> Action:
        title = f"Looking up {name}" if name else "Looking up whom I know"
        return Action("list_concepts", title, lambda _progress: listed_concepts(self._familiar, name))

    def name(self, concept_id: int, name: str) -> Action:
        def run(_progress: OnProgress) -> tuple[str, Any]:
            named = self._familiar.name(concept_id, name)
            return named_text(named), named

        return Action("name_concept", f"Naming number {concept_id}", run)

    def rename(self, old: str, new: str) -> Action:
        def run(_progress: OnProgress) -> tuple[str, Any]:
            named = self._familiar.name(self._familiar.concept(old).id, new)
            return f"{old} is called {named.name} now.", named

        return Action("name_concept", f"Renaming {old}", run)

    def remember(self, concept: str, text: str) -> Action:
        return Action(
            "remember",
            f"Remembering that about {concept}",
            lambda _progress: remember_fact(self._familiar, concept, text),
        )

    def profile(self, concept: str, remove: int | None) -> Action:
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

        return Action("scan", f"Adding {', '.join(folders)}", run)

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

        return Action("scan", "Scanning your folders", run)

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
                return self.name(int(which), name) if which.isdecimal() else self.rename(which, name)
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
