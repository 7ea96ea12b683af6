"""Where a people page may be written, and where not. Writes nothing."""

from __future__ import annotations

from pathlib import Path

from assistant.report.page_mark import is_people_page
from personalizer.errors import UsageError
from personalizer.home import Home


def check_place(path: Path, home: Home, force: bool) -> None:
    """Raise `UsageError` unless a page may be written to `path`."""
    tried = f"writing a page to {path}"
    try:
        if path.is_dir():
            raise UsageError(tried=tried, found="it is a folder", fix="Give a file in it: --out FILE.html")
        if path.exists() and not path.is_file():
            raise UsageError(tried=tried, found="it is no regular file", fix="Give another name.")
        if path != home.people_page and not path.parent.is_dir():
            raise UsageError(
                tried=tried, found=f"there is no folder {path.parent}", fix="Make it, or give another."
            )
        inside = path.resolve().is_relative_to(home.root.resolve())
        if inside and path.parent.resolve() != home.root.resolve():
            raise UsageError(
                tried=tried,
                found="that folder is the library's",
                fix=f"Leave --out away ({home.people_page}), or give a place outside the library.",
            )
        if path.exists() and not is_people_page(path) and (inside or not force):
            other = "Give another name." if inside else "Give another name, or --force to replace it."
            raise UsageError(tried=tried, found="there is a file that is no such page", fix=other)
    except OSError as error:
        raise UsageError(
            tried=tried, found=error.strerror or str(error), fix="Choose a place that you may write to."
        ) from error
