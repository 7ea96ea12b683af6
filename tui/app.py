"""The Textual application around the chat. Imports nothing heavy before the first paint."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.app import App
from textual.binding import Binding, BindingType

from personalizer.home import Home
from tui.screens.chat import ChatScreen
from tui.theme import DUSK, THEMES
from tui.widgets.pictures import picture_widget


class FamiliarApp(App[None]):
    """Familiar in the terminal."""

    TITLE = "familiar"
    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "quit", "Leave", priority=True),
        Binding("ctrl+t", "switch_theme", "Day or dusk", show=False),
    ]

    def __init__(
        self,
        home: Home,
        backbone: str = "pocket",
        device: str = "auto",
        model_path: Path | None = None,
    ) -> None:
        super().__init__()
        self._chat = ChatScreen(home, backbone, device, model_path)
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = DUSK.name

    def get_default_screen(self) -> ChatScreen:
        """The chat itself."""
        return self._chat

    def action_switch_theme(self) -> None:
        """Dark or light."""
        names = [theme.name for theme in THEMES]
        self.theme = names[(names.index(self.theme) + 1) % len(names)]

    async def action_quit(self) -> None:
        """Stop what is running and leave."""
        self._chat.stop_everything()
        self.exit()


def run_chat(
    home: Home, backbone: str = "pocket", device: str = "auto", model_path: Path | None = None
) -> int:
    """Show the chat until the user leaves; returns the exit code."""
    # It asks the terminal what it can show, which is only possible before the application reads the keys.
    picture_widget()
    app = FamiliarApp(home, backbone, device, model_path)
    app.run()
    return app.return_code or 0
