"""How torch's threads wait for each other. Has its say before torch is loaded, and loads nothing itself."""

from __future__ import annotations

import os

SETTING = "OMP_WAIT_POLICY"
"""Of OpenMP 3.0; read once, when its runtime is loaded."""


def wait_asleep() -> None:
    """Let threads that wait sleep, here and in processes started from here, unless the environment says otherwise.

    They spin by default. On a machine that does something else as well, the thread that all wait for then stands in
    line behind those that wait, and training takes many times as long.
    """
    os.environ.setdefault(SETTING, "PASSIVE")
