"""How fast a job gets on, from what it reports. Knows no job and no wall clock."""

from __future__ import annotations

from collections import deque

WINDOW_S = 60.0
_MIN_SPAN_S = 1.0


class ProgressRate:
    """Steps a second over the last minute: the first photos, for which models are loaded, soon stop counting.

    Begins anew when another piece of work is reported on, which shows by its total or by steps that go back.
    """

    def __init__(self, window_s: float = WINDOW_S) -> None:
        self._window_s = window_s
        self._total = 0
        self._samples: deque[tuple[float, int]] = deque()

    def add(self, now_s: float, done: int, total: int) -> float | None:
        """Note that so much is done at this (monotonic) time; returns the rate, or None while nobody can tell."""
        if total <= 0:
            self._samples.clear()
            return None
        if total != self._total or (self._samples and done < self._samples[-1][1]):
            self._samples.clear()
        self._total = total
        self._samples.append((now_s, done))
        # One sample from before the window stays, so that slow work is measured over its last step.
        while len(self._samples) > 2 and self._samples[1][0] < now_s - self._window_s:
            self._samples.popleft()
        first_s, first_done = self._samples[0]
        span_s = now_s - first_s
        if span_s < _MIN_SPAN_S or done <= first_done:
            return None
        return (done - first_done) / span_s


def left_s(done: int, total: int, rate_per_s: float | None) -> float | None:
    """Seconds until `total` at this rate, where it is known."""
    if not rate_per_s or total <= 0:
        return None
    return round(max(total - done, 0) / rate_per_s, 1)
