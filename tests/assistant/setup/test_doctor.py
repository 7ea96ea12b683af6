"""What doctor finds where a network that ships is damaged."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from assistant.results import Check
from assistant.setup import doctor
from personalizer.analysis.efficientnet import OBJECT_NETWORK
from personalizer.analysis.main_thing import NETWORK_FILE
from personalizer.faces.mtcnn import CASCADE_DIR
from personalizer.home import Home
from personalizer.sentences.embed import NETWORK_FOLDER as SENTENCE_NETWORK

INTACT = {"object embedding", "object mask", "face detector", "sentences"}


def flip_a_bit(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:1000])


def remove(file: Path) -> None:
    file.unlink()


def checks(tmp_path: Path) -> dict[str, Check]:
    found = doctor.examine(Home(tmp_path / "home"), lambda: Check("backbone", True, "not looked at"))
    return {check.name: check for check in found if check.name in INTACT}


def test_the_networks_that_ship_are_intact(tmp_path: Path) -> None:
    found = checks(tmp_path)
    assert found.keys() == INTACT
    assert all(check.ok and check.required and "intact" in check.detail for check in found.values())


@pytest.mark.parametrize("damage", [flip_a_bit, cut, remove])
@pytest.mark.parametrize(
    ("name", "constant", "shipped", "file"),
    [
        ("object embedding", "OBJECT_NETWORK", OBJECT_NETWORK, "."),
        ("object mask", "MASK_NETWORK", NETWORK_FILE, "."),
        ("sentences", "SENTENCE_NETWORK", SENTENCE_NETWORK, "use_multilingual_3.npz"),
        ("face detector", "FACE_CASCADE", CASCADE_DIR, "output.onnx"),
    ],
)
def test_a_damaged_network_is_found_and_what_to_do(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    constant: str,
    shipped: Path,
    file: str,
    damage: Callable[[Path], None],
) -> None:
    copy = tmp_path / shipped.name
    if shipped.is_dir():
        shutil.copytree(shipped, copy)
    else:
        shutil.copy(shipped, copy)
    monkeypatch.setattr(doctor, constant, copy)
    assert checks(tmp_path)[name].ok
    damage(copy / file)
    found = checks(tmp_path)
    assert {check.name for check in found.values() if not check.ok} == {name}
    assert found[name].required
    assert "--force-reinstall" in found[name].fix and "git checkout" in found[name].fix
    assert ("is not what was shipped" in found[name].detail) == (damage is not remove)
