"""How `familiar --help` is arranged: panels in the order in which a person needs them, an example for each command."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Panel:
    """Commands that belong together, each with an example of its use; the first example is the panel's."""

    title: str
    examples: dict[str, str]


PANELS = (
    Panel(
        "Start",
        {
            "add": "familiar add ~/Pictures",
            "demo": "familiar demo",
            "status": "familiar status",
            "watch": "familiar watch",
            "service": "familiar service install",
            "doctor": "familiar doctor",
        },
    ),
    Panel(
        "People and things",
        {
            "name": "familiar name 4 Amy",
            "concepts": "familiar concepts",
            "report": "familiar report",
            "rename": "familiar rename Bo Max",
            "train": "familiar train Bo",
            "learn": "familiar learn Mika a.jpg b.jpg c.jpg",
            "remember": 'familiar remember Bo "afraid of water"',
            "profile": "familiar profile Bo",
            "forget": "familiar forget Mika",
            "faces": "familiar faces off --erase",
        },
    ),
    Panel(
        "Ask and draw",
        {
            "describe": 'familiar describe holiday.jpg --ask "is this Bo?"',
            "find": 'familiar find "Bo on a beach last summer"',
            "imagine": 'familiar imagine "Bo on a beach"',
            "chat": "familiar chat",
            "mcp": "familiar mcp",
            "chats": "familiar chats",
            "route": 'familiar route "draw Bo on a beach"',
        },
    ),
    Panel(
        "Corrections",
        {
            "suggestions": "familiar suggestions Bo",
            "confirm": "familiar confirm Bo holiday.jpg",
            "reject": "familiar reject Bo other-dog.jpg",
            "split": "familiar split Bo other-dog.jpg",
            "merge": "familiar merge Bo 7",
            "hide": "familiar hide 9",
            "unhide": "familiar unhide 9",
            "feature": "familiar feature Bo best.jpg",
            "together": "familiar together mirror.jpg",
            "undo": "familiar undo",
            "history": "familiar history",
            "recluster": "familiar recluster",
        },
    ),
    Panel(
        "Upkeep",
        {
            "scan": "familiar scan",
            "exclude": 'familiar exclude Screenshots "*.gif"',
            "jobs": "familiar jobs",
            "pause": "familiar pause",
            "resume": "familiar resume",
            "training": "familiar training off",
            "backup": "familiar backup ~/Backups",
            "backups": "familiar backups",
            "restore": "familiar restore ~/Backups/familiar.familiar-backup",
            "rebuild-index": "familiar rebuild-index",
        },
    ),
    Panel(
        "Measure",
        {
            "evaluate": "familiar evaluate recognition --subjects DIR --negatives DIR",
            "bench": "familiar bench train",
        },
    ),
)


def arrange_help(group: Any) -> None:
    """Put the commands of `group`, the click group of all of them, into panels in this order, with their examples."""
    ordered = {}
    for panel in PANELS:
        example = next(iter(panel.examples.values()))
        for name, usage in panel.examples.items():
            command = ordered[name] = group.commands[name]
            command.rich_help_panel = f"{panel.title}: {example}"
            command.epilog = f"Example: {usage}"
    missing = group.commands.keys() - ordered.keys()
    if missing:
        raise RuntimeError(f"commands without a panel: {', '.join(sorted(missing))}")
    group.commands = ordered
    _use_rich(group)


def _use_rich(command: Any) -> None:
    """Show the help of a command and of all below it in panels; no text of ours holds markup."""
    from rich.markup import escape

    command.rich_markup_mode = "rich"
    for name in ("help", "short_help", "epilog"):
        if getattr(command, name, None):
            setattr(command, name, escape(getattr(command, name)))
    for parameter in command.params:
        if getattr(parameter, "help", None):
            parameter.help = escape(parameter.help)
    for child in getattr(command, "commands", {}).values():
        _use_rich(child)
