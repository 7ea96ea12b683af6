"""Commands about people, pets and things: named, taught, told about, put right, hidden, forgotten, and undo."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assistant.cli.front_end import NoFaces, Yes, front_end, notify
from personalizer.errors import UsageError

if TYPE_CHECKING:
    from assistant.service.concepts import Changed
    from personalizer.concepts.undo import HistoryEntry
    from personalizer.schemas import ConceptKind

concepts_app = typer.Typer(rich_markup_mode=None)


@concepts_app.command()
def concepts(context: typer.Context) -> None:
    """The people, pets and things that were found, named or not."""
    from assistant.presentation.lines import concept_lines

    ui = front_end(context)
    ui.show(ui.familiar.concepts(), concept_lines)


@concepts_app.command()
def name(
    context: typer.Context,
    concept: Annotated[str, typer.Argument(metavar="ID", help="The number of a group, or the name it has.")],
    new_name: Annotated[str, typer.Argument(metavar="NAME")],
) -> None:
    """Name a person, pet or thing."""
    from assistant.presentation.lines import named_lines

    ui = front_end(context)
    ui.show(ui.familiar.name(concept, new_name), named_lines)


@concepts_app.command()
def rename(
    context: typer.Context,
    concept: Annotated[str, typer.Argument(metavar="NAME", help="The name it has, or its number.")],
    new_name: Annotated[str, typer.Argument(metavar="NEW")],
) -> None:
    """Give a person, pet or thing another name."""
    name(context, concept, new_name)


@concepts_app.command()
def merge(
    context: typer.Context,
    first: Annotated[str, typer.Argument(metavar="A", help="Stays; an id or a name.")],
    second: Annotated[str, typer.Argument(metavar="B", help="Joins A.")],
) -> None:
    """Say that two concepts are the same one."""
    from assistant.presentation.lines import concept_lines

    ui = front_end(context)
    ui.show(ui.familiar.merge(first, second), lambda concept: concept_lines([concept]))


@concepts_app.command()
def remember(
    context: typer.Context,
    concept: Annotated[str, typer.Argument(metavar="NAME")],
    text: Annotated[str, typer.Argument(metavar="TEXT", help="Such as: afraid of water")],
) -> None:
    """Keep something about a concept in your own words."""
    from assistant.presentation.lines import profile_lines

    ui = front_end(context)
    ui.show(ui.familiar.remember(concept, text), profile_lines)


@concepts_app.command()
def profile(
    context: typer.Context,
    concept: Annotated[str, typer.Argument(metavar="NAME")],
    remove: Annotated[
        str | None, typer.Option(metavar="N|WORDS", help="Take back number N, or what has these words.")
    ] = None,
    change: Annotated[
        tuple[str, str] | None,
        typer.Option(
            metavar="N|WORDS TEXT", help="Put TEXT in the place of number N, or of what has these words."
        ),
    ] = None,
) -> None:
    """What you told about a concept; to take back or change, by number or by words such as "about thunder"."""
    from assistant.presentation.lines import profile_lines

    ui = front_end(context)
    if remove is not None and change is not None:
        raise UsageError(
            tried=f"profile {concept}", found="both --remove and --change", fix="Give one of them."
        )
    if remove is not None:
        found = ui.familiar.take_back(concept, remove)
    elif change is not None:
        found = ui.familiar.change_fact(concept, *change)
    else:
        found = ui.familiar.profile(concept)
    ui.show(found, profile_lines)


@concepts_app.command()
def learn(
    context: typer.Context,
    concept: Annotated[str, typer.Argument(metavar="NAME")],
    photos: Annotated[
        list[Path] | None, typer.Argument(metavar="[PHOTO]...", help="Three to five are enough.")
    ] = None,
    thing: Annotated[
        bool, typer.Option("--thing", help="It is a pet or a thing, whatever faces are found.")
    ] = False,
    person: Annotated[bool, typer.Option("--person", help="It is a person, known by the face.")] = False,
    background: Annotated[
        bool, typer.Option("--background", help="Do not wait for the training: it is recognised at once.")
    ] = False,
    yes: Yes = False,
    no_faces: NoFaces = False,
) -> None:
    """Make a concept from these photos and train it. With --thing or --person alone, say what one that is there is."""
    from assistant.presentation.lines import concept_lines, learning_lines, trained_lines
    from assistant.setup.consent import settle_consent

    ui = front_end(context)
    if thing and person:
        raise UsageError(
            tried=f"learning {concept}", found="both --thing and --person", fix="Give one of them."
        )
    kind: ConceptKind | None = "object" if thing else "face" if person else None
    if kind is not None and not photos:
        ui.show(ui.familiar.change_kind(concept, kind), lambda changed: concept_lines([changed]))
        return
    settle_consent(ui.familiar.library, ui.asking(), yes=yes, no_faces=no_faces)
    if background:
        begun = ui.run(
            lambda on_progress: ui.familiar.begin_learning(concept, photos or [], on_progress, kind=kind)
        )
        ui.show(begun, learning_lines)
        return
    learned = ui.run(lambda on_progress: ui.familiar.learn(concept, photos or [], on_progress, kind=kind))
    ui.show(learned, trained_lines)


@concepts_app.command()
def train(context: typer.Context, concept: Annotated[str, typer.Argument(metavar="NAME")]) -> None:
    """Train a named concept, so that it can be described and drawn."""
    from assistant.presentation.lines import trained_lines

    ui = front_end(context)
    ui.show(ui.run(lambda on_progress: ui.familiar.train(concept, on_progress)), trained_lines)


@concepts_app.command()
def forget(
    context: typer.Context,
    concept: Annotated[str, typer.Argument(metavar="NAME", help="A name, or the number of an unnamed one.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for the name again; for scripts.")] = False,
    backups: Annotated[bool, typer.Option("--backups", help="Delete the backups that hold it, too.")] = False,
) -> None:
    """Forget a person, pet or thing for good: all that was learned and recorded. Photos stay."""
    from assistant.presentation.lines import forgotten_lines
    from assistant.presentation.replies import before_forgetting

    ui = front_end(context)
    found = ui.familiar.concept(concept)
    name = found.name or str(found.id)
    typed = name
    if not yes:
        notify(before_forgetting(name))
        typer.echo("> ", err=True, nl=False)
        typed = sys.stdin.readline()
    done = ui.run(lambda on_progress: ui.familiar.forget(concept, typed, on_progress, backups=backups))
    ui.show(done, forgotten_lines)


Name = Annotated[str, typer.Argument(metavar="NAME", help="A name, or the number of an unnamed one.")]
Photo = Annotated[str, typer.Argument(metavar="PHOTO", help="A path, a unique file name, or a number.")]


@concepts_app.command()
def split(
    context: typer.Context,
    concept: Name,
    photos: Annotated[list[str], typer.Argument(metavar="PHOTO...", help="Those that show another one.")],
) -> None:
    """Say that these photos show somebody or something else: they become a concept of their own."""
    ui = front_end(context)
    ui.show(ui.familiar.split(concept, photos), changed_lines)


@concepts_app.command()
def reject(context: typer.Context, concept: Name, photo: Photo) -> None:
    """Say that a photo does not show a concept; it is never suggested there again."""
    ui = front_end(context)
    ui.show(ui.familiar.reject(concept, photo), changed_lines)


@concepts_app.command()
def confirm(
    context: typer.Context,
    concept: Name,
    photo: Annotated[
        str | None, typer.Argument(metavar="PHOTO", help="A path, a unique file name, or a number.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All that is suggested.")] = False,
    face: Annotated[int | None, typer.Option(metavar="N", help="Which face, from the left.")] = None,
) -> None:
    """Say that a photo shows a concept."""
    if (photo is None) != every:
        raise UsageError(
            tried=f"confirming {concept}",
            found="both a photo and --all" if every else "neither a photo nor --all",
            fix="Give one of them.",
        )
    ui = front_end(context)
    ui.show(ui.familiar.confirm(concept, photo, face), changed_lines)


@concepts_app.command()
def hide(context: typer.Context, concept: Name) -> None:
    """Recognise, suggest and list a concept no more; nothing is deleted."""
    ui = front_end(context)
    ui.show(ui.familiar.hide(concept), changed_lines)


@concepts_app.command()
def unhide(context: typer.Context, concept: Name) -> None:
    """Undo `hide`, however long ago."""
    ui = front_end(context)
    ui.show(ui.familiar.hide(concept, hidden=False), changed_lines)


@concepts_app.command()
def feature(context: typer.Context, concept: Name, photo: Photo) -> None:
    """Choose the photo that stands for a concept."""
    ui = front_end(context)
    ui.show(ui.familiar.feature(concept, photo), changed_lines)


@concepts_app.command()
def together(
    context: typer.Context,
    photo: Photo,
    no: Annotated[bool, typer.Option("--no", help="Two faces in it are two people, as everywhere.")] = False,
) -> None:
    """Say that a photo (a mirror, a collage) may show one person more than once."""
    ui = front_end(context)
    ui.show(ui.familiar.show_twice(photo, not no), changed_lines)


@concepts_app.command()
def undo(
    context: typer.Context,
    operation: Annotated[
        int | None, typer.Argument(metavar="ID", help="Of `history`; else the last.")
    ] = None,
) -> None:
    """Take back what you did to concepts. Forgetting cannot be taken back."""
    ui = front_end(context)
    ui.show(ui.familiar.undo(operation), changed_lines)


@concepts_app.command()
def history(
    context: typer.Context,
    limit: Annotated[int, typer.Option(metavar="N", min=1)] = 20,
) -> None:
    """What you did to concepts, newest first."""
    ui = front_end(context)
    ui.show(ui.familiar.history(limit), history_lines)


@concepts_app.command()
def recluster(
    context: typer.Context,
    apply: Annotated[bool, typer.Option("--apply", help="Do it; without, nothing is changed.")] = False,
) -> None:
    """Group everything that nobody named anew: a preview of what changes, or the change with --apply."""
    ui = front_end(context)
    found = ui.run(lambda on_progress: ui.familiar.recluster(apply=apply, on_progress=on_progress))
    ui.show(found, recluster_lines)


def changed_lines(changed: Changed) -> str:
    """What was done, and the concepts as they are now."""
    from assistant.presentation.lines import concept_lines

    return "\n".join([changed.says, *([concept_lines(changed.concepts)] if changed.concepts else [])])


def history_lines(entries: Sequence[HistoryEntry]) -> str:
    """One line for each operation."""
    from assistant.presentation.table import table

    if not entries:
        return "Nothing was done to concepts yet."
    rows = [("id", "when", "what", "about", "")]
    rows += [
        (
            str(one.id),
            one.at[:16].replace("T", " "),
            one.kind,
            ", ".join(one.about) or "–",
            "undone" if one.undone else "" if one.can_be_undone else "cannot be undone",
        )
        for one in entries
    ]
    return table(rows)


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
