"""Configures how torch's threads wait for each other; call it before torch is loaded."""

from __future__ import annotations

import os

_BY_HAND = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
"""Environment variables that OpenMP reads when it is loaded (GNU's reads both, others the first only)."""
_LOOKS = "1000"
"""GNU's own default if threads outnumber processors; otherwise its default is 300 times as large."""


def wait_briefly() -> None:
    """Let waiting threads sleep soon, here and in child processes, unless the environment variables are set.

    Otherwise they spin for milliseconds, and on a busy machine they delay the thread that they wait for: two parallel
    trainings take eight times as long each, and twice as long with this setting. A single training takes a quarter
    longer.
    """
    if not any(name in os.environ for name in _BY_HAND):
        os.environ["GOMP_SPINCOUNT"] = _LOOKS
