"""What an empty conversation shows: who this is, and three things to try."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from assistant.presentation.printable import printable
from tui.messages import Suggestion, SuggestionChosen


class Card(Static, can_focus=True):
    """One thing to try."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "choose", "Choose", show=False),
        Binding("up", "app.focus_previous", show=False),
        Binding("down", "app.focus_next", show=False),
    ]

    def __init__(self, suggestion: Suggestion) -> None:
        super().__init__(Content.from_markup("[$secondary]→[/] $label", label=printable(suggestion.label)))
        self.suggestion = suggestion

    def action_choose(self) -> None:
        self.post_message(SuggestionChosen(self.suggestion))

    def on_click(self) -> None:
        self.action_choose()


class Welcome(Vertical):
    """The empty state."""

    def compose(self) -> ComposeResult:
        yield Static(Content.from_markup("[$primary]✦[/]"), id="spark")
        yield Static(Content.from_markup("[bold]Hello. I am your familiar.[/]"), id="greeting")
        yield Static(
            "I know the people, pets and things in your photos,\nand nothing leaves this computer.",
            id="tagline",
        )
        yield Vertical(id="cards")

    async def offer(self, suggestions: Sequence[Suggestion]) -> None:
        """Replace the cards."""
        cards = self.query_one("#cards", Vertical)
        shown = [card.suggestion for card in cards.query(Card)]
        if shown != list(suggestions):
            await cards.remove_children()
            await cards.mount_all(Card(suggestion) for suggestion in suggestions)
