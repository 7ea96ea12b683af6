"""Kept chats as lines for a person: the list, one chat, what a search found. Computes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from assistant.presentation.printable import short_path
from assistant.presentation.table import table
from personalizer.library.chats import ChatExchange, ChatSummary, FoundMessage, KeptChat, Role

SPEAKERS: Mapping[Role, str] = {
    "user": "You",
    "program": "Familiar",
    "tool": "Familiar",
    "model": "The chat model",
}
QUESTION = (
    "Shall I keep our chats, in your library only, so that you can search and resume them? (y / n)\n"
    "They stay on this machine; familiar chats delete removes them for good, /private keeps one out."
)
_ENDINGS = {"cancelled": "Stopped.", "failed": "", "answered": ""}


def moment(at: str) -> str:
    """`2024-05-06 07:08`."""
    return at[:16].replace("T", " ")


def ending_line(exchange: ChatExchange) -> str:
    """What to say of an exchange that did not end as it should; empty for one that did."""
    if exchange.request.ended is None:
        return "This answer was not finished."
    return _ENDINGS[exchange.request.ended]


def chat_list_lines(chats: Sequence[ChatSummary], *, kept: bool = True) -> str:
    """One line for each chat. `kept`: whether chats are kept now."""
    if not chats:
        return (
            "No chat is kept yet."
            if kept
            else "Chats are not kept. To have them kept from now on: familiar chats on"
        )
    rows = [("id", "started", "messages", "title")]
    rows += [(str(one.id), moment(one.started_at), str(one.messages), one.title) for one in chats]
    return table(rows)


def chat_lines(chat: KeptChat) -> str:
    """A chat from its beginning."""
    lines = [f"Chat {chat.id}, begun {moment(chat.started_at)} UTC"]
    for exchange in chat.exchanges:
        lines += ["", f"> {exchange.request.text}"]
        for message in exchange.answers:
            lines.append(message.text)
            drawn = [picture.path for picture in message.pictures if picture.drawn]
            lines += [f"  {short_path(path)}" for path in drawn if short_path(path) not in message.text]
        ending = ending_line(exchange)
        lines += [ending] if ending else []
    return "\n".join(lines)


def found_message_lines(found: Sequence[FoundMessage]) -> str:
    """The messages of a search, with the chats that they are in."""
    if not found:
        return "Nothing in the chats that are kept has all of these words."
    lines = []
    for one in found:
        excerpt = " ".join(one.excerpt.split())
        lines += [f"{one.chat}  {moment(one.at)}  {one.title}", f"    {SPEAKERS[one.role]}: {excerpt}"]
    return "\n".join(lines)
