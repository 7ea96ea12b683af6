"""A language model's words on the screen look like nobody else's; a chat that was kept is shown again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from scripted_chat import LIES, Liar
from textual.pilot import Pilot
from textual.widgets import Static

from assistant.service.familiar import Familiar
from personalizer.home import Home
from tui.app import FamiliarApp
from tui.widgets.composer import RequestInput
from tui.widgets.exchange import Bubble, Exchange

TEMPTING = ("tell me a story", "what is on my screen?", "delete all my photos", "turn off the lights")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    with Familiar(made) as familiar:
        familiar.library.create_concept("object", name="Bo")
        familiar.switch_chats(True)
    return made


async def shown(pilot: Pilot[None], condition: Callable[[], bool]) -> None:
    for _ in range(400):
        if condition():
            return
        await pilot.pause(0.05)
    raise AssertionError("it was not shown")


async def ask(pilot: Pilot[None], text: str) -> Exchange:
    screen = pilot.app.screen
    before = len(screen.query(Exchange))
    screen.query_one(RequestInput).value = text
    await pilot.pause()
    await pilot.press("enter")
    await shown(
        pilot, lambda: len(screen.query(Exchange)) > before and screen.query(Exchange).last().finished
    )
    return screen.query(Exchange).last()


async def opened(pilot: Pilot[None]) -> None:
    await shown(pilot, lambda: "known" in str(pilot.app.screen.query_one("#facts", Static).render()))


async def test_what_a_model_claims_stands_in_its_own_frame(home: Home) -> None:
    app = FamiliarApp(home, model_path=Liar())  # type: ignore[arg-type]
    async with app.run_test(size=(100, 40)) as pilot:
        await opened(pilot)
        lied = 0
        for text in TEMPTING:
            exchange = await ask(pilot, text)
            for bubble in exchange.query(Bubble):
                if any(lie in str(bubble.render()) for lie in LIES):
                    lied += 1
                    assert bubble.has_class("model") and not bubble.has_class("reply"), text
                    assert "language model" in str(bubble.border_title)
                    assert bubble.border_subtitle == "Familiar did nothing for them"
        # The control: these would be claims, were they the program's.
        assert lied >= 2


async def test_a_kept_chat_is_shown_again_and_goes_on(home: Home) -> None:
    app = FamiliarApp(home)
    async with app.run_test(size=(100, 40)) as pilot:
        await opened(pilot)
        await ask(pilot, "who do you know?")
        await ask(pilot, "thanks")
    again = FamiliarApp(home)
    async with again.run_test(size=(100, 40)) as pilot:
        await opened(pilot)
        await ask(pilot, "/resume")
        asked = [exchange.request for exchange in again.screen.query(Exchange)]
        assert asked == ["who do you know?", "thanks", "/resume"]
        words = [str(bubble.render()) for bubble in again.screen.query(Bubble)]
        assert any("Bo (number 1)" in text for text in words) and "You're welcome." in words


@pytest.mark.parametrize(
    ("request_text", "kind"), [("tell me a story", "model"), ("who do you know?", "reply")]
)
async def test_the_question_behind_the_first_answer_neither_repeats_nor_claims_it(
    tmp_path: Path, request_text: str, kind: str
) -> None:
    home = Home(tmp_path / "new")
    with Familiar(home) as familiar:
        familiar.library.create_concept("object", name="Bo")
    app = FamiliarApp(home, model_path=Liar())  # type: ignore[arg-type]
    async with app.run_test(size=(100, 40)) as pilot:
        await opened(pilot)
        exchange = await ask(pilot, request_text)
        await shown(pilot, lambda: "Shall I keep our chats" in str(exchange.query(Bubble).last().render()))
        answered = list(exchange.query(Bubble))[1:-1]
        assert len(answered) == 1 and answered[0].has_class(kind)
        if kind == "model":
            assert answered[0].border_subtitle == "Familiar did nothing for them"
        no = await ask(pilot, "no")
        assert "Chats are not kept" in str(no.query(Bubble).last().render())
