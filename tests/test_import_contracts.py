"""The import contracts hold, and each of them is broken by an import that it forbids."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("personalizer", "exporters", "assistant", "tui")
PLANTED = {
    "packages": ("personalizer/errors.py", "import assistant.results"),
    "personalizer": ("personalizer/photos/decode.py", "import personalizer.library.library"),
    "library": ("personalizer/library/photos/photos.py", "import personalizer.library.concepts.links"),
    "exporters": ("exporters/runtime/session.py", "import exporters.onnx.graphs"),
    "assistant": ("assistant/presentation/lines.py", "import assistant.chat.events"),
    "evaluation": ("assistant/evaluation/data/protocol.py", "import assistant.evaluation.report.tables"),
    "tui": ("tui/widgets/composer.py", "import tui.screens.chat"),
    "torch": ("exporters/runtime/session.py", "import torch"),
    "worker": ("assistant/answers/describe.py", "import personalizer.training.trainer"),
    "chroma": ("personalizer/library/library.py", "import chromadb"),
}
"""By contract: a file, and what it must not import."""


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the packages' sources and of the contracts. Tests change it and change it back."""
    folder = tmp_path_factory.mktemp("sources")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=lambda _, names: _without_python(names))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def _without_python(names: list[str]) -> set[str]:
    return {name for name in names if "." in name and not name.endswith(".py")} | {"__pycache__"}


def checked(sources: Path, *options: str) -> dict[str, bool]:
    """Contracts by name, and whether each is kept."""
    program = (
        "import sys; sys.path[:0] = ['.']; from importlinter.cli import lint_imports_command as main; main()"
    )
    command = [sys.executable, "-P", "-c", program, "--no-cache", *options]
    finished = subprocess.run(command, cwd=sources, capture_output=True, text=True, check=False)
    found = re.findall(r"^(.+?) (KEPT|BROKEN)", finished.stdout, re.MULTILINE)
    assert found, finished.stdout + finished.stderr
    return {name: state == "KEPT" for name, state in found}


def test_the_contracts_hold_and_each_has_a_planted_import(sources: Path) -> None:
    assert all(checked(sources).values())
    ids = re.findall(r'^id = "(\w+)"', (sources / "pyproject.toml").read_text(), re.MULTILINE)
    assert sorted(ids) == sorted(PLANTED)


@pytest.mark.parametrize("contract", PLANTED)
def test_a_planted_import_breaks_its_contract(sources: Path, contract: str) -> None:
    file, statement = PLANTED[contract]
    path = sources / file
    before = path.read_text()
    try:
        path.write_text(f"{before}\n{statement}\n")
        assert list(checked(sources, "--contract", contract).values()) == [False]
    finally:
        path.write_text(before)


def test_an_exception_that_nothing_uses_is_refused(sources: Path) -> None:
    path = sources / "pyproject.toml"
    before = path.read_text()
    try:
        path.write_text(
            before.replace('"personalizer.index.chroma -> chromadb"', '"personalizer.names -> chromadb"')
        )
        assert "personalizer.names -> chromadb" in refused(sources)
    finally:
        path.write_text(before)


def refused(sources: Path) -> str:
    """What the checker says where it does not even begin."""
    program = (
        "import sys; sys.path[:0] = ['.']; from importlinter.cli import lint_imports_command as main; main()"
    )
    finished = subprocess.run(
        [sys.executable, "-P", "-c", program, "--no-cache"],
        cwd=sources,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode
    return finished.stdout + finished.stderr
