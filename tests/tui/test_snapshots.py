"""How three screens look at 80 by 24. A change that is meant: `pytest tests/tui/test_snapshots.py --snapshot-update`.

Nothing on them is of one machine or moment: an empty home in the test's folder, a drawn picture, a cursor at rest.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from textual.pilot import Pilot
from textual.widgets import OptionList, Static
from waiting import until_shown

from assistant.chat.events import Answer, ToolFinished, ToolStarted
from assistant.results import Imagined
from personalizer.home import Home
from tui.app import FamiliarApp
from tui.widgets.composer import RequestInput
from tui.widgets.exchange import Exchange
from tui.widgets.pictures import CellPicture
from tui.widgets.welcome import Card

Compare = Callable[[Callable[[Pilot[None]], Awaitable[None]]], bool]


@pytest.fixture
def looks_as_before(tmp_path: Path, snap_compare: Any) -> Compare:
    """`looks_as_before(keys)` has the chat of a new home do something and compares the screen with the one stored."""
    app = FamiliarApp(Home(tmp_path / "home"), model_path=Path("/nonexistent/model.gguf"))

    def compare(act: Callable[[Pilot[None]], Awaitable[None]]) -> bool:
        async def prepare(pilot: Pilot[None]) -> None:
            screen = app.screen
            await until_shown(pilot, lambda: bool(screen.query(RequestInput)))
            screen.query_one(RequestInput).cursor_blink = False
            await until_shown(pilot, lambda: "known" in str(screen.query_one("#facts", Static).render()))
            await until_shown(pilot, lambda: len(screen.query(Card)) == 3)
            await act(pilot)
            await pilot.pause()

        found: bool = snap_compare(app, terminal_size=(80, 24), run_before=prepare)
        return found

    return compare


def test_the_empty_chat_of_a_new_home(looks_as_before: Compare) -> None:
    async def nothing(pilot: Pilot[None]) -> None:
        pass

    assert looks_as_before(nothing)


def test_the_open_menu_of_commands(looks_as_before: Compare) -> None:
    async def open_menu(pilot: Pilot[None]) -> None:
        await pilot.press("/")
        await until_shown(pilot, lambda: pilot.app.screen.query_one("#menu", OptionList).display)

    assert looks_as_before(open_menu)


def test_an_answer_with_a_picture(looks_as_before: Compare, tmp_path: Path) -> None:
    path = tmp_path / "drawn.png"
    picture = Image.new("RGB", (60, 120), "teal")
    picture.paste("red", (30, 0, 60, 60))
    picture.save(path)
    drawn = Imagined([path], [], 7, "pocket", 1.0, 1.0)

    async def answer(pilot: Pilot[None]) -> None:
        screen = pilot.app.screen
        await screen.query("Welcome").remove()
        exchange = Exchange("draw a red cup")
        await screen.query_one("#conversation").mount(exchange)
        for event in (
            ToolStarted("imagine", "Drawing"),
            ToolFinished("I drew a red cup.", drawn),
            Answer("I drew a red cup."),
        ):
            await exchange.show(event)
        await until_shown(pilot, lambda: bool(exchange.query(CellPicture)))
        await until_shown(pilot, lambda: exchange.query_one(CellPicture).size.width > 0)
        screen.query_one("#conversation").scroll_end(animate=False)

    assert looks_as_before(answer)
