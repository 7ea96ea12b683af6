"""Chats that are kept: listed, searched, exported, deleted for good; and whether they are kept."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assistant.results import BackupState
from assistant.service.base import UNREACHABLE, Core, unreachable
from personalizer.errors import NotFoundError, UsageError
from personalizer.home import write_atomically
from personalizer.library.chats import ChatSummary, FoundMessage, KeptChat

_SUFFIXES = (".md", ".markdown")


@dataclass(frozen=True, slots=True)
class ExportedChat:
    """A chat as a Markdown file and a folder of pictures beside it."""

    path: Path
    folder: Path | None
    """None where the chat shows no picture that is still there."""
    pictures: int
    missing: int
    """Pictures whose file is gone."""


@dataclass(frozen=True, slots=True)
class DeletedChats:
    """What went with the chats that were deleted."""

    chats: int
    drawings: int
    backups: list[BackupState] = field(default_factory=list)
    """Backups that still hold them."""


class Chats(Core):
    """Chats of one library."""

    def switch_chats(self, on: bool) -> dict[str, Any]:
        """Keep chats from now on, or no longer; what is kept stays. Returns how it stands."""
        self.library.switch_chats(on)
        return self.chats_state()

    def chats_state(self) -> dict[str, Any]:
        """Whether chats are kept, whether a person decided that, and how many there are."""
        library = self.library
        return {
            "chats": library.keeps_chats(),
            "asked": library.was_asked_about_chats(),
            "kept": len(library.chats()),
        }

    def chats(self, limit: int | None = None) -> list[ChatSummary]:
        """The chats that are kept, the one that was used last first."""
        return self.library.chats(limit)

    def chat(self, chat_id: int | str) -> KeptChat:
        """A chat with all its exchanges. Raises NotFoundError."""
        return self.library.kept_chat(chat_number(chat_id))

    def search_chats(self, text: str, limit: int = 20) -> list[FoundMessage]:
        """Messages with all these words, the newest first. Raises UsageError where there is no word."""
        if not any(character.isalnum() for character in text):
            raise UsageError(
                tried="searching the chats", found="no words to search for", fix="Give a word that was said."
            )
        return self.library.search_chats(text, limit)

    def export_chat(self, chat_id: int | str, file: Path, *, force: bool = False) -> ExportedChat:
        """Write a chat to a Markdown file, with copies of its pictures in a folder beside it.

        Raises NotFoundError for the chat, UsageError for a place where something is (unless `force`), or inside the
        home, from which forgetting could not take it.
        """
        from assistant.presentation.chat_markdown import chat_markdown

        chat = self.chat(chat_id)
        target = self._export_target(file, force=force)
        folder = target.with_name(f"{target.stem}-pictures")
        copies: dict[Path, str] = {}
        missing = 0
        shown = [picture.path for one in chat.exchanges for part in one.answers for picture in part.pictures]
        for path in dict.fromkeys(shown):
            try:
                content = path.read_bytes()
            except OSError:
                missing += 1
                continue
            # A name of ours: that of the file may hold anything.
            suffix = path.suffix.lower() if path.suffix[1:].isascii() and path.suffix[1:].isalnum() else ""
            name = f"{len(copies) + 1:03}{suffix}"
            write_atomically(folder / name, content)
            copies[path] = f"{folder.name}/{name}"
        write_atomically(target, chat_markdown(chat, copies).encode("utf-8", "replace"))
        return ExportedChat(target, folder if copies else None, len(copies), missing)

    def _export_target(self, file: Path, *, force: bool) -> Path:
        tried = f"exporting a chat to {file}"
        try:
            target = file.expanduser().absolute()
            inside = target.resolve().is_relative_to(self.home.root.resolve())
            folder = target.with_name(f"{target.stem}-pictures")
            taken = os.path.lexists(target) or os.path.lexists(folder)
            wrong = target.is_dir() or target.suffix.lower() not in _SUFFIXES or not target.parent.is_dir()
            no_folder = os.path.lexists(folder) and (folder.is_symlink() or not folder.is_dir())
        except UNREACHABLE as error:
            raise unreachable(tried, error) from error
        if wrong:
            raise UsageError(
                tried=tried, found="it is no .md file in a folder that is there", fix="Give one: FILE.md"
            )
        if inside:
            raise UsageError(
                tried=tried,
                found="it is inside the library's own folder",
                fix="Choose a place of yours: what you export is your own file, also when something is forgotten.",
            )
        if no_folder or (taken and not force):
            raise UsageError(
                tried=tried,
                found=f"{target.name} or {folder.name} is there already",
                fix="Choose another name." if no_folder else "Choose another name, or say --force.",
            )
        return target

    def delete_chats(self, chat_ids: Iterable[int | str], *, missing_ok: bool = False) -> DeletedChats:
        """Remove chats for good, with the drawings that belong to them; photos are never touched.

        Raises NotFoundError before anything is removed, unless `missing_ok`; NotReadyError where another program holds
        the library: then they are gone from it, and the next deletion has the file written anew without them.
        """
        from assistant.forget.chats import delete_drawings
        from assistant.forget.known_backups import left_in_backups

        self.finish_deleting_chats()
        numbers = list(dict.fromkeys(map(chat_number, chat_ids)))
        known = {chat.id for chat in self.library.chats()}
        if not missing_ok:
            for number in numbers:
                self.library.chat(number)
        chosen = [number for number in numbers if number in known]
        with self.library.said_when_locked():
            exchanges = [one for number in chosen for one in self.library.exchanges(number)]
            uids = self.library.chat_uids(chosen)
            drawings = delete_drawings(self.library, self.home, exchanges)
            self.library.delete_chats(chosen)
            self.library.compact()
        left = left_in_backups(self.library, uids, delete=False)
        return DeletedChats(len(chosen), drawings, left)

    def finish_deleting_chats(self) -> None:
        """Write the file anew without chats that were deleted while another program held it, if there are any."""
        with self.library.said_when_locked():
            if self.library.has_deleted_chats():
                self.library.compact()


def chat_number(given: int | str) -> int:
    """`12` or `#12` as a number. Raises NotFoundError for what is none."""
    if isinstance(given, int):
        return given
    text = given.strip().removeprefix("#")
    if not (text.isascii() and text.isdecimal()) or len(text) > 18:
        raise NotFoundError(
            tried=f"looking up chat {given!r}",
            found="that is no number of a chat",
            fix="List them with: familiar chats",
        )
    return int(text)
