"""Rows as text in columns, for a terminal or a pipe. Knows no result."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Sequence

from assistant.presentation.printable import printable


def table(rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell; on a terminal the last one is folded where there is no room for it."""
    from rich.cells import cell_len

    shown = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*shown, strict=True)]
    columns = shutil.get_terminal_size().columns
    if sys.stdout.isatty() and sum(widths) + 2 * (len(widths) - 1) > columns:
        return _folded(shown, columns)
    return "\n".join(
        "  ".join(
            cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in shown
    )


def _folded(rows: Sequence[Sequence[str]], width: int) -> str:
    """Takes rich a hundred times as long, so only where it has to be."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    for place in range(len(rows[0])):
        last = place == len(rows[0]) - 1
        grid.add_column(no_wrap=not last, overflow="fold")
    for row in rows:
        grid.add_row(*map(Text, row))
    output = io.StringIO()
    Console(file=output, width=width, color_system=None).print(grid)
    return "\n".join(line.rstrip() for line in output.getvalue().splitlines())
