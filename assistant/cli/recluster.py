"""`familiar recluster`: shows what grouping everything anew would change, and does it when told to."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from assistant.cli.front_end import front_end

recluster_app = typer.Typer(rich_markup_mode=None)


@recluster_app.command()
def recluster(
    context: typer.Context,
    apply: Annotated[bool, typer.Option("--apply", help="Do it; without, nothing is changed.")] = False,
) -> None:
    """Group everything that nobody named anew: a preview of what changes, or the change with --apply."""
    ui = front_end(context)
    found = ui.run(lambda on_progress: ui.familiar.recluster(apply=apply, on_progress=on_progress))
    ui.show(found, recluster_lines)


def recluster_lines(found: dict[str, Any]) -> str:
    """What changes, group by group."""
    done = found["applied"]
    lines = [_group_line(one) for key in ("appear", "vanish", "change") for one in found[key]]
    if lines:
        lines.insert(0, "Done:" if done else "Would change:")
    else:
        lines = ["Nothing changed." if done else "Nothing would change."]
    lines.append(
        f"{found['unchanged']} groups as they are, {found['moved']} faces and photos "
        f"{'moved' if done else 'would move'}."
    )
    kept = ", ".join(found["names_kept"])
    lines.append(
        f"Named or decided by you, and left alone: {found['decided_kept']}{f' ({kept})' if kept else ''}."
    )
    for one in found["contradictions"]:
        said = "one" if one["kind"] == "must" else "two"
        lines.append(
            f"You once said that detections {one['first_id']} and {one['second_id']} are {said}; "
            "what you said later overrules that."
        )
    if not done and (found["appear"] or found["vanish"] or found["change"]):
        lines.append("To do it: familiar recluster --apply")
    return "\n".join(lines)


def _group_line(one: dict[str, Any]) -> str:
    what = "people" if one["kind"] == "face" else "things"
    if one["id"] is None:
        return f"  a new group of {one['after']} ({what})"
    if not one["after"]:
        return f"  group {one['id']} of {one['before']} ({what}) ends"
    return (
        f"  group {one['id']} ({what}): {one['before']} → {one['after']}, "
        f"{one['joined']} join, {one['left']} leave"
    )
