"""What the documentation says of the code's shape is so: named files exist, rooms are on the map, none is crowded."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("personalizer", "exporters", "assistant", "tui")
FOLDERS = (*PACKAGES, "docs", "scripts", "tests")
"""What a path in the documentation begins with."""
MOST_MODULES = 15
NOWHERE = {"utils.py"}
"""Files that are named because there must be none."""


def architecture() -> str:
    return (ROOT / "docs/ARCHITECTURE.md").read_text(encoding="utf-8")


def the_map(text: str) -> str:
    """The section with the rooms."""
    return text.partition("\n## The map\n")[2].partition("\n## ")[0]


def missing_paths(text: str, root: Path) -> list[str]:
    """Files and folders between backticks that are not there, and files that are named without their folder."""
    quoted = re.findall(r"`([^`\s]+)`", text)
    paths = [path for path in quoted if path.split("/")[0] in FOLDERS and "/" in path]
    bare = [name for name in quoted if re.fullmatch(r"\w+\.py", name) and name not in NOWHERE]
    known = {file.name for folder in FOLDERS for file in (root / folder).rglob("*.py")}
    return [path for path in paths if not exists(root / path)] + [name for name in bare if name not in known]


def missing_python_files(text: str, root: Path) -> list[str]:
    """Python files, between backticks or not, that are not there."""
    paths = re.findall(rf"(?<![\w/.-])(?:{'|'.join(FOLDERS)})/[\w/.-]+\.py\b", text)
    return [path for path in paths if not (root / path).is_file()]


def exists(path: Path) -> bool:
    """Whether there is a file, or a folder with more in it than what Python left."""
    return path.is_file() or (path.is_dir() and any(found.name != "__pycache__" for found in path.iterdir()))


def rooms(root: Path) -> list[str]:
    """The package folders below the packages."""
    found = (file.parent for package in PACKAGES for file in (root / package).rglob("__init__.py"))
    return sorted(folder.relative_to(root).as_posix() for folder in found)


def unnamed_rooms(text: str, root: Path) -> list[str]:
    """Package folders that are not on the map."""
    return [room for room in rooms(root) if f"`{room}`" not in the_map(text)]


def crowded_folders(root: Path) -> dict[str, int]:
    """Folders with more modules than a reader keeps in mind."""
    counts: dict[str, int] = {}
    for folder in (*PACKAGES, "tests"):
        for file in (root / folder).rglob("*.py"):
            if file.name not in ("__init__.py", "conftest.py"):
                name = file.parent.relative_to(root).as_posix()
                counts[name] = counts.get(name, 0) + 1
    return {name: count for name, count in counts.items() if count > MOST_MODULES}


def ordered_rooms() -> Iterator[list[str]]:
    """The rooms of each contract about an order, those that others import first."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    for contract in contracts["contracts"]:
        for container in contract.get("containers", ()):
            folder = container.replace(".", "/")
            paths = [f"{folder}/{layer}" for layer in reversed(contract["layers"])]
            yield [path for path in paths if (ROOT / path).is_dir()]


def test_what_the_architecture_names_exists() -> None:
    assert missing_paths(architecture(), ROOT) == []


def test_python_files_that_the_documentation_names_exist() -> None:
    files = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
    texts = {file.name: file.read_text(encoding="utf-8") for file in files}
    missing = {
        name: [*missing_paths(text, ROOT), *missing_python_files(text, ROOT)] for name, text in texts.items()
    }
    assert {name: paths for name, paths in missing.items() if paths} == {}


def test_a_wrong_path_is_found(tmp_path: Path) -> None:
    (tmp_path / "personalizer/scan/__pycache__").mkdir(parents=True)
    (tmp_path / "personalizer/photos").mkdir()
    (tmp_path / "personalizer/photos/decode.py").touch()
    right = "`personalizer/photos/decode.py`, `decode.py`, `personalizer/photos`, `a/b.py`, `no utils.py`"
    assert missing_paths(right, tmp_path) == []
    wrong = "`personalizer/photos/raw.py` and `raw.py` of `personalizer/scan`"
    assert missing_paths(wrong, tmp_path) == ["personalizer/photos/raw.py", "personalizer/scan", "raw.py"]
    command = "    python scripts/gone.py DIR, x/scripts/other.py, personalizer/photos/decode.py"
    assert missing_python_files(command, tmp_path) == ["scripts/gone.py"]


def test_every_room_is_on_the_map() -> None:
    known = rooms(ROOT)
    assert {"personalizer/library/photos", "assistant/chat/router", "tui/screens"} <= set(known)
    assert unnamed_rooms(architecture(), ROOT) == []


def test_a_room_that_is_not_on_the_map_is_found(tmp_path: Path) -> None:
    for room in ("tui/widgets", "tui/screens"):
        (tmp_path / room).mkdir(parents=True)
        (tmp_path / room / "__init__.py").touch()
    text = "# A\n\n## The map\n\n`tui/widgets`\n\n## Walks\n\n`tui/screens`\n"
    assert unnamed_rooms(text, tmp_path) == ["tui/screens"]


def test_the_map_lists_rooms_in_the_order_of_imports() -> None:
    for expected in ordered_rooms():
        listed = re.findall(r"^ *- `([^`]+)` — ", the_map(architecture()), re.MULTILINE)
        assert [room for room in listed if room in expected] == expected


def test_no_folder_is_crowded() -> None:
    assert crowded_folders(ROOT) == {}


def test_a_crowded_folder_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "tests/tui"
    folder.mkdir(parents=True)
    for name in ("__init__", "conftest", *(f"test_{number}" for number in range(MOST_MODULES))):
        (folder / f"{name}.py").touch()
    assert crowded_folders(tmp_path) == {}
    (folder / "test_more.py").touch()
    assert crowded_folders(tmp_path) == {"tests/tui": MOST_MODULES + 1}
