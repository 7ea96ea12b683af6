"""How the recipe's commands end: an expected failure is one line on standard error, not a traceback."""

from __future__ import annotations

from collections.abc import Callable

from personalizer.errors import FamiliarError


def run(main: Callable[[], None]) -> None:
    """Call `main`; exit with 1 and the reason where it raises a `FamiliarError`."""
    try:
        main()
    except FamiliarError as error:
        raise SystemExit(str(error)) from error
