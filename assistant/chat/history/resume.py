"""Restores a stored chat: its messages for the screen, and the context for the conversation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from assistant.chat.history.artifacts import artifact_of
from assistant.chat.memory import Conversation
from assistant.chat.router.route import Route
from assistant.results import Description, FoundPhotos, Imagined
from assistant.service.familiar import Familiar
from personalizer.library.chats import ChatExchange, ChatMessage, ChatPicture, Role


@dataclass(frozen=True, slots=True)
class ShownMessage:
    """What came of a request, to be shown again."""

    role: Role
    text: str
    tool: str | None
    elapsed_s: float | None
    artifact: Any
    """The record of `assistant.results` behind it, where all of it was kept; else None."""
    pictures: tuple[ChatPicture, ...]
    """Those whose files are still there."""


@dataclass(frozen=True, slots=True)
class ShownExchange:
    """A request and what came of it."""

    request: str
    at: str
    """In UTC, ISO 8601."""
    messages: tuple[ShownMessage, ...]
    ending: Literal["answered", "failed", "cancelled", "unfinished"]
    """`unfinished`: the program was killed meanwhile."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """What was drawn last, for "another one"."""

    prompt: str
    count: int
    seed: int


@dataclass(frozen=True, slots=True)
class ResumedChat:
    """A kept chat as it was left."""

    id: int
    title: str
    started_at: str
    exchanges: tuple[ShownExchange, ...]
    last_photos: tuple[Path, ...]
    """What "is this Bo?" is about: the photo that was described last."""
    last_found: tuple[Path, ...]
    """What the last search found, in its order."""
    last_description: Description | None
    drawing: Drawing | None
    """None where something else was done last."""
    turns: tuple[tuple[str, str], ...]
    """Requests that the chat model answered, and its answers."""

    def put_into(self, conversation: Conversation) -> None:
        """Let the conversation stand where this chat was left; a question that stood is asked no more."""
        conversation.clear()
        conversation.last_photos = self.last_photos
        conversation.found_photos = self.last_found
        conversation.last_description = self.last_description
        for request, answer in self.turns:
            conversation.add(request, answer)
        if self.drawing is not None:
            slots = {"prompt": self.drawing.prompt, "count": self.drawing.count}
            conversation.last_route = Route("imagine", slots, source="context")


def resume(familiar: Familiar, chat_id: int | str) -> ResumedChat:
    """The kept chat with this number. Raises NotFoundError."""
    chat = familiar.chat(chat_id)
    exchanges = tuple(_shown(exchange) for exchange in chat.exchanges)
    results = [
        (message, artifact_of(message.artifact))
        for exchange in chat.exchanges
        for message in exchange.answers
        if message.role == "tool"
    ]
    described = _last(results, Description)
    found = _last(results, FoundPhotos)
    return ResumedChat(
        id=chat.id,
        title=chat.title,
        started_at=chat.started_at,
        exchanges=exchanges,
        last_photos=() if described is None else _there([described.photo]),
        last_found=() if found is None else _there([photo.path for photo in found.photos]),
        last_description=described,
        drawing=_drawing(*results[-1]) if results else None,
        turns=tuple(
            (exchange.request.text, message.text)
            for exchange in chat.exchanges
            for message in exchange.answers
            if message.role == "model" and exchange.request.ended == "answered"
        ),
    )


def _shown(exchange: ChatExchange) -> ShownExchange:
    messages = tuple(
        ShownMessage(
            role=message.role,
            text=message.text,
            tool=message.tool,
            elapsed_s=message.elapsed_s,
            artifact=artifact_of(message.artifact),
            pictures=tuple(picture for picture in message.pictures if _there([picture.path])),
        )
        for message in exchange.answers
    )
    request = exchange.request
    return ShownExchange(request.text, request.at, messages, request.ended or "unfinished")


def _last(results: Sequence[tuple[ChatMessage, Any]], kind: type[Any]) -> Any:
    return next((artifact for _, artifact in reversed(results) if isinstance(artifact, kind)), None)


def _drawing(message: ChatMessage, artifact: Any) -> Drawing | None:
    prompt = (message.artifact or {}).get("prompt")
    if not isinstance(artifact, Imagined) or not isinstance(prompt, str) or not prompt:
        return None
    return Drawing(prompt, max(1, len(artifact.paths)), artifact.seed)


def _there(paths: Sequence[Path]) -> tuple[Path, ...]:
    found = []
    for path in paths:
        try:
            if path.is_file():
                found.append(path)
        except OSError:
            continue
    return tuple(found)
