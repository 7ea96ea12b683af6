"""Where the user types: the input line, its completion, its history and the menu of slash commands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from assistant.chat.slash_commands import COMMANDS, Command, matching_commands
from assistant.presentation.printable import printable
from tui.completion import RequestSuggester
from tui.messages import Asked

_KEYS = (
    ("⏎", "send"),
    ("/", "commands"),
    ("tab", "complete"),
    ("esc", "stop"),
    ("^y", "why"),
    ("^t", "light"),
    ("^q", "leave"),
)
HINTS = "  ".join(f"[$primary]{key}[/] {what}" for key, what in _KEYS)


_USAGE_COLUMNS = max(len(command.usage) for command in COMMANDS)


class RequestInput(Input):
    """The input line."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete", "Complete", show=False),
        Binding("up", "earlier", "Earlier", show=False),
        Binding("down", "later", "Later", show=False),
        Binding("pageup", "screen.scroll_conversation(-1)", show=False),
        Binding("pagedown", "screen.scroll_conversation(1)", show=False),
    ]

    def action_complete(self) -> None:
        composer = self.query_ancestor(Composer)
        if not composer.take_command():
            self.action_cursor_right()

    def action_earlier(self) -> None:
        self.query_ancestor(Composer).move(-1)

    def action_later(self) -> None:
        self.query_ancestor(Composer).move(1)

    def _on_paste(self, event: events.Paste) -> None:
        # Input takes the first line only; a request of several lines is one request. It would also show
        # control characters as they are, and so send them to the terminal.
        if "\n" in event.text.strip() or printable(event.text) != event.text:
            self.insert_text_at_cursor(printable(" ".join(event.text.split())))
            event.prevent_default()
            event.stop()


class Composer(Vertical):
    """The input line with its menu."""

    def __init__(self) -> None:
        super().__init__(id="composer")
        self._names: tuple[str, ...] = ()
        self._history: list[str] = []
        self._position = 0
        self._draft = ""

    def compose(self) -> ComposeResult:
        menu = OptionList(id="menu")
        menu.can_focus = False
        yield menu
        yield RequestInput(
            placeholder="Ask about your photos, or / for commands",
            suggester=RequestSuggester(lambda: self._names),
            id="request",
        )
        yield Static(Content.from_markup(HINTS), id="hints")

    def know(self, names: Sequence[str]) -> None:
        """Names to complete."""
        self._names = tuple(names)

    def fill(self, text: str) -> None:
        """Put `text` into the line, ready to go on typing."""
        line = self.query_one(RequestInput)
        line.value = text
        line.cursor_position = len(text)
        line.focus()

    @property
    def menu_is_open(self) -> bool:
        return bool(self.query_one("#menu", OptionList).display)

    def close_menu(self) -> None:
        """Hide the commands until something else is typed."""
        self.query_one("#menu", OptionList).display = False

    @on(Input.Changed)
    def _offer_commands(self, event: Input.Changed) -> None:
        menu = self.query_one("#menu", OptionList)
        commands = matching_commands(event.value)
        menu.display = bool(commands)
        menu.clear_options()
        if commands:
            menu.add_options(Option(_line(command), id=command.name) for command in commands)
            menu.highlighted = 0

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.fill(f"{event.option.id} ")

    @on(Input.Submitted)
    def _send(self, event: Input.Submitted) -> None:
        event.stop()
        text = event.value.strip()
        if self.menu_is_open and self._highlighted() != text and self.take_command():
            command = self.query_one(RequestInput).value.strip()
            if not _needs_arguments(command):
                self._submit(command)
            return
        if text:
            self._submit(text)
        else:
            # Enter alone passes a question over.
            self.post_message(Asked(""))

    def _submit(self, text: str) -> None:
        if not self._history or self._history[-1] != text:
            self._history.append(text)
        self._position = len(self._history)
        self.query_one(RequestInput).value = ""
        self.post_message(Asked(text))

    def take_command(self) -> bool:
        """Put the highlighted command into the line; False when the menu is closed."""
        name = self._highlighted() if self.menu_is_open else None
        if name is None:
            return False
        self.fill(f"{name} ")
        return True

    def _highlighted(self) -> str | None:
        menu = self.query_one("#menu", OptionList)
        return None if menu.highlighted is None else menu.get_option_at_index(menu.highlighted).id

    def move(self, step: int) -> None:
        """Up or down: in the menu when it is open, else through what was asked before, or to the cards."""
        if self.menu_is_open:
            menu = self.query_one("#menu", OptionList)
            if step > 0:
                menu.action_cursor_down()
            else:
                menu.action_cursor_up()
            return
        if not self._history:
            self.screen.focus_previous("Card") if step < 0 else self.screen.focus_next("Card")
            return
        line = self.query_one(RequestInput)
        if self._position == len(self._history):
            self._draft = line.value
        self._position = max(0, min(len(self._history), self._position + step))
        at_end = self._position == len(self._history)
        line.value = self._draft if at_end else self._history[self._position]
        line.cursor_position = len(line.value)
        self.close_menu()


def _line(command: Command) -> Content:
    return Content.from_markup(
        "[$primary]$name[/] [$secondary]$arguments[/]  [$muted]$summary[/]",
        name=command.name,
        arguments=command.arguments.ljust(_USAGE_COLUMNS - len(command.name)),
        summary=command.summary,
    )


def _needs_arguments(name: str) -> bool:
    return any(command.name == name and command.arguments for command in matching_commands(name))
