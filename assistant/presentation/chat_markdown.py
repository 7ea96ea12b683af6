"""A kept chat as Markdown. Whatever was said or is a name of a file stays text: it cannot become markup."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from assistant.presentation.chat_lines import SPEAKERS, ending_line, moment
from assistant.presentation.printable import printable
from personalizer.library.chats import ChatMessage, KeptChat

_MARKUP = re.compile(r"[\\`*_{}\[\]<>()#|~&!$@]")
_LINE_START = re.compile(r"^([+\-=:])")
_NUMBERED = re.compile(r"^(\d+)\.")
_LINK = re.compile(r"(?i)(https?|ftp)(://)|(www)(\.)")


def chat_markdown(chat: KeptChat, pictures: Mapping[Path, str]) -> str:
    """The whole chat. `pictures`: by path, the copy to be shown, relative to the file; others are named only."""
    parts = [f"# {escaped(chat.title) or 'Chat'}", f"Chat {chat.id}, begun {moment(chat.started_at)} UTC"]
    for exchange in chat.exchanges:
        parts += ["---", _speech(exchange.request, {})]
        parts += [_speech(message, pictures) for message in exchange.answers]
        ending = ending_line(exchange)
        if ending:
            parts.append(f"*{escaped(ending)}*")
    return "\n\n".join(parts) + "\n"


def escaped(text: str) -> str:
    """`text` so that Markdown shows it as it is: line by line, without markup, links or raw HTML."""
    return "\\\n".join(map(_escaped_line, printable(text).replace("\t", "    ").strip("\n").split("\n")))


def _escaped_line(line: str) -> str:
    shown = line.strip(" ")
    # Spaces at the beginning would make a block of code; a line without anything would end the paragraph.
    indent = "\u00a0" * (len(line) - len(line.lstrip(" "))) if shown else "\u00a0"
    marked = _MARKUP.sub(lambda match: f"\\{match[0]}", shown)
    marked = _LINK.sub(lambda match: f"{match[1] or match[3]}\\{match[2] or match[4]}", marked)
    if not indent:
        marked = _NUMBERED.sub(r"\1\\.", _LINE_START.sub(r"\\\1", marked))
    return indent + marked


def _speech(message: ChatMessage, pictures: Mapping[Path, str]) -> str:
    about = [f"**{SPEAKERS[message.role]}**", moment(message.at)[-5:]]
    if message.tool is not None:
        about.append(escaped(message.tool))
    if message.elapsed_s is not None:
        about.append(f"{message.elapsed_s:.1f} s")
    lines = [" · ".join(about), escaped(message.text)]
    for picture in message.pictures:
        caption = _escaped_line(printable(picture.caption or picture.path.name).replace("\n", " "))
        copy = pictures.get(picture.path)
        lines.append(f"({caption}: gone)" if copy is None else f"![{caption}]({_address(copy)})")
    return "\n\n".join(filter(None, lines))


def _address(relative: str) -> str:
    return quote(relative.encode("utf-8", "surrogateescape"))
