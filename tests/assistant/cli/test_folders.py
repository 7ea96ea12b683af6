"""`familiar exclude`, `scan --accept-missing FOLDER`, and what status and doctor say of folders."""

from __future__ import annotations

import errno
import os
import unicodedata
from contextlib import closing
from pathlib import Path

import pytest
from commands import json_here, run_here
from stored_photos import store_photo

from assistant.daemon.process import hold_watch_lock
from assistant.presentation.lines import scan_lines, status_lines
from assistant.service.familiar import Familiar
from assistant.setup.estimate import folders_within
from personalizer.errors import NotFoundError
from personalizer.home import Home
from personalizer.scan.exclusions import Exclusions
from personalizer.scan.notes import ScanNotes, write_notes
from personalizer.schemas import ScanReport
from personalizer.watch.polled_folders import Polled, write_polled


@pytest.fixture
def here(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").ensure()


def test_exclusions_are_kept_until_they_are_taken_back(here: Home) -> None:
    assert json_here(here.root, "exclude") == {"excluded": []}
    added = json_here(here.root, "exclude", "Screenshots", "/photos/2019/*.png")
    assert added["excluded"] == [
        {"pattern": "Screenshots", "photos_left_out": 0},
        {"pattern": "/photos/2019/*.png", "photos_left_out": 0},
    ]
    shown = run_here(here.root, "exclude")
    assert "  Screenshots  (" in shown.stdout and "/photos/2019/*.png" in shown.stdout
    assert json_here(here.root, "status")["excluded"] == ["Screenshots", "/photos/2019/*.png"]
    removed = json_here(here.root, "exclude", "--remove", "Screenshots")
    assert removed == {"excluded": [{"pattern": "/photos/2019/*.png", "photos_left_out": 0}]}


def test_a_pattern_is_one_pattern_in_either_form(here: Home, tmp_path: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "Fête [1]")
    with closing(Familiar(here)) as opened:
        opened.library.add_root(tmp_path / "photos")
        path = tmp_path / "photos" / decomposed / "a.jpg"
        store_photo(opened.library, content_hash="a", path=path, width_px=1, height_px=1)
        # As an older version stored it.
        opened.library.add_exclusion(decomposed)
    for typed in ("Fête [1]", decomposed):
        [only] = json_here(here.root, "exclude", typed)["excluded"]
        assert only["photos_left_out"] == 1
    assert json_here(here.root, "exclude", "--remove", "Fête [1]") == {"excluded": []}


def test_a_pattern_that_leaves_out_nothing_says_so(here: Home, tmp_path: Path) -> None:
    with closing(Familiar(here)) as opened:
        opened.library.add_root(tmp_path / "photos")
        for name in ("a.jpg", "Screenshots/b.jpg", "Screenshots/c.png"):
            path = tmp_path / "photos" / name
            store_photo(opened.library, content_hash=name, path=path, width_px=1, height_px=1)
    said = run_here(here.root, "exclude", "Screenshots", "*.png", "Screenshot").stdout
    assert "  Screenshots  (2 photos)\n" in said
    assert "  *.png  (1 photo)\n" in said
    assert "  Screenshot  (0 photos: warning, no photo that I know; check its spelling" in said


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("exclude", "*"), 2, "everything"),
        (("exclude", "good", ""), 2, "empty"),
        (("exclude", "--remove"), 2, "no pattern"),
        (("exclude", "--remove", "none"), 3, "familiar exclude"),
        (("scan", "somewhere"), 2, "all folders"),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    here: Home, arguments: tuple[str, ...], code: int, said: str
) -> None:
    done = run_here(here.root, *arguments)
    assert done.returncode == code and said in done.stderr
    with closing(Familiar(here)) as opened:
        assert opened.library.exclusions() == []


def test_only_folders_of_the_library_can_be_given_up(here: Home, tmp_path: Path) -> None:
    with closing(Familiar(here)) as opened, pytest.raises(NotFoundError, match="no folder of the library"):
        opened.scan(accept_missing=[tmp_path])


def test_status_says_what_is_open(here: Home) -> None:
    with closing(Familiar(here)) as opened:
        write_notes(opened.library, ScanNotes(2, False, [{"path": "/p/x", "reason": "permission denied"}]))
        write_polled(opened.library, [Polled("/nas", "it is across a network", 900.0, False)])
        opened.library.add_exclusion("Screenshots")
        status = opened.status()
        assert (status.waiting, status.polled) == (2, []), "nobody watches, so nothing is polled"
        with hold_watch_lock(here):
            status = opened.status()
        assert status.polled[0]["path"] == "/nas"
        text = status_lines(status)
    for said in (
        "Screenshots",
        "2 files",
        "/nas, every 900 s: it is across a network",
        "/p/x: permission denied",
    ):
        assert said in text


def test_doctor_says_which_limit_was_reached(here: Home) -> None:
    with closing(Familiar(here)) as opened:
        for reason, setting in ((errno.ENOSPC, "max_user_watches"), (errno.EMFILE, "max_user_instances")):
            write_polled(opened.library, [Polled("/p", os.strerror(reason), 300.0, True)])
            with hold_watch_lock(here):
                [check] = [check for check in opened.doctor() if check.name == "watch limit"]
            assert not check.ok and not check.required
            assert "every 300 s" in check.detail and setting in check.fix
        [check] = [check for check in opened.doctor() if check.name == "watch limit"]
        assert check.ok, "that was said by a watcher that has ended"


def test_excluded_folders_need_no_watching(tmp_path: Path) -> None:
    for place in ("a/b", "Screenshots/c/d", ".hidden/e", "@eaDir/f", "share/g"):
        (tmp_path / place).mkdir(parents=True)
    rules = Exclusions(("Screenshots",), (str(tmp_path / "share"),))
    assert folders_within([tmp_path, tmp_path / "share"], 1000, rules) == 3


def test_a_scan_says_what_it_left_out() -> None:
    report = ScanReport(
        3, 0, 0, 0, 0, [], excluded=2, unlisted=[{"path": "/p", "reason": "permission denied"}]
    )
    text = scan_lines(report)
    assert "2 excluded" in text and "/p: permission denied" in text and "stay as they are" in text


def test_a_pattern_that_is_given_again_is_the_one_that_is_said(tmp_path: Path) -> None:
    home = tmp_path / "home"
    for pattern in ("Screenshots", "*.png", "Screenshots"):
        said = json_here(home, "exclude", pattern)
        assert said["pattern"] == pattern and "photos_left_out" in said
    assert [one["pattern"] for one in said["excluded"]] == ["Screenshots", "*.png"]
    assert "pattern" not in json_here(home, "exclude", "--remove", "*.png")
