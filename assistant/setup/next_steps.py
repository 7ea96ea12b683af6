"""What a person can do next in a home, by what is in it and what is not. Knows the status; looks at nothing itself."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from assistant.presentation.suggestion_lines import kinds_text
from assistant.results import NextStep, Status
from personalizer.errors import counted
from personalizer.schemas import ConceptSummary

MOST_STEPS = 4


def next_steps(status: Status, concepts: Sequence[ConceptSummary], roots: int) -> list[NextStep]:
    """The most useful first; there always is one. `roots` is the number of registered folders."""
    return list(_steps(status, concepts, roots))[:MOST_STEPS]


def _steps(status: Status, concepts: Sequence[ConceptSummary], roots: int) -> Iterator[NextStep]:
    if failed := status.jobs.get("failed", 0):
        yield NextStep(f"{counted(failed, 'job')} failed", "familiar jobs")
    if not roots and not concepts:
        yield NextStep("Show Familiar a folder of photos", "familiar add ~/Pictures")
        yield NextStep("Or watch the whole job on photos that ship", "familiar demo")
        return
    if status.worker.paused:
        yield NextStep("All work is paused", "familiar resume")
    if status.frozen:
        yield NextStep(f"{counted(len(status.frozen), 'folder')} cannot be reached", "familiar status")
    if status.failures:
        yield NextStep(f"{counted(status.failures, 'file')} could not be read", "familiar jobs")
    if not status.photos:
        yield NextStep("The folders hold no photo yet; look again", "familiar scan")
    yield from _about_concepts(concepts)
    if not status.watching:
        yield NextStep("Keep the library up to date, and train when idle", "familiar service install")


def _about_concepts(concepts: Sequence[ConceptSummary]) -> Iterator[NextStep]:
    """Naming, answering, training and using them."""
    unnamed = [concept for concept in concepts if concept.name is None]
    waiting = [concept for concept in concepts if concept.name and concept.suggested]
    untrained = [concept for concept in concepts if concept.name and concept.state in ("named", "stale")]
    ready = [concept for concept in concepts if concept.name and concept.state == "ready"]
    if unnamed:
        people = sum(concept.kind == "face" for concept in unnamed)
        things = len(unnamed) - people
        yield NextStep(f"Look at {kinds_text(people, things)} without a name", "familiar report")
        yield NextStep(f"Name number {unnamed[0].id}", f"familiar name {unnamed[0].id} NAME")
    if waiting:
        photos = counted(sum(concept.suggested for concept in waiting), "photo")
        yield NextStep(f"{photos} may show somebody you named", "familiar suggestions")
    if untrained:
        name = str(untrained[0].name)
        yield NextStep(f"Train {name}, for the model's own drawings", f"familiar train {shlex.quote(name)}")
    if ready or untrained:
        name = str((ready or untrained)[0].name)
        yield NextStep(f"A picture with {name}", f"familiar imagine {shlex.quote(f'{name} on a beach')}")
        yield NextStep("Talk about your photos", "familiar chat")
