"""The documentation names only what there is: commands, files and pages."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import pytest
import typer

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
PAGES = [README, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_the_readme_is_short_and_begins_with_a_command() -> None:
    lines = README.read_text("utf-8").splitlines()
    assert len(lines) <= 120
    assert any(line.startswith("make demo") for line in lines[:25])


def test_commands_page_is_what_the_command_line_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))
    page = importlib.import_module("scripts.make_commands_page").commands_page()
    sys.modules.pop("scripts.make_commands_page")
    assert (ROOT / "docs" / "COMMANDS.md").read_text("utf-8") == page, "python -m scripts.make_commands_page"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_named_commands_exist(page: Path) -> None:
    from tui.entry import app

    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    code = re.findall(r"`([^`\n]+)`|^(?: {4}|\$ )(familiar .*)$", page.read_text("utf-8"), re.MULTILINE)
    lines = [first or second for first, second in code]
    named = {match[1] for line in lines if (match := re.match(r"familiar ([a-z][a-z-]*)", line))}
    assert named <= commands.keys()
    if page == README:
        assert len(named) >= 8


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)\)", page.read_text("utf-8"))
    missing = [target for target in targets if "://" not in target and not (page.parent / target).exists()]
    assert missing == []
