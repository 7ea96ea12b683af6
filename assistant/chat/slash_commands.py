"""The one table of slash commands: help, completion and parsing all read it. Runs nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from personalizer.errors import UsageError
from personalizer.photos.formats import PHOTO_SUFFIXES


@dataclass(frozen=True, slots=True)
class Command:
    """A slash command: its name with the slash, what follows it, and what it does."""

    name: str
    arguments: str
    summary: str

    @property
    def usage(self) -> str:
        return f"{self.name} {self.arguments}".strip()


COMMANDS: tuple[Command, ...] = (
    Command("/describe", "PATH [QUESTION]", "who and what is in a photo"),
    Command("/why", "", "what my last answer about a photo rests on"),
    Command("/find", "TEXT", "photos by who, what, when, where"),
    Command("/imagine", "TEXT", "draw a picture, with anyone I know in it"),
    Command("/concepts", "", "the people, pets and things I know"),
    Command("/name", "ID NAME", "give a group a name, or another one"),
    Command("/suggestions", "[NAME]", "photos that may show someone; answer y or n"),
    Command("/remember", "NAME TEXT", "tell me something about someone I know"),
    Command("/profile", "NAME [remove N]", "what you told me; remove takes one back"),
    Command("/confirm", "NAME PHOTO", "this photo shows them"),
    Command("/reject", "NAME PHOTO", "this photo does not show them"),
    Command("/merge", "NAME NAME", "two are the same"),
    Command("/split", "NAME PHOTO…", "these photos show somebody else"),
    Command("/undo", "", "take back the last change"),
    Command("/train", "NAME", "learn someone so that I can draw them"),
    Command("/learn", "NAME PATH…", "teach me someone from 3 to 5 photos"),
    Command("/forget", "NAME", "forget someone or something for good"),
    Command("/add", "FOLDER…", "register folders of photos and scan them"),
    Command("/scan", "", "look for new and changed photos"),
    Command("/status", "", "what is there and what is going on"),
    Command("/chats", "", "earlier chats"),
    Command("/resume", "[ID]", "go on with an earlier chat"),
    Command("/search", "TEXT", "what was said in any chat"),
    Command("/export", "FILE.md", "this chat as Markdown, with its pictures"),
    Command("/private", "", "keep nothing of this chat"),
    Command("/delete-chat", "", "remove this chat for good"),
    Command("/clear", "", "start a new conversation"),
    Command("/help", "", "this list"),
    Command("/quit", "", "leave"),
)
# A word as a shell would read it, except that an apostrophe within a word or without its partner is a letter,
# and that a backslash before a letter or digit is one, as in C:\photos.
_PIECE = r"""\\\W | "(?:\\.|[^"\\])*" | (?<![^\s/])'.*?'(?=[\s/]|$) | \S"""
_WORD = re.compile(rf"(?:{_PIECE})+", re.VERBOSE)
_PIECES = re.compile(_PIECE, re.VERBOSE)
_ALIASES = {
    "/exit": "/quit",
    "/q": "/quit",
    "/?": "/help",
    "/h": "/help",
    "/draw": "/imagine",
    "/people": "/concepts",
}


_IN_A_SHELL = re.compile(
    rf"\bfamiliar (?P<name>{'|'.join(command.name[1:] for command in COMMANDS)})\b(?! (?:list|delete|export|on|off|--))"
)


def in_chat(text: str) -> str:
    """`text` with slash commands for the shell's where there is one; what stands in “…” is somebody's words."""
    pieces = re.split("(“[^”]*”)", text)
    return "".join(
        piece if piece.startswith("“") else _IN_A_SHELL.sub(r"/\g<name>", piece) for piece in pieces
    )


def is_command(text: str) -> bool:
    """Whether `text` is meant as a command; an absolute path is not."""
    return bool(re.match(r"^/(?:[a-z?][a-z-]*)(?:\s|$)", text.strip(), re.IGNORECASE))


def parse_command(text: str) -> tuple[Command, str]:
    """The command and what follows it. Raises UsageError for one that does not exist."""
    word, _, rest = text.strip().partition(" ")
    name = _ALIASES.get(word.lower(), word.lower())
    for command in COMMANDS:
        if command.name == name:
            return command, rest.strip()
    near = get_close_matches(name, [command.name for command in COMMANDS], n=2)
    raise UsageError(
        tried=f"running {word}",
        found="there is no such command",
        fix=f"Did you mean {' or '.join(near)}?" if near else "/help lists the commands.",
    )


def leaves(text: str) -> bool:
    """Whether `text` is the command to leave, which needs no library."""
    return is_command(text) and _ALIASES.get(text.strip().lower(), text.strip().lower()) == "/quit"


def matching_commands(text: str) -> list[Command]:
    """The commands that `text` may become; none once its first word is complete."""
    typed = text.lower()
    if not typed.startswith("/") or " " in typed:
        return []
    return [command for command in COMMANDS if command.name.startswith(typed)]


def help_text() -> str:
    """Every command with what it does, and how to ask without one."""
    width = max(len(command.usage) for command in COMMANDS)
    lines = [f"{command.usage.ljust(width)}  {command.summary}" for command in COMMANDS]
    return "\n".join(
        [
            *lines,
            "",
            'Or just ask: "who is in ~/Pictures/party.jpg?", "draw Bo on a beach", "who do you know?"',
        ]
    )


def split_photo(arguments: str) -> tuple[Path, str]:
    """A path and the words after it. Quotes, escapes and, where the file exists, bare spaces are understood.

    Raises UsageError when there is no path.
    """
    first = _WORD.match(arguments.strip())
    if first is None:
        raise UsageError(
            tried="/describe",
            found="no photo was named",
            fix="/describe PATH [QUESTION], such as /describe a.jpg who is this?",
        )
    word, rest = _unquoted(first[0]), arguments.strip()[first.end() :].strip()
    if word == first[0]:
        pieces = arguments.strip().split(" ")
        for end in range(len(pieces), 1, -1):
            candidate = _path(" ".join(pieces[:end]))
            if _holds(candidate.is_file):
                return candidate, " ".join(pieces[end:]).strip()
    return _path(word), rest


def split_learning(arguments: str) -> tuple[str, list[Path]]:
    """A name and the photos after it; a folder stands for the photos in it.

    Raises UsageError when either is missing.
    """
    words = split_words(arguments)
    first_photo = next((number for number, word in enumerate(words) if _is_photo(word)), len(words))
    name = " ".join(words[:first_photo]).strip()
    photos = [photo for word in words[first_photo:] for photo in _photos_of(_path(word))]
    if not name or not photos:
        raise UsageError(
            tried="/learn",
            found="no name" if not name else f"no photos of {name}",
            fix="/learn NAME PATH…, with three to five photos, such as /learn Bo bo1.jpg bo2.jpg bo3.jpg",
        )
    return name, photos


def split_name(arguments: str, names: Sequence[str]) -> tuple[str, str]:
    """Which one, by its number or one of `names`, and its new name. Raises UsageError."""
    numbered = re.match(r"^#?(\d+)\s+(.+)$", arguments)
    plain = arguments.strip()
    # Something has to follow: "Bo Junior" alone calls Bo Junior, also where somebody is called "Bo Junior".
    known = _leading_name(plain, [name for name in names if len(name) < len(plain)])
    which, new = (numbered[1], numbered[2]) if numbered else (known, plain[len(known) :])
    if not which or not new.strip():
        raise UsageError(
            tried="/name",
            found=f"{arguments!r} is not a number, or a known name, and a new name",
            fix="/name ID NAME, such as /name 3 Bo, or /name OLD NEW",
        )
    return which, new.strip().strip("\"'")


def split_telling(arguments: str, names: Sequence[str]) -> tuple[str, str]:
    """Whom it is about, and what. A name of several words needs no quotes if it is one of `names`.

    Raises UsageError when either is missing.
    """
    plain = arguments.strip()
    known = _leading_name(plain, names)
    first = _WORD.match(plain)
    if known:
        name, text = plain[: len(known)], plain[len(known) :].strip()
    else:
        name, text = (_unquoted(first[0]), plain[first.end() :].strip()) if first else ("", "")
    if not name or not text:
        raise UsageError(
            tried="/remember",
            found=f"nothing about {name}" if name else "no name",
            fix="/remember NAME TEXT, such as /remember Bo is afraid of water",
        )
    return name, text


def split_about(arguments: str, names: Sequence[str], command: str) -> tuple[str, list[str]]:
    """Whom it is about, by name or number, and the photos after it. Raises UsageError when either is missing."""
    plain = arguments.strip()
    known = _leading_name(plain, names)
    words = split_words(plain[len(known) :]) if known else split_words(plain)
    name, rest = (known, words) if known else ("".join(words[:1]).removeprefix("#"), words[1:])
    if not name or not rest:
        raise UsageError(
            tried=command,
            found=f"no photo of {name}" if name else "no name",
            fix=f"{command} NAME PHOTO, such as {command} Bo IMG_1.jpg",
        )
    return name, rest


def split_two_names(arguments: str, names: Sequence[str]) -> tuple[str, str]:
    """Two names or numbers. Raises UsageError for anything else."""
    plain = arguments.strip()
    first = _leading_name(plain, names) or "".join(split_words(plain)[:1])
    rest = re.sub(r"^(?:and|&|,|\+)\s+", "", plain[len(first) :].strip())
    if not first or not rest:
        raise UsageError(
            tried="/merge",
            found=f"only {first}" if first else "no name",
            fix="/merge NAME NAME, such as /merge Bo Doggy, or /merge Bo 7",
        )
    return first.removeprefix("#"), rest.strip("\"'").removeprefix("#")


def _leading_name(text: str, names: Sequence[str]) -> str:
    """The longest of `names` that `text` begins with, in any case; empty for none."""
    known = [name for name in names if re.match(rf"{re.escape(name)}(?:\s|$)", text, re.IGNORECASE)]
    return max(known, key=len, default="")


def split_profile(arguments: str) -> tuple[str, int | str | None]:
    """A name and what to take back, if anything: its number, or words that mean it. Raises UsageError."""
    match = re.match(r"^(?P<name>.+?)(?:\s+(?:--)?remove\s+#?(?P<which>.+))?$", arguments.strip())
    if match is None:
        raise UsageError(tried="/profile", found="no name", fix="/profile NAME, or /profile NAME remove N")
    which = match["which"]
    return match["name"].strip("\"'"), int(which) if which is not None and which.isdecimal() else which


def split_words(arguments: str) -> list[str]:
    """Words as a shell would split them; an apostrophe, as in "Bo's", and an open quote are letters."""
    return [_unquoted(word[0]) for word in _WORD.finditer(arguments)]


def _unquoted(word: str) -> str:
    return "".join(_meant(piece[0]) for piece in _PIECES.finditer(word))


def _meant(piece: str) -> str:
    if len(piece) == 1:
        return piece
    if piece.startswith("'"):
        return piece[1:-1]
    inner = piece[1:-1] if piece.startswith('"') else piece
    return re.sub(r"\\(\W)", r"\1", inner)


def _path(word: str) -> Path:
    try:
        return Path(word).expanduser()
    except RuntimeError:  # the home of somebody who does not exist
        return Path(word)


def _holds(question: Callable[[], bool]) -> bool:
    """False also for what no file can be, such as a whole sentence, which is too long for a name."""
    try:
        return question()
    except OSError:
        return False


def _is_photo(word: str) -> bool:
    path = _path(word)
    return path.suffix.lower() in PHOTO_SUFFIXES or (("/" in word or "\\" in word) and _holds(path.is_dir))


def _photos_of(path: Path) -> Sequence[Path]:
    if not _holds(path.is_dir):
        return [path]
    try:
        return sorted(file for file in path.iterdir() if file.suffix.lower() in PHOTO_SUFFIXES)
    except OSError as error:
        raise UsageError(
            tried=f"looking into {path}",
            found=error.strerror or str(error),
            fix="Check who may read the folder, or name its photos.",
        ) from error
