"""The commands about folders: scanning them, and leaving some of what is in them out. Decides nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.presentation.lines import exclusion_lines, scan_lines
from personalizer.errors import UsageError

if TYPE_CHECKING:
    from assistant.cli.front_end import FrontEnd


def scan_folders(ui: FrontEnd, roots: Sequence[Path], *, accept_missing: bool) -> None:
    """One scan of everything; what is gone is accepted everywhere, or in `roots`."""
    if roots and not accept_missing:
        raise UsageError(
            tried=f"scanning {roots[0]}",
            found="a scan always looks at all folders",
            fix="Leave the folder away; `familiar add FOLDER` registers a new one.",
        )
    accepted = list(roots) or accept_missing
    report = ui.run(lambda on_progress: ui.familiar.scan(on_progress, accept_missing=accepted))
    ui.show(report, scan_lines)


def exclude_patterns(ui: FrontEnd, patterns: Sequence[str], *, remove: bool) -> None:
    """Add or take back patterns; list them."""
    if remove and not patterns:
        raise UsageError(
            tried="taking exclusions back",
            found="no pattern",
            fix="Give them as `familiar exclude` lists them.",
        )
    excluded = ui.familiar.exclude(patterns, remove=remove)
    left_out = ui.familiar.left_out()
    ui.show(
        {"excluded": excluded, "photos_left_out": left_out},
        lambda _result: exclusion_lines(left_out, changed=bool(patterns)),
    )
