"""SQL stands in `personalizer/library` alone: other rooms call methods with names."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
PACKAGES = ("personalizer", "exporters", "assistant", "tui")
STATEMENT = re.compile(r"\.execute(?:many|script)?\(")


def test_other_rooms_run_no_statement() -> None:
    with_statements = {
        file.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for file in (ROOT / package).rglob("*.py")
        if STATEMENT.search(file.read_text(encoding="utf-8"))
    }
    assert with_statements, "the pattern finds what it looks for"
    assert {file for file in with_statements if not file.startswith("personalizer/library/")} == set()
