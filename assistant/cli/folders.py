"""The commands about folders: scanning them, and leaving some of what is in them out. Decides nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from assistant.cli.front_end import FrontEnd, NoFaces, Yes, front_end
from assistant.presentation.printable import short_path
from personalizer.errors import UsageError, counted

folders_app = typer.Typer(rich_markup_mode=None)


@folders_app.command()
def add(
    context: typer.Context,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Folders.")],
    yes: Yes = False,
    no_faces: NoFaces = False,
) -> None:
    """Register folders of photos and scan them."""
    from assistant.cli.daemon import add_folders

    add_folders(front_end(context), paths, yes=yes, no_faces=no_faces)


@folders_app.command()
def scan(
    context: typer.Context,
    accept_missing: Annotated[
        bool,
        typer.Option("--accept-missing", help="Treat missing photos as deleted, however many they are."),
    ] = False,
    roots: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[ROOT]...", help="With --accept-missing: in these folders only."),
    ] = None,
) -> None:
    """Bring the library up to date with its folders, once."""
    scan_folders(front_end(context), roots or [], accept_missing=accept_missing)


@folders_app.command()
def exclude(
    context: typer.Context,
    patterns: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PATTERN]...", help="Such as Screenshots, '*.png', Scans/2019."),
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take these patterns back.")] = False,
) -> None:
    """Leave files and folders out of the library; without a pattern, list what is left out."""
    exclude_patterns(front_end(context), patterns or [], remove=remove)


@folders_app.command()
def rebuild_index(context: typer.Context) -> None:
    """Make the vector index anew from the library, when it is damaged."""
    ui = front_end(context)
    rebuilt = {**ui.run(ui.familiar.rebuild_index), "path": ui.familiar.home.chroma}
    ui.show(rebuilt, lambda result: f"{counted(result['indexed'], 'vector')} in {short_path(result['path'])}")


def scan_folders(ui: FrontEnd, roots: Sequence[Path], *, accept_missing: bool) -> None:
    """One scan of everything; what is gone is accepted everywhere, or in `roots`."""
    from assistant.presentation.lines import scan_lines
    from assistant.presentation.suggestion_lines import found_line

    if roots and not accept_missing:
        raise UsageError(
            tried=f"scanning {roots[0]}",
            found="a scan always looks at all folders",
            fix="Leave the folder away; `familiar add FOLDER` registers a new one.",
        )
    accepted = list(roots) or accept_missing
    report = ui.run(lambda on_progress: ui.familiar.scan(on_progress, accept_missing=accepted))
    found = found_line(ui.familiar.concepts()) if report.new or report.changed else ""
    ui.show(report, lambda _: "\n".join([scan_lines(report), *([found] if found else [])]))


def exclude_patterns(ui: FrontEnd, patterns: Sequence[str], *, remove: bool) -> None:
    """Add or take back patterns; list them."""
    from assistant.presentation.lines import exclusion_lines

    if remove and not patterns:
        raise UsageError(
            tried="taking exclusions back",
            found="no pattern",
            fix="Give them as `familiar exclude` lists them.",
        )
    stored = ui.familiar.exclude(patterns, remove=remove)
    left_out = ui.familiar.left_out()
    listed = [{"pattern": pattern, "photos_left_out": count} for pattern, count in left_out.items()]
    # Of the pattern that was given, as well as of all.
    given = next((one for one in listed if [one["pattern"]] == stored), {})
    ui.show(
        {**given, "excluded": listed},
        lambda _result: exclusion_lines(left_out, changed=bool(patterns)),
    )
