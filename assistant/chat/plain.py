"""The chat as lines of text, for pipes and screen readers: a request in, its events as lines out."""

from __future__ import annotations

import io
import shutil
import sys
import threading
from pathlib import Path
from typing import TextIO

from assistant.chat.agent import Assistant
from assistant.chat.events import (
    Answer,
    Cancelled,
    Event,
    Failed,
    NeedsApproval,
    Notice,
    Question,
    Quit,
    Token,
    ToolFinished,
    ToolProgress,
    ToolStarted,
)
from assistant.chat.questions import SKIP
from assistant.chat.replies import BY_MODEL, NOTHING_DONE
from assistant.presentation.printable import printable, progress_text, short_path, wrapped
from assistant.service.familiar import Familiar

PROMPT = "> "
_PROGRESS_STEPS = 10


def run(
    familiar: Familiar,
    model_path: Path | None = None,
    source: TextIO | None = None,
    target: TextIO | None = None,
) -> int:
    """Answer every line of `source` (standard input) on `target` (standard output) until it ends or `/quit`.

    Ctrl-C stops the running request, and leaves when none runs. Returns the exit code: 130 after Ctrl-C,
    else 0.
    """
    lines, output = source or sys.stdin, target or sys.stdout
    if isinstance(lines, io.TextIOWrapper):
        # A path in a request need not be UTF-8; this way it still names its file.
        lines.reconfigure(errors="surrogateescape")
    interactive = lines.isatty()
    assistant = Assistant(familiar, model_path, asks=interactive)
    assistant.warm_up()
    if interactive:
        print("Familiar. Ask about your photos; /help lists the commands, /quit leaves.", file=output)
    while True:
        try:
            if interactive:
                print(PROMPT, end="", file=output, flush=True)
            line = lines.readline()
        except KeyboardInterrupt:
            print(file=output)
            return 130
        if not line:
            return 0
        # Enter alone passes a question over.
        text = line.strip() or (SKIP if assistant.conversation.question is not None else "")
        if text and not interactive:
            # So that what is kept of a run can be read.
            print(f"{PROMPT}{printable(text)}", file=output, flush=True)
        if text and not _answer(assistant, text, lines, output):
            return 0


def _answer(assistant: Assistant, text: str, lines: TextIO, output: TextIO) -> bool:
    """Answer one request; False when the user asked to leave."""
    cancelled = threading.Event()
    printer = _Printer(output)
    events = assistant.respond(text, cancelled=cancelled)
    while True:
        try:
            for event in events:
                if isinstance(event, Quit):
                    return False
                printer.show(event)
                if isinstance(event, NeedsApproval):
                    print(PROMPT, end="", file=output, flush=True)
                    print(assistant.approving.reply(lines.readline()), file=output, flush=True)
            return True
        except KeyboardInterrupt:
            cancelled.set()
            print("Stopped.", file=output, flush=True)
            return True


class _Printer:
    """Prints events as lines, streaming what is written token by token."""

    def __init__(self, output: TextIO) -> None:
        self._output = output
        self._streaming = False
        self._shown_tenth = -1
        self._said: str | None = None
        """A tool's result, which its answer repeats."""

    def show(self, event: Event) -> None:
        if isinstance(event, Token):
            if not self._streaming:
                print(BY_MODEL, file=self._output, flush=True)
            self._streaming = True
            print(printable(event.text), end="", file=self._output, flush=True)
        elif isinstance(event, ToolFinished):
            self._said = event.text
            self._print(event.text)
        elif isinstance(event, Question):
            picture = [f"({short_path(event.photo)})"] if event.photo is not None else []
            self._print("\n".join([event.text, *picture]))
        elif isinstance(event, Notice):
            self._print(event.text)
        elif isinstance(event, NeedsApproval):
            self._print(f"{event.text} ({' / '.join(event.answers)})")
        elif isinstance(event, Answer) and event.by_model is not None:
            self._print("" if self._streaming else f"{BY_MODEL}\n{event.text}")
            self._print(NOTHING_DONE)
        elif isinstance(event, Answer) and event.text != self._said:
            self._print(event.text)
        elif isinstance(event, ToolStarted):
            print(f"{printable(event.title)}…", file=self._output, flush=True)
        elif isinstance(event, ToolProgress):
            self._progress(event)
        elif isinstance(event, Failed):
            lines = f"Failed: {event.tried}\n  found: {event.found}\n  to do: {event.fix}"
            print(printable(lines), file=self._output, flush=True)
        elif isinstance(event, Cancelled):
            print("Stopped.", file=self._output, flush=True)

    def _print(self, text: str) -> None:
        """On a terminal, lines are broken between words."""
        shown = printable(text)
        if self._output.isatty():
            shown = wrapped(shown, shutil.get_terminal_size().columns)
        print(shown, file=self._output, flush=True)

    def _progress(self, event: ToolProgress) -> None:
        progress = event.progress
        tenth = progress.done * _PROGRESS_STEPS // progress.total if progress.total else 0
        if tenth != self._shown_tenth:
            self._shown_tenth = tenth
            print(f"  {progress_text(progress)}", file=self._output, flush=True)
