"""The chat driven by keys, over a real library in a temporary home."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from stored_photos import store_photo
from textual import events
from textual.pilot import Pilot
from textual.widgets import OptionList, ProgressBar, Static
from waiting import until_shown

from assistant.service.familiar import Familiar
from personalizer.home import Home
from personalizer.schemas import BoundingBox, Embedding, NewDetection
from tui.app import FamiliarApp
from tui.messages import Suggestion
from tui.widgets.composer import RequestInput
from tui.widgets.exchange import Bubble, Exchange
from tui.widgets.pictures import Picture
from tui.widgets.status_line import StatusLine
from tui.widgets.welcome import Card, Welcome

NO_MODEL = Path("/nonexistent/model.gguf")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A library with two names and a group without one."""
    made = Home(tmp_path / "home")
    familiar = Familiar(made)
    familiar.library.create_concept("object", name="Bo")
    familiar.library.create_concept("face", name="Grandma Ingrid")
    familiar.library.create_concept("object")
    familiar.switch_chats(False)
    familiar.close()
    return made


@pytest.fixture
def app(home: Home) -> FamiliarApp:
    return FamiliarApp(home, model_path=NO_MODEL)


async def opened(pilot: Pilot[None]) -> None:
    app = pilot.app
    await until_shown(pilot, lambda: "known" in str(app.screen.query_one("#facts", Static).render()))


async def type_line(pilot: Pilot[None], text: str) -> None:
    pilot.app.screen.query_one(RequestInput).value = text
    await pilot.pause()
    await pilot.press("enter")


async def asked(pilot: Pilot[None], text: str) -> str:
    """Ask and return everything that came back."""
    await type_line(pilot, text)
    screen = pilot.app.screen
    await until_shown(pilot, lambda: bool(screen.query(Exchange)) and screen.query(Exchange).last().finished)
    return said(screen.query(Exchange).last())


def said(exchange: Exchange) -> str:
    return "\n".join(
        str(bubble.render()) for bubble in exchange.query(Bubble) if not bubble.has_class("user")
    )


async def test_the_first_screen_suggests_what_the_library_knows(app: FamiliarApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        assert app.screen.query(Welcome)
        await opened(pilot)
        await until_shown(pilot, lambda: len(app.screen.query(Card)) == 3)
        labels = " ".join(card.suggestion.label for card in app.screen.query(Card))
        assert "number 3" in labels
        assert "Draw" not in labels, "nobody has a photo, so nobody can be in a picture"
        assert "2 known" in str(app.screen.query_one("#facts", Static).render())
        for card in app.screen.query(Card):
            assert card.region.bottom <= 20, "a card is out of sight at 80 by 24"


async def test_asking_in_words(app: FamiliarApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        words = await asked(pilot, "who do you know?")
        assert "Grandma Ingrid (number 2) is a person" in words
        assert not app.screen.query(Welcome)
        assert app.screen.query_one(RequestInput).value == ""


async def test_what_is_typed_before_the_library_is_open_is_answered(app: FamiliarApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        assert "Bo" in await asked(pilot, "who do you know?")


async def test_the_menu_completes_a_command(app: FamiliarApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await pilot.press("/", "n")
        menu = app.screen.query_one("#menu", OptionList)
        assert menu.display
        assert menu.option_count == 1
        await pilot.press("tab")
        assert app.screen.query_one(RequestInput).value == "/name "
        assert not menu.display
        await pilot.press(*"3 Rex", "enter")
        await until_shown(pilot, lambda: "Rex" in said(app.screen.query(Exchange).last()))


async def test_choosing_a_command_without_arguments_runs_it(app: FamiliarApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await pilot.press("/", "h", "e", "enter")
        await until_shown(pilot, lambda: "/describe PATH" in said(app.screen.query(Exchange).last()))


async def test_the_list_of_commands_fits_into_80_columns(app: FamiliarApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        listed = (await asked(pilot, "/help")).split("\n\n")[0]
        assert app.screen.query_one(".reply", Bubble).content_size.width >= max(map(len, listed.splitlines()))


async def test_names_are_completed(app: FamiliarApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await pilot.press(*"draw gran")
        await pilot.pause(0.2)
        await pilot.press("tab")
        assert app.screen.query_one(RequestInput).value == "draw grandma Ingrid"


async def test_what_was_asked_comes_back_with_the_arrow(app: FamiliarApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await asked(pilot, "who do you know?")
        await pilot.press("x", "up")
        assert app.screen.query_one(RequestInput).value == "who do you know?"
        await pilot.press("down")
        assert app.screen.query_one(RequestInput).value == "x"


async def test_an_error_shows_what_was_tried_found_and_to_do(app: FamiliarApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        words = await asked(pilot, "/describe /nowhere/a.jpg")
        assert "tried" in words
        assert "no such file" in words
        assert "fix" in words
        assert app.screen.query_one(".failed").region.right <= 80


async def test_free_conversation_without_the_model_says_what_is_missing(app: FamiliarApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        assert "familiar doctor" in await asked(pilot, "good morning!")


async def test_markup_in_a_request_is_shown_as_it_is(app: FamiliarApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await asked(pilot, "forget [red]nobody[/] [@click=app.quit]x[/]")
        assert "[red]nobody[/]" in str(app.screen.query_one(".user", Bubble).render())


async def test_no_codes_reach_the_terminal_from_a_name_or_an_answer(app: FamiliarApp, tmp_path: Path) -> None:
    from assistant.chat.events import Token, ToolFinished, ToolProgress, ToolStarted
    from personalizer.schemas import Progress
    from tui.widgets.pictures import Picture

    hostile, shown = "[/] [b]x\x1b[2J\x9b5m\udce9", r"[/] [b]x\x1b[2J\x9b5m\udce9"
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        words = await asked(pilot, f"/describe '/nowhere/{hostile}.jpg'")
        assert shown in words
        assert shown in str(app.screen.query_one(".user", Bubble).render())
        exchange = Exchange("anything")
        await app.screen.query_one("#conversation").mount(exchange)
        await exchange.show(ToolStarted("describe", hostile))
        await exchange.show(ToolProgress(Progress(1, 2, hostile)))
        texts = [str(static.render()) for static in exchange.query(Static)]
        assert f"{shown}…" in texts and shown in texts
        await exchange.show(ToolFinished(hostile, None))
        await exchange.show(Token(hostile))
        assert said(exchange) == f"{shown}\n{shown}"
        picture = Picture(tmp_path / f"{hostile}.jpg", hostile)
        await app.screen.query_one("#conversation").mount(picture)
        await until_shown(pilot, lambda: "no preview" in str(picture.query_one(".caption", Static).render()))
        assert shown in str(picture.query_one(".caption", Static).render())
        card = Card(Suggestion(hostile, "anything"))
        await app.screen.query_one("#conversation").mount(card)
        assert shown in str(card.render())
        app.screen.query_one(StatusLine).say(hostile)
        assert str(app.screen.query_one("#facts", Static).render()) == shown


async def test_pasted_codes_stay_out_of_the_line(app: FamiliarApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        app.screen.query_one(RequestInput).post_message(events.Paste("a\x1b[2Jb"))
        await pilot.pause()
        assert app.screen.query_one(RequestInput).value == r"a\x1b[2Jb"


async def test_escape_stops_what_is_running(app: FamiliarApp, home: Home, tmp_path: Path) -> None:
    """The queue is paused, so that the scan waits until it is stopped."""
    folder = tmp_path / "photos"
    folder.mkdir()
    familiar = Familiar(home)
    familiar.library.switch_faces(True)
    familiar.pause()
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await type_line(pilot, f"/add {folder}")
        await until_shown(pilot, lambda: bool(app.screen.query(ProgressBar)))
        await pilot.press("escape")
        await until_shown(pilot, lambda: app.screen.query(Exchange).last().finished)
        assert "stopped" in str(app.screen.query_one(".note", Static).render())
        assert not app.screen.query(ProgressBar)
        await until_shown(pilot, lambda: [job.state for job in familiar.jobs()] == ["cancelled"])
    familiar.close()


async def test_a_face_question_comes_before_the_first_scan(
    app: FamiliarApp, home: Home, tmp_path: Path
) -> None:
    (tmp_path / "photos").mkdir()
    async with app.run_test(size=(80, 40)) as pilot:
        await opened(pilot)
        assert "May Familiar look for faces?" in await asked(pilot, f"/add {tmp_path / 'photos'}")
        await pilot.press("enter")
        await until_shown(pilot, lambda: len(app.screen.query(Exchange)) == 2)
        assert "May Familiar look for faces?" in said(app.screen.query(Exchange).last())
        await asked(pilot, "no thanks, who do you know?")
    familiar = Familiar(home)
    assert not familiar.library.was_asked_about_faces()
    familiar.close()


async def test_enter_alone_passes_a_question_over(app: FamiliarApp, home: Home, tmp_path: Path) -> None:
    photos = [tmp_path / f"{name}.png" for name in ("one", "two")]
    familiar = Familiar(home)
    for photo in photos:
        Image.new("RGB", (64, 48), "orange").save(photo)
        box = BoundingBox(0, 0, 64, 48)
        whole = (NewDetection("photo", box, 1.0, "test"), Embedding(np.ones(4, np.float32), "o", "1"))
        stored = store_photo(familiar.library, content_hash=photo.name, path=photo, detections=[whole])
        [detection] = familiar.library.detections(stored.id, "photo")
        familiar.library.add_members(1, [detection.id], source="cluster", status="suggested")
    familiar.close()
    async with app.run_test(size=(80, 40)) as pilot:
        await opened(pilot)
        await pilot.press("enter")
        await pilot.pause()
        assert not app.screen.query(Exchange), "there is nothing to pass over yet"
        assert "Is this Bo?" in await asked(pilot, "/suggestions Bo")
        await until_shown(pilot, lambda: len(app.screen.query(Picture)) == 1)
        await pilot.press("enter")
        await until_shown(pilot, lambda: len(app.screen.query(Picture)) == 2)
        shown = {picture.path for picture in app.screen.query(Picture)}
        assert shown == set(photos)


async def test_a_key_says_what_an_answer_about_a_photo_rests_on(app: FamiliarApp, tmp_path: Path) -> None:
    photo = tmp_path / "one.png"
    Image.new("RGB", (64, 48), "orange").save(photo)
    async with app.run_test(size=(80, 40)) as pilot:
        await opened(pilot)
        await pilot.press(*"half a line", "ctrl+y")
        await until_shown(pilot, lambda: bool(app.screen.query(Exchange)))
        await until_shown(pilot, lambda: "nothing to explain yet" in said(app.screen.query(Exchange).last()))
        assert app.screen.query_one(RequestInput).value == "half a line"
        await asked(pilot, f"is Bo in {photo}?")
        await until_shown(pilot, lambda: "in none of your folders" in said(app.screen.query(Exchange).last()))
        await asked(pilot, "y")
        await pilot.press("ctrl+y")
        await until_shown(pilot, lambda: len(app.screen.query(Exchange)) == 4)
        await until_shown(pilot, lambda: app.screen.query(Exchange).last().finished)
        why = said(app.screen.query(Exchange).last())
        assert "My answer about one.png" in why and "Bo: nothing to compare" in why


async def test_the_line_of_keys_fits_into_80_columns(app: FamiliarApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        hints = app.screen.query_one("#hints", Static)
        assert hints.content_size.width >= len(str(hints.render()))


async def test_clearing_brings_the_first_screen_back(app: FamiliarApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await asked(pilot, "who do you know?")
        await type_line(pilot, "/clear")
        await until_shown(pilot, lambda: bool(app.screen.query(Welcome)) and not app.screen.query(Exchange))


async def test_quit_leaves(app: FamiliarApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await type_line(pilot, "/quit")
        await until_shown(pilot, lambda: not app.is_running)


async def test_a_home_that_cannot_be_opened_is_an_error_and_not_a_crash(tmp_path: Path) -> None:
    blocked = tmp_path / "home"
    blocked.write_text("a file where the folder should be")
    app = FamiliarApp(Home(blocked), model_path=NO_MODEL)
    async with app.run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, lambda: bool(app.screen.query(".failed")))
        assert "no library" in str(app.screen.query_one(StatusLine).query_one("#facts", Static).render())


async def test_a_home_that_could_not_be_opened_is_tried_again_with_every_request(tmp_path: Path) -> None:
    blocked = tmp_path / "home"
    blocked.write_text("a file where the folder should be")
    app = FamiliarApp(Home(blocked), model_path=NO_MODEL)
    async with app.run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, lambda: bool(app.screen.query(".failed")))
        for _ in range(2):
            assert "tried" in await asked(pilot, "who do you know?")
        blocked.unlink()
        assert "I know nobody yet" in await asked(pilot, "who do you know?")
        await opened(pilot)


async def test_quit_leaves_without_a_library(tmp_path: Path) -> None:
    blocked = tmp_path / "home"
    blocked.write_text("a file where the folder should be")
    app = FamiliarApp(Home(blocked), model_path=NO_MODEL)
    async with app.run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, lambda: bool(app.screen.query(".failed")))
        await type_line(pilot, "/quit")
        await until_shown(pilot, lambda: not app.is_running)


async def test_a_card_that_needs_more_is_put_into_the_line(tmp_path: Path) -> None:
    app = FamiliarApp(Home(tmp_path / "empty"), model_path=NO_MODEL)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await until_shown(pilot, lambda: len(app.screen.query(Card)) == 3)
        await until_shown(pilot, lambda: app.screen.query(Card).first().region.height > 0)
        await pilot.click(Card)
        await until_shown(pilot, lambda: app.screen.query_one(RequestInput).value == "/add ~/")


async def test_a_picture_is_shown_with_its_shape(app: FamiliarApp, tmp_path: Path) -> None:
    from tui.widgets.pictures import PictureRow, picture_widget

    path = tmp_path / "wide.png"
    Image.new("RGB", (200, 100), "teal").save(path)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        row = PictureRow([(path, "wide.png")])
        await app.screen.query_one("#conversation").mount(row)
        await until_shown(pilot, lambda: bool(row.query(picture_widget())))
        await pilot.pause(0.2)
        shown = row.query_one(picture_widget()).size
        assert shown.width == 4 * shown.height
        assert shown.height <= 12
