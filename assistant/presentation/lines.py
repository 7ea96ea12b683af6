"""Turns results and errors into JSON or into lines for a person. Computes nothing and writes to no file."""

from __future__ import annotations

import dataclasses
import json
import math
import shlex
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from assistant.presentation.not_read import not_read_lines
from assistant.presentation.printable import STATE_WORDS, printable, short_path
from assistant.presentation.suggestion_lines import waiting_line
from assistant.presentation.table import table
from assistant.results import (
    Check,
    Forgotten,
    Imagined,
    Learning,
    NextStep,
    Profile,
    Status,
    Trained,
    UnreadPhoto,
)
from personalizer.errors import FamiliarError, counted
from personalizer.schemas import ConceptSummary, Job, ScanReport

_PHOTOS_SHOWN = 20


def to_json(result: Any) -> str:
    """One JSON document; dataclasses become objects, paths and times strings.

    In ASCII: whatever is in a name, any terminal can show it, and names that are not UTF-8 survive.
    """
    return json.dumps(_plain(result), indent=2)


def as_data(result: Any) -> Any:
    """What `to_json` says, as values."""
    return _plain(result)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return None  # JSON has no NaN
    if hasattr(value, "item") and not isinstance(value, str):  # a numpy scalar
        return value.item()
    return value


def error_document(error: FamiliarError) -> dict[str, dict[str, str]]:
    return {"error": {"tried": error.tried, "found": error.found, "fix": error.fix}}


def error_lines(error: FamiliarError) -> str:
    return printable(f"Failed: {error.tried}\n  found: {error.found}\n  to do: {error.fix}")


def scan_lines(report: ScanReport) -> str:
    counts = [
        f"{number} {name}"
        for name, number in (
            ("new", report.new),
            ("changed", report.changed),
            ("moved", report.moved),
            ("missing", report.missing),
            ("excluded", report.excluded),
        )
        if number
    ]
    lines = [
        f"{counted(report.seen, 'file')} seen: {', '.join(counts) or 'nothing new'}"
        f" ({report.elapsed_s:.1f} s, {report.photos_per_s:.1f} photos/s)"
    ]
    if report.failed:
        lines.append(f"{counted(len(report.failed), 'file')} could not be read:")
        lines += [f"  {short_path(failure['path'])}: {failure['reason']}" for failure in report.failed]
    if report.waiting:
        lines.append(
            f"{counted(report.waiting, 'file is', 'files are')} still being written; the next scan takes what is left."
        )
    lines += not_read_lines(report.unread_kinds, report.links)
    return "\n".join([*lines, *unlisted_lines(report.unlisted), *frozen_lines(report.frozen)])


def next_step_lines(steps: Sequence[NextStep]) -> str:
    """A line for each, with its command."""
    width = max(len(step.why) for step in steps)
    lines = [f"  {step.why.ljust(width)}  {step.command}" for step in steps]
    return "\n".join(["Next:", *lines, "", "All commands: familiar --help"])


def unlisted_lines(unlisted: Sequence[Mapping[str, str]]) -> list[str]:
    """Folders about whose photos nothing is known now."""
    if not unlisted:
        return []
    return [
        f"{counted(len(unlisted), 'folder')} could not be read; the photos in there stay as they are:",
        *(f"  {short_path(folder['path'])}: {folder['reason']}" for folder in unlisted),
    ]


def exclusion_lines(left_out: Mapping[str, int], *, changed: bool = False) -> str:
    """The patterns of what is left out, and how many known photos each of them leaves out."""
    if not left_out:
        return "Nothing is left out." + (" The next scan takes in what was: familiar scan" if changed else "")
    lines = ["Left out, besides hidden files and what other programs keep for themselves:"]
    lines += [
        f"  {pattern}  ({counted(count, 'photo')})"
        if count
        else f"  {pattern}  (0 photos: warning, no photo that I know; check its spelling if it should leave some out)"
        for pattern, count in left_out.items()
    ]
    if changed:
        lines.append("The next scan goes by that: familiar scan. Photos that are left out keep their names.")
    return "\n".join(lines)


def frozen_lines(frozen: Sequence[Mapping[str, str]]) -> list[str]:
    """Folders of which nothing is concluded, and what to do."""
    if not frozen:
        return []
    return [
        *(f"Frozen: {short_path(folder['path'])}: {folder['reason']}" for folder in frozen),
        "  Nothing was changed for these photos. Bring the folder back (is its disk connected?), or, if they were",
        "  deleted, say so: familiar scan --accept-missing [FOLDER]",
    ]


def concept_lines(concepts: Sequence[ConceptSummary]) -> str:
    if not concepts:
        return "No concepts yet. `familiar add FOLDER` finds some; `familiar learn NAME PHOTO…` makes one."
    rows = [("id", "name", "kind", "photos", "to confirm", "state", "one of them")]
    rows += [
        (
            str(c.id),
            c.name or "–",
            "person" if c.kind == "face" else "thing",
            str(c.members),
            str(c.suggested or ""),
            STATE_WORDS[c.state],
            "–" if c.example is None else short_path(c.example),
        )
        for c in concepts
    ]
    return table(rows)


def named_lines(concept: ConceptSummary) -> str:
    """What a name is good for now, and what it could be good for."""
    name = concept.name or str(concept.id)
    lines = [
        f"{name} (number {concept.id}, {counted(concept.members, 'photo')}) is recognised by that name now."
    ]
    if waiting := waiting_line(concept):
        lines.append(waiting)
    lines.append(f"For a picture: familiar imagine {shlex.quote(f'{name} on a beach')}")
    return "\n".join(lines)


def profile_lines(profile: Profile) -> str:
    """What was told, numbered as `--remove` counts."""
    lines = []
    if profile.removed is not None:
        changed = profile.added is not None
        lines.append(
            f"Changed: {profile.removed} → {profile.added}" if changed else f"Taken back: {profile.removed}"
        )
    if not profile.facts:
        return "\n".join([*lines, f"You have told me nothing about {profile.concept}."])
    lines.append(f"You told me about {profile.concept}:")
    return "\n".join([*lines, *(f"{number:3}  {fact}" for number, fact in enumerate(profile.facts, start=1))])


def imagined_lines(imagined: Imagined) -> str:
    lines = [short_path(path) for path in imagined.paths]
    if imagined.painter == "montage":
        lines.append(f"{montage_sentence(imagined)} (seed {imagined.seed})")
    else:
        about = " and ".join(imagined.concepts)
        using = f", using what was learned about {about}" if about else ""
        lines.append(f"Drawn by the model{using} (seed {imagined.seed})")
    lines += known_line(imagined)
    return "\n".join([*lines, *imagined.notes])


def known_line(imagined: Imagined) -> list[str]:
    """The request with what is known of whom it names, where that says more than was typed."""
    return [f"What I know of it: {imagined.prompt}"] if imagined.prompt != imagined.text else []


def montage_sentence(imagined: Imagined) -> str:
    """`A montage: Bo cut out of IMG_12.jpg, set into a rendered beach.`"""
    photos: dict[tuple[str, bool], dict[str, None]] = {}
    for source in imagined.sources:
        if source.concept is not None:
            photos.setdefault((source.concept, source.framed), {})[source.photo.name] = None
    cut = " and ".join(
        f"{name} {'in a frame, as in' if framed else 'cut out of'} {' and '.join(names)}"
        for (name, framed), names in photos.items()
    )
    what = "A montage" if len(imagined.paths) == 1 else f"{len(imagined.paths)} montages"
    return f"{what}: {cut}, set into {imagined.scene.replace('; ', ' and ')}."


def trained_lines(trained: Trained) -> str:
    quality = trained.recognition_augmented
    beach = shlex.quote(f"{trained.concept} on a beach")
    return (
        f"{trained.concept} is learned. Try: familiar imagine {beach} --painter backbone\n"
        f"  {counted(trained.steps, 'step')} in {trained.elapsed_s:.0f} s, {trained.trained_values:,} values "
        f"({trained.bytes / 1024:.0f} KiB), peak memory {trained.peak_rss_mib:.0f} MiB"
        + (f", recognition on augmented views {quality:.2f}" if quality is not None else "")
        + "".join(
            f"\n  not used: {short_path(one['path'])}: {one['reason']}"
            for one in trained.details.get("skipped", [])
        )
        + "".join(
            f"\n  not taught: number {one['number']} of what you told me: {one['reason']}"
            for one in trained.details.get("untaught", [])
        )
        + "".join(f"\n  note: {note}" for note in trained.details.get("notes", []))
    )


def learning_lines(begun: Learning) -> str:
    return (
        f"{begun.concept} is known from {counted(begun.photos, 'photo')} now, and recognised. "
        f"It can be drawn once job {begun.training_job} has trained it: familiar status"
        + "".join(f"\n  not used: {short_path(one['path'])}: {one['reason']}" for one in begun.skipped)
    )


def forgotten_lines(forgotten: Forgotten) -> str:
    """Without the name, which should not appear once more."""
    counts = ", ".join(
        f"{number} {kind.replace('_', ' ').removesuffix('s' if number == 1 else '')}"
        for kind, number in forgotten.removed.items()
    )
    lines = [f"Forgotten. Removed: {counts or 'what was left'}. No photo was touched."]
    if forgotten.kept.get("shared_photos"):
        lines.append(
            f"{counted(forgotten.kept['shared_photos'], 'photo stays', 'photos stay')}: another concept has them too."
        )
    if forgotten.kept.get("paths_with_its_name"):
        lines.append(
            f"{counted(forgotten.kept['paths_with_its_name'], 'path')} of your own folders and photos "
            "with the name in it stay known."
        )
    return "\n".join([*lines, *_backups_left_lines(forgotten)])


def _backups_left_lines(forgotten: Forgotten) -> list[str]:
    """Backups that hold what was forgotten, and what became of them."""
    there = [backup for backup in forgotten.backups if backup.state == "there"]
    deleted = [backup for backup in forgotten.backups if backup.state == "deleted"]
    others = [backup for backup in forgotten.backups if backup.state not in ("there", "deleted")]
    lines = [f"Deleted the backup that held it: {short_path(backup.path)}" for backup in deleted]
    if there:
        lines += [
            "Backups that were made before still hold it:",
            *(f"  {short_path(backup.path)}" for backup in there),
        ]
        lines += [
            "  To delete them: familiar backups --prune. Restoring one leaves out what was forgotten here."
        ]
    if others:
        lines += ["Backups that hold it and are out of reach; delete them yourself:"]
        lines += [f"  {short_path(backup.path)}: {backup.state}" for backup in others]
    return lines


def status_lines(status: Status) -> str:
    worker = status.worker
    state = f"running (pid {worker.pid})" if worker.running else "not running"
    watching = ", watching the folders" if status.watching else ""
    jobs = ", ".join(f"{number} {name}" for name, number in status.jobs.items() if number) or "none"
    quarantined = f", {status.quarantined} left alone" if status.quarantined else ""
    faces = "" if status.faces_on else ", looked for no longer"
    lines = [
        f"home      {short_path(status.home)}",
        f"photos    {status.photos:,} ({counted(status.detections, 'detection')}, "
        f"{counted(status.faces, 'face')}{faces}, {status.failures} unreadable{quarantined})"
        + (f", {status.duplicates} of them copies or of a burst" if status.duplicates else ""),
        f"concepts  {status.concepts} ({status.named} named, {status.ready} trained)",
        f"backbone  {short_path(status.backbone)}",
        f"worker    {state}{watching}{', paused' if worker.paused else ''}",
        f"training  {training_line(status.training)}",
        f"jobs      {jobs}",
    ]
    waiting = {kind: number for kind, number in status.queue.items() if number > 1}
    if waiting:
        lines.append("queue     " + ", ".join(f"{number} {kind}" for kind, number in waiting.items()))
    if status.excluded:
        lines.append("excluded  " + ", ".join(status.excluded))
    if status.outdated:
        lines.append(
            f"outdated  {counted(status.outdated, 'photo')} that newer models failed with (`familiar jobs` says why)"
        )
    if status.waiting:
        lines.append(f"waiting   {counted(status.waiting, 'file')} still being written")
    lines += [
        f"polled    {short_path(folder['path'])}, every {folder['every_s']:.0f} s: {folder['reason']}"
        for folder in status.polled
    ]
    lines += [f"notice    {notice} Read? `familiar faces` shows it once more." for notice in status.notices]
    lines += not_read_lines(status.unread_kinds, status.links)
    lines += [*unlisted_lines(status.unlisted), *frozen_lines(status.frozen)]
    return "\n".join([*lines, *(f"  {job_line(job)}" for job in status.running)])


def training_line(training: Mapping[str, Any]) -> str:
    """`waiting: on battery (2 concepts)`."""
    if not training:
        return "–"
    due, given_up = training.get("due", 0), training.get("given_up", 0)
    reason = f": {training['reason']}" if training.get("reason") else ""
    count = (
        f" ({counted(due, 'person or thing', 'people and things')} to train: familiar train NAME)"
        if due
        else ""
    )
    failed = f"; {given_up} gave up after failures (`familiar train NAME` tries again)" if given_up else ""
    return f"{training['state']}{reason}{count}{failed}"


def job_line(job: Job | UnreadPhoto) -> str:
    progress = f" {job.done}/{job.total}" if job.total else ""
    detail = f" – {job.error}" if job.error else f" – {job.message}" if job.message else ""
    state = "quarantined" if job.quarantined else job.state
    return f"{job.id}  {job.kind} {short_path(job.subject)}  {state}{progress}{detail}{_pace(job)}"


def _pace(job: Job | UnreadPhoto) -> str:
    """` (3.2/s, 4 min left)`, where it is known."""
    if isinstance(job, UnreadPhoto) or job.rate_per_s is None:
        return ""
    left = "" if job.left_s is None else f", {duration(job.left_s / 60)} left"
    return f" ({job.rate_per_s:.1f}/s{left})"


def job_lines(jobs: Iterable[Job | UnreadPhoto]) -> str:
    jobs = list(jobs)
    photos = [job for job in jobs if isinstance(job, UnreadPhoto)]
    lines = [job_line(photo) for photo in photos[:_PHOTOS_SHOWN]]
    if len(photos) > _PHOTOS_SHOWN:
        lines.append(f"and {counted(len(photos) - _PHOTOS_SHOWN, 'photo')} more (--json lists them)")
    if photos:
        lines.append(
            "`familiar jobs retry ID` tries a photo again, `familiar jobs retry photos` all of them."
        )
    return "\n".join([*lines, *(job_line(job) for job in jobs if isinstance(job, Job))]) or "No jobs."


def duration(minutes: float) -> str:
    """`40 s`, `12 min`, `3 h 10 min`, `2 days 5 h`."""
    seconds = round(minutes * 60)
    if seconds < 90:
        return f"{max(seconds, 1)} s"
    whole = round(minutes)
    if whole < 90:
        return f"{whole} min"
    hours, rest = divmod(whole, 60)
    if hours < 48:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{counted(days, 'day')} {hours} h"


def check_lines(checks: Sequence[Check]) -> str:
    lines = []
    for check in checks:
        mark = "ok  " if check.ok else "FAIL" if check.required else "note"
        lines.append(f"{mark}  {check.name}: {check.detail}")
        if not check.ok and check.fix:
            lines.append(f"      to do: {check.fix}")
    return "\n".join(lines)
