"""Stored chats: requests, results, and paths of pictures. Nothing is stored without the user's consent.

Knows neither a screen nor what an artifact means. Deleting for good takes `delete_chats` (or `delete_exchanges`) and
then `compact`, which writes the file anew.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from personalizer.errors import NotFoundError
from personalizer.library.database import Database, now_text, path_from, path_value

Role = Literal["user", "program", "tool", "model"]
Ending = Literal["answered", "failed", "cancelled"]

CHATS_KEPT = "chats.kept"
"""The setting that says what a person decided about keeping chats, and when: `yes …` or `no …`."""
DELETED_CHATS = "chats.deleted"
"""The setting that says that the file still has to be written anew without deleted chats."""
MAX_TITLE_CHARACTERS = 60
_MOST_TOKENS = 12
_TOKEN = re.compile(r"[^\W_]+")
_LONE = re.compile("[\ud800-\udfff]")
_CHOSEN = "(SELECT value FROM json_each(?))"
_SUMMARIES = """SELECT chats.id, chats.started_at,
    (SELECT substr(text, 1, 400) FROM chat_messages WHERE chat_id = chats.id AND request_id IS NULL
     ORDER BY id LIMIT 1) AS first_request,
    (SELECT COUNT(*) FROM chat_messages WHERE chat_id = chats.id) AS messages FROM chats"""


@dataclass(frozen=True, slots=True)
class ChatPicture:
    """A photo or drawing that was shown; the file may be gone."""

    path: Path
    caption: str = ""
    drawn: bool = False
    """Whether Familiar drew it for this chat; such a file is deleted with the chat."""


@dataclass(frozen=True, slots=True)
class NewMessage:
    """What was said or shown, to be kept."""

    role: Role
    text: str
    at: str
    """When, in UTC (ISO 8601)."""
    tool: str | None = None
    elapsed_s: float | None = None
    artifact: dict[str, Any] | None = None
    """JSON values, enough to show the result again and to go on from it."""
    pictures: tuple[ChatPicture, ...] = ()
    of_faces: bool = False
    """Whether it may rest on faces that were found."""


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """What was said or shown, as it is kept."""

    id: int
    chat_id: int
    request_id: int | None
    """The request that it belongs to; None for a request."""
    role: Role
    text: str
    at: str
    tool: str | None
    elapsed_s: float | None
    artifact: dict[str, Any] | None
    pictures: tuple[ChatPicture, ...]
    of_faces: bool
    ended: Ending | None
    """Of a request: how it ended; None while it is answered, or where the program was killed meanwhile."""


@dataclass(frozen=True, slots=True)
class ChatSummary:
    """A chat in a list."""

    id: int
    title: str
    """Its first request, shortened."""
    started_at: str
    messages: int


@dataclass(frozen=True, slots=True)
class FoundMessage:
    """A message that has the words of a search."""

    chat: int
    title: str
    role: Role
    at: str
    excerpt: str


@dataclass(frozen=True, slots=True)
class ChatExchange:
    """A request and what came of it."""

    request: ChatMessage
    answers: tuple[ChatMessage, ...]

    @property
    def unfinished(self) -> bool:
        """Whether it is still being answered, or the program was killed meanwhile."""
        return self.request.ended is None


@dataclass(frozen=True, slots=True)
class KeptChat:
    """A whole chat."""

    id: int
    title: str
    started_at: str
    exchanges: tuple[ChatExchange, ...]


class ChatRecords(Database):
    """The part of the library that keeps chats."""

    # --- whether

    def was_asked_about_chats(self) -> bool:
        """Whether a person has decided about keeping chats."""
        return self.setting(CHATS_KEPT) is not None

    def keeps_chats(self) -> bool:
        """Whether chats may be kept; not before a person said so."""
        return (self.setting(CHATS_KEPT) or "").startswith("yes")

    def switch_chats(self, on: bool) -> None:
        """Keep chats from now on, or no longer. What is kept stays. A person said so, which answers the question."""
        self.set_setting(CHATS_KEPT, f"{'yes' if on else 'no'} {now_text()}")

    # --- writing

    def keep_request(self, chat_id: int | None, text: str, at: str) -> tuple[int, int] | None:
        """Keep what a person asked: the ids of its chat and of the request; None where chats are not kept.

        Without a chat, or with one that was deleted meanwhile, a new one begins.
        """
        with self.transaction() as connection:
            if not self.keeps_chats():
                return None
            if chat_id is None or not self._has_chat(chat_id):
                chat_id = connection.execute("INSERT INTO chats(started_at) VALUES (?)", (at,)).lastrowid
            request_id = connection.execute(
                "INSERT INTO chat_messages(chat_id, role, text, at) VALUES (?, 'user', ?, ?)",
                (chat_id, _storable(text), at),
            ).lastrowid
        assert chat_id is not None and request_id is not None
        return chat_id, request_id

    def keep_message(self, request_id: int, message: NewMessage) -> bool:
        """Keep what came of a request; False where that is gone, or chats are not kept any more."""
        artifact = None if message.artifact is None else json.dumps(message.artifact)
        with self.transaction() as connection:
            if not self.keeps_chats():
                return False
            row = connection.execute(
                """INSERT INTO chat_messages(
                       chat_id, request_id, role, text, at, tool, elapsed_s, artifact, of_faces)
                   SELECT chat_id, id, ?2, ?3, ?4, ?5, ?6, ?7, ?8 FROM chat_messages
                   WHERE id = ?1 AND request_id IS NULL RETURNING id""",
                (
                    request_id,
                    message.role,
                    _storable(message.text),
                    message.at,
                    message.tool,
                    message.elapsed_s,
                    artifact,
                    message.of_faces,
                ),
            ).fetchone()
            if row is None:
                return False
            connection.executemany(
                "INSERT INTO chat_pictures(message_id, place, path, caption, drawn) VALUES (?, ?, ?, ?, ?)",
                [
                    (row["id"], place, path_value(one.path), _storable(one.caption), one.drawn)
                    for place, one in enumerate(message.pictures)
                ],
            )
        return True

    def end_request(self, request_id: int, how: Ending) -> None:
        """Note that a request was dealt with."""
        self.connection.execute("UPDATE chat_messages SET ended = ? WHERE id = ?", (how, request_id))

    # --- reading

    def chats(self, limit: int | None = None) -> list[ChatSummary]:
        """The chats that are kept, the one that was used last first."""
        rows = self.connection.execute(
            f"""{_SUMMARIES} ORDER BY (SELECT MAX(id) FROM chat_messages WHERE chat_id = chats.id) DESC, id DESC
                LIMIT ?""",
            (-1 if limit is None else limit,),
        )
        return [_summary(row) for row in rows]

    def chat(self, chat_id: int) -> ChatSummary:
        """The chat with this id, or `NotFoundError`."""
        row = self.connection.execute(f"{_SUMMARIES} WHERE chats.id = ?", (_id(chat_id),)).fetchone()
        if row is None:
            raise NotFoundError(
                tried=f"looking up chat {chat_id}",
                found="none of that number is kept",
                fix="List them with: familiar chats",
            )
        return _summary(row)

    def kept_chat(self, chat_id: int) -> KeptChat:
        """The chat with this id and all that is in it, or `NotFoundError`."""
        summary = self.chat(chat_id)
        return KeptChat(summary.id, summary.title, summary.started_at, tuple(self.exchanges(summary.id)))

    def exchanges(self, chat_id: int | None = None) -> list[ChatExchange]:
        """Those of a chat, or of all, in the order of their requests."""
        answers: dict[int, list[ChatMessage]] = {}
        requests: list[ChatMessage] = []
        for message in self.chat_messages(chat_id):
            if message.request_id is None:
                requests.append(message)
            else:
                answers.setdefault(message.request_id, []).append(message)
        return [ChatExchange(request, tuple(answers.get(request.id, ()))) for request in requests]

    def chat_messages(self, chat_id: int | None = None) -> list[ChatMessage]:
        """The messages of a chat, or of all, exchange by exchange in the order of their requests."""
        pictures: dict[int, list[ChatPicture]] = {}
        for row in self.connection.execute(
            """SELECT chat_pictures.* FROM chat_pictures JOIN chat_messages ON chat_messages.id = message_id
               WHERE ?1 IS NULL OR chat_id = ?1 ORDER BY message_id, place""",
            (chat_id,),
        ):
            shown = ChatPicture(path_from(row["path"]), row["caption"], bool(row["drawn"]))
            pictures.setdefault(row["message_id"], []).append(shown)
        rows = self.connection.execute(
            """SELECT * FROM chat_messages WHERE ?1 IS NULL OR chat_id = ?1
               ORDER BY chat_id, COALESCE(request_id, id), id""",
            (chat_id,),
        )
        return [_message(row, tuple(pictures.get(row["id"], ()))) for row in rows]

    def search_chats(self, text: str, limit: int = 20) -> list[FoundMessage]:
        """Messages that have all words of `text`, the last one perhaps as a beginning; the newest first."""
        tokens = _TOKEN.findall(text)[:_MOST_TOKENS]
        if not tokens:
            return []
        rows = self.connection.execute(
            """SELECT chat_id, role, at, snippet(chat_words, 0, '', '', '…', 24) AS excerpt
               FROM chat_words JOIN chat_messages ON chat_messages.id = chat_words.rowid
               WHERE chat_words MATCH ? ORDER BY chat_messages.id DESC LIMIT ?""",
            (" ".join(f'"{token}"' for token in tokens) + "*", limit),
        ).fetchall()
        titles = {chat_id: self.chat(chat_id).title for chat_id in {row["chat_id"] for row in rows}}
        return [
            FoundMessage(row["chat_id"], titles[row["chat_id"]], row["role"], row["at"], row["excerpt"])
            for row in rows
        ]

    def chat_uids(self, chat_ids: Iterable[int]) -> list[str]:
        """What these chats are known by in backups."""
        rows = self.connection.execute(f"SELECT uid FROM chats WHERE id IN {_CHOSEN}", (_ids(chat_ids),))
        return [str(row["uid"]) for row in rows]

    def other_chats_show(self, path: Path, request_ids: Iterable[int]) -> bool:
        """Whether a drawing belongs to any exchange but these as well."""
        row = self.connection.execute(
            f"""SELECT 1 FROM chat_pictures JOIN chat_messages ON chat_messages.id = message_id
                WHERE path = ? AND drawn AND COALESCE(request_id, chat_messages.id) NOT IN {_CHOSEN} LIMIT 1""",
            (path_value(path), _ids(request_ids)),
        ).fetchone()
        return row is not None

    # --- removing

    def delete_chats(self, chat_ids: Iterable[int]) -> None:
        """Remove chats, and remember by their `uid` alone that no older backup may bring them back."""
        chosen = _ids(chat_ids)
        self.connection.execute("PRAGMA secure_delete = ON")
        with self.transaction() as connection:
            connection.execute(
                f"""INSERT OR IGNORE INTO backups_holding(backup, uid) SELECT backups.uid, chats.uid
                    FROM backups, chats WHERE chats.id IN {_CHOSEN} AND made_at >= started_at""",
                (chosen,),
            )
            connection.execute(
                f"""INSERT OR IGNORE INTO forgotten_concepts(uid, forgotten_at)
                    SELECT uid, ? FROM chats WHERE id IN {_CHOSEN}""",
                (now_text(), chosen),
            )
            connection.execute(f"DELETE FROM chats WHERE id IN {_CHOSEN}", (chosen,))
            self._note_deleted()

    def delete_chats_of(self, uids: Iterable[str]) -> int:
        """Remove the chats with these uids; returns how many there were."""
        deleted = self.connection.execute(
            f"DELETE FROM chats WHERE uid IN {_CHOSEN}", (json.dumps(sorted(uids)),)
        )
        return deleted.rowcount

    def delete_exchanges(self, request_ids: Iterable[int]) -> None:
        """Remove requests with all that came of them, and chats of which nothing is left."""
        self.connection.execute("PRAGMA secure_delete = ON")
        with self.transaction() as connection:
            connection.execute(f"DELETE FROM chat_messages WHERE id IN {_CHOSEN}", (_ids(request_ids),))
            connection.execute("DELETE FROM chats WHERE id NOT IN (SELECT chat_id FROM chat_messages)")
            self._note_deleted()

    def has_deleted_chats(self) -> bool:
        """Whether the file was not written anew yet since chats were deleted: `compact` does it."""
        return self.setting(DELETED_CHATS) is not None

    def _note_deleted(self) -> None:
        self.set_setting(DELETED_CHATS, "1")
        rebuild_chat_words(self.connection)

    def _has_chat(self, chat_id: int) -> bool:
        return self.connection.execute("SELECT 1 FROM chats WHERE id = ?", (chat_id,)).fetchone() is not None


def rebuild_chat_words(connection: sqlite3.Connection) -> None:
    """Write the index of words anew, without what its segments keep of deleted messages."""
    connection.execute("INSERT INTO chat_words(chat_words) VALUES ('rebuild')")


def shortened(text: str, most: int = MAX_TITLE_CHARACTERS) -> str:
    """On one line, with an ellipsis where something was left out."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def _summary(row: sqlite3.Row) -> ChatSummary:
    return ChatSummary(row["id"], shortened(row["first_request"] or ""), row["started_at"], row["messages"])


def _message(row: sqlite3.Row, pictures: Sequence[ChatPicture]) -> ChatMessage:
    artifact = None if row["artifact"] is None else json.loads(row["artifact"])
    return ChatMessage(
        id=row["id"],
        chat_id=row["chat_id"],
        request_id=row["request_id"],
        role=row["role"],
        text=row["text"],
        at=row["at"],
        tool=row["tool"],
        elapsed_s=row["elapsed_s"],
        artifact=artifact,
        pictures=tuple(pictures),
        of_faces=bool(row["of_faces"]),
        ended=row["ended"],
    )


def _storable(text: str) -> str:
    """Replaces surrogates, which SQLite cannot store."""
    return _LONE.sub("\ufffd", text)


def _ids(ids: Iterable[int]) -> str:
    return json.dumps(sorted({int(one) for one in ids}))


def _id(number: int) -> int:
    """SQLite has no number that is larger."""
    return number if abs(number) < 2**63 else 0
