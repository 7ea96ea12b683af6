"""Whether the machine has time to spare, from files as the kernel writes them and programs as they answer."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from assistant.worker.idle import IdleLimits, Machine, Mains, Sources, on_battery
from personalizer.errors import UsageError


def supply(folder: Path, name: str, **said: str) -> None:
    (folder / name).mkdir(parents=True)
    for file, text in said.items():
        (folder / name / file).write_text(f"{text}\n")


def program(path: Path, output: str, status: int = 0) -> str:
    path.write_text(f"#!/bin/sh\ncat <<'EOT'\n{output}\nEOT\nexit {status}\n")
    path.chmod(0o755)
    return str(path)


def quiet(folder: Path, **sources: object) -> Sources:
    """A machine on mains without a GPU that says nothing about its processors."""
    defaults: dict[str, object] = {
        "power_supply": folder / "none",
        "processor_times": lambda: times(0, 0),
        "pmset": None,
        "nvidia_smi": None,
    }
    return Sources(**{**defaults, **sources})  # type: ignore[arg-type]


class Times(NamedTuple):
    """As psutil names them; what guests took is in `user` too."""

    user: float
    system: float
    idle: float
    guest: float


def times(busy_s: float, idle_s: float) -> Times:
    return Times(busy_s / 2, busy_s / 2, idle_s, busy_s / 2)


@pytest.mark.parametrize(
    ("supplies", "expected"),
    [
        ({}, False),
        ({"BAT0": {"type": "Battery", "status": "Discharging", "scope": "System"}}, True),
        ({"BAT0": {"type": "Battery", "status": "Charging"}, "AC": {"type": "Mains", "online": "1"}}, False),
        (
            {"BAT0": {"type": "Battery", "status": "Discharging"}, "AC": {"type": "Mains", "online": "0"}},
            True,
        ),
        # A laptop that takes more than its charger gives runs on mains all the same.
        (
            {"BAT0": {"type": "Battery", "status": "Discharging"}, "AC": {"type": "Mains", "online": "1"}},
            False,
        ),
        (
            {"BAT0": {"type": "Battery", "status": "Discharging"}, "usb": {"type": "USB", "online": "1"}},
            False,
        ),
        ({"BAT0": {"type": "Battery", "status": "Not charging"}}, False),
        ({"mouse": {"type": "Battery", "status": "Discharging", "scope": "Device"}}, False),
        ({"BAT0": {"type": "Battery"}}, False),
    ],
)
def test_battery_on_linux(tmp_path: Path, supplies: dict[str, dict[str, str]], expected: bool) -> None:
    for name, said in supplies.items():
        supply(tmp_path / "power", name, **said)
    sources = quiet(tmp_path, power_supply=tmp_path / "power")
    assert on_battery(sources) is expected
    reason = Machine(tmp_path, "cpu", IdleLimits(1, 1), sources).busy_with(working=False)
    assert reason == ("on battery" if expected else None)


@pytest.mark.parametrize(("power", "expected"), [("Battery Power", True), ("AC Power", False)])
def test_battery_on_a_mac(tmp_path: Path, power: str, expected: bool) -> None:
    said = f"Now drawing from '{power}'\n -InternalBattery-0 (id=1)\t57%; discharging; 4:12 remaining present: true"
    assert on_battery(quiet(tmp_path, pmset=program(tmp_path / "pmset", said))) is expected


def test_mains_are_asked_about_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("assistant.worker.idle.time.monotonic", lambda: now)
    mains = Mains(quiet(tmp_path, power_supply=tmp_path))
    assert mains()
    supply(tmp_path, "BAT0", type="Battery", status="Discharging", scope="System")
    assert mains(), "it was asked a moment ago"
    now += 31
    assert not mains()


def test_only_what_others_take_of_the_processors_counts(tmp_path: Path) -> None:
    own_s, counted = 0.0, times(1000, 1000)
    sources = quiet(tmp_path, own_s=lambda: own_s, processor_times=lambda: counted)
    machine = Machine(tmp_path, "cpu", IdleLimits(load_to_begin=0.3, load_to_go_on=0.6), sources)
    assert machine.busy_with(working=False) is None
    # Ten seconds of two processors: nine busy, all of it our own.
    own_s, counted = 9.0, times(1009, 1011)
    assert machine.others_share() == pytest.approx(0, abs=0.01)
    # Nine again, and none of it ours.
    counted = times(1018, 1022)
    assert machine.others_share() == pytest.approx(0.45, abs=0.01)
    assert "other programs use 45%" in (machine.busy_with(working=False) or "")
    assert machine.busy_with(working=True) is None, "what runs goes on a while"
    counted = times(1036, 1024)
    assert "other programs use 90%" in (machine.busy_with(working=True) or "")


def test_the_processors_of_this_machine_can_be_read(tmp_path: Path) -> None:
    machine = Machine(tmp_path, "cpu")
    assert 0 <= machine.others_share() <= 1


def test_a_full_disk(tmp_path: Path) -> None:
    machine = Machine(tmp_path, "cpu", IdleLimits(free_disk_mib=10**9), quiet(tmp_path))
    assert "MiB are free on the disk" in (machine.busy_with(working=False) or "")


@pytest.mark.parametrize(
    ("output", "status", "device", "waits"),
    [
        ("512", 0, "auto", True),
        ("512\n20480", 0, "cuda", False),
        ("512", 0, "cpu", False),
        ("No devices were found", 6, "auto", False),
        ("[N/A]", 0, "auto", False),
    ],
)
def test_the_memory_of_the_gpu(tmp_path: Path, output: str, status: int, device: str, waits: bool) -> None:
    sources = quiet(tmp_path, nvidia_smi=program(tmp_path / "nvidia-smi", output, status))
    machine = Machine(tmp_path, device, IdleLimits(1, 1), sources)
    assert ("GPU's memory" in (machine.busy_with(working=False) or "")) is waits
    assert machine.busy_with(working=True) is None, "what it takes itself is no reason to make way"


@pytest.mark.parametrize("wrong", [(0.0, 0.5), (0.7, 0.6), (0.5, 1.5)])
def test_limits_that_make_no_sense_are_refused(wrong: tuple[float, float]) -> None:
    with pytest.raises(UsageError, match="load_to_begin"):
        IdleLimits(*wrong)
