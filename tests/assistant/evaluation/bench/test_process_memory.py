"""Memory and computing of a process with its children, measured on processes that hold and compute what is known."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from assistant.evaluation.bench.process_memory import (
    MemorySample,
    MemorySampler,
    ProcessorSampler,
    at_tenths,
    growth_percent,
    processes_below,
    resident_mib,
)

PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdout=subprocess.PIPE)
print(child.stdout.readline(), flush=True)
sys.stdin.read()
child.kill()
"""


def started(code: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-c", PARENT, code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.readline()
    return process


def ended(process: subprocess.Popen[bytes]) -> None:
    process.communicate(b"", timeout=20)


def test_what_a_child_of_the_process_holds_counts() -> None:
    process = started("held = bytes(range(256)) * (4 * 60_000); print(1, flush=True); input()")
    try:
        processes = processes_below(process.pid)
        assert len(processes) == 2 and processes[0].pid == process.pid
        assert resident_mib(processes[1:]) > 58
        done = iter([None, *range(1000)])
        with MemorySampler(lambda: process.pid, lambda: next(done), every_s=0.05) as sampler:
            time.sleep(0.6)
        assert len(sampler.samples) >= 3
        assert sampler.samples[0].done == 0 and sampler.samples[0].processes == 2
        assert sampler.peak_mib >= sampler.samples[0].mib > 58
    finally:
        ended(process)
    assert processes_below(process.pid) == [] and resident_mib(processes) == 0


def test_what_a_child_of_the_process_computed_counts() -> None:
    process = started("import time\nwhile time.process_time() < 0.5: pass\nprint(1, flush=True); input()")
    try:
        with ProcessorSampler(lambda: process.pid) as sampler:
            time.sleep(0.3)
        assert 0.5 <= sampler.total_s < 3
    finally:
        ended(process)


def samples(mib: list[float]) -> list[MemorySample]:
    return [MemorySample(done, value, 3) for done, value in enumerate(mib)]


def test_growth_is_that_after_the_warm_up() -> None:
    flat = samples([100.0 + done if done < 10 else 200.0 for done in range(100)])
    assert growth_percent(flat, 100) == 0
    leaking = samples([200.0 + done for done in range(100)])
    assert growth_percent(leaking, 100) == pytest.approx(100 * (294.5 - 214.5) / 214.5)
    # One sample that is far off, such as while a child starts, changes nothing.
    flat[95] = MemorySample(95, 900.0, 4)
    assert growth_percent(flat, 100) == 0
    assert growth_percent(samples([1.0, 2.0]), 100) is None


def test_tenths_are_medians() -> None:
    found = at_tenths(samples([float(done) for done in range(50)]), 100)
    assert found[:2] == [4.5, 14.5] and found[4] == 44.5 and found[5:] == [None] * 5
