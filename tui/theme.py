"""The colours: dusk for the evening, day for bright rooms. Knows no widget."""

from __future__ import annotations

from textual.theme import Theme

DUSK = Theme(
    name="dusk",
    dark=True,
    background="#15131f",
    surface="#1c1929",
    panel="#272338",
    foreground="#ece7f5",
    primary="#f0a868",
    secondary="#7fcfb8",
    accent="#e9799a",
    success="#8fce8b",
    warning="#f3c969",
    error="#ef6f6c",
    variables={
        "muted": "#9b93b0",
        "line": "#443d5e",
        "input-cursor-background": "#f0a868",
        "input-cursor-foreground": "#15131f",
        "input-selection-background": "#f0a868 30%",
        "scrollbar": "#3a3453",
        "scrollbar-hover": "#f0a868 60%",
        "scrollbar-active": "#f0a868",
        "scrollbar-background": "#15131f",
        "scrollbar-background-hover": "#15131f",
        "scrollbar-background-active": "#15131f",
    },
)
DAY = Theme(
    name="day",
    dark=False,
    background="#fbf7f0",
    surface="#f3ece1",
    panel="#e8dfd1",
    foreground="#2c2536",
    primary="#b8622a",
    secondary="#2d7d6b",
    accent="#b23a63",
    success="#3e7d3a",
    warning="#94690c",
    error="#b3322f",
    variables={"muted": "#7a7085", "line": "#cdbfae"},
)
THEMES = (DUSK, DAY)
