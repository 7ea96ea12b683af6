"""How torch's threads wait for each other. Has its say before torch is loaded, and loads nothing itself."""

from __future__ import annotations

import os

_BY_HAND = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
"""Read once, when the runtime of the threads is loaded (GNU's, as on Linux; others know the first one only)."""
_LOOKS = "1000"
"""What that runtime takes itself where it knows that threads outnumber processors; otherwise 300 times as many."""


def wait_briefly() -> None:
    """Let threads that wait sleep soon, here and in processes started from here, unless the environment has a say.

    They would spin for milliseconds. On a machine that does something else as well, the thread that all wait for then
    stands in line behind those that wait: beside a second training each takes eight times as long, with this two times.
    Alone it costs a quarter.
    """
    if not any(name in os.environ for name in _BY_HAND):
        os.environ["GOMP_SPINCOUNT"] = _LOOKS
