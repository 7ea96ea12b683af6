"""Checks whether the machine is idle: power, load of other programs, free disk space and GPU memory.

Reads system files and output of system tools; knows no job and no training.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from personalizer.errors import UsageError

_PROGRAM_TIMEOUT_S = 10.0
_GPU_EVERY_S = 30.0
_POWER_EVERY_S = 30.0


@dataclass(frozen=True, slots=True)
class IdleLimits:
    """Limits above which a machine is not idle. Shares are of all processors."""

    load_to_begin: float = 0.3
    """Other programs may take so much when heavy work begins…"""
    load_to_go_on: float = 0.6
    """… and so much before it makes way."""
    free_disk_mib: float = 1024.0
    free_gpu_mib: float = 2048.0

    def __post_init__(self) -> None:
        if not (
            0 < self.load_to_begin <= self.load_to_go_on <= 1 and self.free_disk_mib >= 0 <= self.free_gpu_mib
        ):
            raise UsageError(
                tried=f"configuring when a machine is idle with {self}",
                found="loads must be in 0..1 and grow, and room must not be negative",
                fix="Leave the defaults.",
            )


@dataclass(frozen=True, slots=True)
class Sources:
    """Paths and commands of the system; None if it has none."""

    power_supply: Path = Path("/sys/class/power_supply")
    processor_times: Callable[[], Any] = psutil.cpu_times
    """Seconds of all processors together since the machine started, by what they did."""
    pmset: str | None = field(
        default_factory=lambda: shutil.which("pmset") if sys.platform == "darwin" else None
    )
    nvidia_smi: str | None = field(default_factory=lambda: shutil.which("nvidia-smi"))
    own_s: Callable[[], float] = lambda: sum(os.times()[:4])
    """Processor seconds that this program and its ended children took so far."""


class Machine:
    """One machine, looked at every few seconds. Not for use by several threads."""

    def __init__(
        self,
        disk: Path,
        device: str = "auto",
        limits: IdleLimits | None = None,
        sources: Sources | None = None,
    ) -> None:
        self._disk = disk
        self._device = device
        self._limits = limits or IdleLimits()
        self._sources = sources or Sources()
        self._before: tuple[float, float, float] | None = None
        self._others = 0.0
        self._gpu: tuple[float, float | None] = (-_GPU_EVERY_S, None)

    def busy_with(self, *, working: bool) -> str | None:
        """Why heavy work should not begin, or, while `working`, should make way; None when it may go on."""
        limits = self._limits
        others = self.others_share()
        if on_battery(self._sources):
            return "on battery"
        if others > (limits.load_to_go_on if working else limits.load_to_begin):
            return f"other programs use {others:.0%} of the processors"
        free_mib = shutil.disk_usage(self._disk).free / 2**20
        if free_mib < limits.free_disk_mib:
            return f"only {free_mib:.0f} MiB are free on the disk"
        if not working and self._device != "cpu":
            # What it takes itself is not free either, so this is asked before it begins only.
            gpu_mib = self._free_gpu_mib()
            if gpu_mib is not None and gpu_mib < limits.free_gpu_mib:
                return f"only {gpu_mib:.0f} MiB of the GPU's memory are free"
        return None

    def others_share(self) -> float:
        """What other programs took of the processors since the last call that was at least a second ago, in 0..1."""
        busy, total = _busy_and_total_s(self._sources.processor_times())
        own = self._sources.own_s()
        if self._before is None:
            self._before = (busy, total, own)
            # Nothing to compare with yet: what it has been since the start of the machine says little.
            return self._others
        passed = total - self._before[1]
        if passed >= 1.0:
            ours = max(0.0, own - self._before[2])
            self._others = min(1.0, max(0.0, busy - self._before[0] - ours) / passed)
            self._before = (busy, total, own)
        return self._others

    def _free_gpu_mib(self) -> float | None:
        """Of the GPU with most of it; None where there is none. Asked now and then: the program is not light."""
        if self._sources.nvidia_smi is None:
            return None
        if time.monotonic() - self._gpu[0] >= _GPU_EVERY_S:
            query = ["--query-gpu=memory.free", "--format=csv,noheader,nounits"]
            said = _output_of([self._sources.nvidia_smi, *query]) or ""
            free = [float(line) for line in said.split() if line.isdecimal()]
            self._gpu = (time.monotonic(), max(free) if free else None)
        return self._gpu[1]


class Mains:
    """Whether the machine is on mains, which is asked every half minute only: on some systems a program says it."""

    def __init__(self, sources: Sources | None = None) -> None:
        self._sources = sources or Sources()
        self._asked_s = -_POWER_EVERY_S
        self._there = True

    def __call__(self) -> bool:
        if time.monotonic() - self._asked_s >= _POWER_EVERY_S:
            self._there = not on_battery(self._sources)
            self._asked_s = time.monotonic()
        return self._there


def on_battery(sources: Sources) -> bool:
    """Whether the machine runs down a battery. One without any, and one that does not say, do not."""
    if sources.pmset is not None:
        return "Battery Power" in (_output_of([sources.pmset, "-g", "batt"]) or "").partition("\n")[0]
    discharging = False
    try:
        supplies = sorted(sources.power_supply.iterdir())
    except OSError:
        return False
    for supply in supplies:
        if _said(supply / "scope") == "Device":
            # The battery of a mouse, not of the machine.
            continue
        kind = _said(supply / "type")
        if kind in ("Mains", "USB") and _said(supply / "online") == "1":
            return False
        discharging |= kind == "Battery" and _said(supply / "status") == "Discharging"
    return discharging


def _busy_and_total_s(times: Any) -> tuple[float, float]:
    """Processor seconds with work, and all of them. What guests took is in `user` and `nice` already."""
    seconds = times._asdict()
    waiting = seconds.get("idle", 0.0) + seconds.get("iowait", 0.0)
    counted = ("user", "nice", "system", "irq", "softirq")
    busy = sum(seconds.get(name, 0.0) for name in counted)
    return busy, busy + waiting


def _said(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _output_of(command: list[str]) -> str | None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_PROGRAM_TIMEOUT_S, check=False, errors="replace"
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
