"""What folders hold that a scan does not read: pictures of other kinds, and symbolic links."""

from __future__ import annotations

from collections.abc import Mapping

from personalizer.errors import counted


def not_read_lines(unread_kinds: Mapping[str, int], links: int) -> list[str]:
    """How many there are of each kind, and what to do; nothing where there are none."""
    lines = []
    if unread_kinds:
        each = ", ".join(f"{count} {suffix}" for suffix, count in unread_kinds.items())
        number = counted(sum(unread_kinds.values()), "file")
        lines.append(
            f"{number} of kinds that cannot be read: {each}. Save them as JPEG to have them taken in."
        )
    if links:
        what = "symbolic link was", "symbolic links were"
        lines.append(
            f"{counted(links, *what)} not followed: only files in your folders are read. Add the folder they lead to,"
            " or put the files in their place (git-annex: git annex unlock)."
        )
    return lines
