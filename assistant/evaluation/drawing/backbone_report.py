"""`familiar evaluate backbone`: which pictures, which measures, and the version before next to it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from assistant.answers.backbone_service import draw
from assistant.evaluation.data.corpora import Picture, Record, read_corpus, with_article
from assistant.evaluation.data.options import (
    BackboneOptions,
    EvaluationRun,
)
from assistant.evaluation.data.protocol import read_subjects, rounded
from assistant.evaluation.drawing.backbone import (
    BackboneMeasure,
    Share,
    questions_about,
    read_measured,
    subject_pairs,
)
from assistant.evaluation.drawing.probe import LinearProbe, color_features, recognized_features
from assistant.service.familiar import Familiar
from personalizer.analysis.embed import ObjectEmbedder
from personalizer.backbones.registry import backbone_directory
from personalizer.home import Home
from personalizer.schemas import OnProgress, Progress

if TYPE_CHECKING:
    from PIL import Image

COLORS = frozenset(
    (
        *("white", "orange", "yellow", "brown", "grey", "red", "black", "green"),
        *("beige", "blue", "purple", "pink", "teal", "golden", "silver"),
    )
)
_LIGHT = re.compile(r" (under a lamp|in the evening light|on a cloudy day)$")
_PLACE = re.compile(r"^.*\b((?:on|in) (?:a|an|the) \w+(?: \w+)*)$")
PROBE_PICTURES_PER_NAME, PROBE_MINIMUM = 24, 8
DRAWINGS_PER_PROMPT = 4
PROTOCOL = 2
"""Of the measures: where one changes its meaning, numbers of before say nothing beside those of after."""
CODEBOOK_PICTURES = 2000
"""Rare codes need many pictures to be seen."""


def evaluate_backbone(options: BackboneOptions, run: EvaluationRun) -> dict[str, Any]:
    """All measures as JSON values, each on at most `count` pictures, pairs or drawings.

    `images` is a training corpus, of which only the held-out pictures are measured on (the rest trains the
    probe that judges drawings); without it, the rendered sample library, and nothing is said about photos.
    `subjects` holds one folder of real photos per identity, for the pairs of photos of one thing.
    """
    pictures = list(read_corpus(options.images)) if options.images else sample_library()
    held_out = [picture for picture in pictures if picture.record.held_out]
    photos = [picture for picture in held_out if picture.record.kind == "photo"]
    renders = [picture for picture in held_out if picture.record.kind == "render"]
    familiar = Familiar(run.home, run.backbone, run.device)
    try:
        session = familiar.session(run.on_progress)
    finally:
        familiar.close()
    measure = BackboneMeasure(session, seed=options.seed, on_progress=run.on_progress)
    some_photos, some_renders = measure.some(photos, options.count), measure.some(renders, options.count)
    pairs = {
        "renders": subject_pairs(renders, options.count // 2, options.seed),
        "photos": subject_pairs(subject_pictures(options.subjects), options.count // 2, options.seed)
        if options.subjects
        else [],
    }
    report = _measures(
        measure, held_out, _Chosen(some_photos, some_renders, renders, pairs), options.count, options.seed
    )
    labels = labels_of(pictures, "photo")
    named = [picture for picture in some_photos if picture.record.label]
    report["caption_top1"] = _share(measure.captions(named, labels) if labels else None)
    report["text_to_image"] = text_to_image(
        measure, pictures, run.home, options.count, options.seed, run.on_progress
    )
    settings = {
        "protocol": PROTOCOL,
        "images": "corpus" if options.images else "sample library",
        "photos": len(some_photos),
        "renders": len(some_renders),
        "codebook_pictures": min(len(held_out), CODEBOOK_PICTURES),
        "count": options.count,
        "seed": options.seed,
        "backbone": run.backbone,
    }
    measured = read_measured(backbone_directory(run.backbone))
    return {
        **report,
        "version": session.spec.version,
        "previous": version_before(measured, session.spec.version, settings),
        "settings": settings,
    }


@dataclass(frozen=True, slots=True, eq=False)
class _Chosen:
    """Held-out pictures of which some are measured on."""

    photos: list[Picture]
    renders: list[Picture]
    all_renders: list[Picture]
    pairs: dict[str, Any]


def _measures(
    measure: BackboneMeasure, held_out: list[Picture], chosen: _Chosen, count: int, seed: int
) -> dict[str, Any]:
    """What needs no drawing."""
    of_photos, of_renders = _codes(measure, chosen.photos), _codes(measure, chosen.renders)
    captioned = [p for p in (*chosen.photos, *chosen.renders) if p.record.caption]
    used = np.unique(_codes(measure, measure.some(held_out, CODEBOOK_PICTURES))[1])
    questions = some_questions(chosen.all_renders, count, seed)
    return {
        "psnr": {
            "photos": rounded(measure.psnr_db(*of_photos)),
            "renders": rounded(measure.psnr_db(*of_renders)),
        },
        "codes_used": rounded(len(used) / measure.session.spec.codebook_size),
        "attribute_questions": _share(measure.questions(questions)),
        "same_subject": {name: _share(measure.same_subject(found)) for name, found in chosen.pairs.items()},
        "same_subject_from_pieces": {
            name: _share(measure.same_subject(found, from_pieces=True))
            for name, found in chosen.pairs.items()
        },
        "bits_per_token": measure.bits_per_token(captioned[:count]),
    }


def version_before(measured: dict[str, Any], version: str, settings: dict[str, Any]) -> dict[str, Any] | None:
    """What was measured in the same way, on as many pictures, of the version before `version`; `None` without any."""
    before = measured.get("previous") if measured.get("version") == version else measured
    if not before:
        return None
    deciding = ("protocol", "images", "photos", "renders", "count", "seed")
    then = before.get("settings", {})
    alike = all(then.get(name) == settings[name] for name in deciding)
    # Of that version, not of all that were before it.
    return before | {"previous": None} if alike else None


def labels_of(pictures: Sequence[Picture], kind: str) -> list[str]:
    """The names of all classes among pictures of one kind."""
    return sorted({str(p.record.label) for p in pictures if p.record.kind == kind and p.record.label})


def some_questions(pictures: Sequence[Picture], count: int, seed: int) -> list[tuple[Picture, str, bool]]:
    """At most `count` of the questions about them, always the same ones."""
    asked = questions_about(pictures, seed)
    order = np.random.default_rng(seed).permutation(len(asked))[:count].tolist()
    return [asked[index] for index in order]


def sample_library() -> list[Picture]:
    """The sample library as held-out renders: no backbone was trained on its subjects."""
    from assistant.demo.run import NO_CLASS, read_samples

    found = []
    for sample in read_samples():
        label = None if sample.class_name == NO_CLASS else sample.class_name
        record = Record("sample library", "render", label, sample.caption, sample.subject, True)
        found.append(Picture(record, sample.path.read_bytes()))
    return found


def subject_pictures(folder: Path) -> list[Picture]:
    """Real photos of known identities, one folder each; the folder's last word is the class."""
    found, _ = read_subjects(folder, 1)
    return [
        Picture(Record("subjects", "photo", subject.class_name, None, subject.name, True), photo.read_bytes())
        for subject in found
        for photo in subject.photos
    ]


def text_to_image(
    measure: BackboneMeasure,
    pictures: Sequence[Picture],
    home: Home,
    count: int,
    seed: int,
    on_progress: OnProgress | None,
) -> dict[str, Any]:
    """Does a drawing show what was asked for, as a probe trained on real pictures sees it?

    `accuracy` is of drawings, `ceiling` of real held-out pictures, `reconstructed` of what the image tokens keep of
    these, `chance` of guessing.
    """
    session = measure.session
    embedder = ObjectEmbedder(threads=2)
    report: dict[str, Any] = {"photos": None, "renders": None}
    for name, kind, attribute in (
        ("photos", "photo", "class"),
        ("renders", "render", "class"),
        ("renders_colour", "render", "colour"),
        ("renders_place", "render", "place"),
    ):
        known = [(p, found) for p in pictures if p.record.kind == kind and (found := _named(p, attribute))]
        training = _balanced_choice([pair for pair in known if not pair[0].record.held_out], seed)
        names = {found for _, found in training}
        tested = [pair for pair in known if pair[0].record.held_out and pair[1] in names]
        if len(names) < 2 or not tested:
            continue
        if on_progress is not None:
            on_progress(Progress(0, count, f"drawing {name}"))
        features = color_features if attribute == "colour" else recognized_features(embedder)
        probe = LinearProbe(features, session.spec.image_size_px)
        probe.fit([picture for picture, _ in training], [found for _, found in training])
        order = np.random.default_rng(seed).permutation(len(tested)).tolist()
        real = [tested[index] for index in order[:count]]
        prompts = [_prompt(picture, found, kind) for picture, found in real[: count // DRAWINGS_PER_PROMPT]]
        drawn: list[Image.Image] = []
        wanted: list[str] = []
        for number, (prompt, (_, found)) in enumerate(zip(prompts, real, strict=False)):
            if on_progress is not None:
                on_progress(Progress(number, len(prompts), f"drawing {name}"))
            drawn += draw(session, prompt, DRAWINGS_PER_PROMPT, seed).images
            wanted += [found] * DRAWINGS_PER_PROMPT
        share = Share(probe.accuracy(drawn, wanted), 1 / len(names), len(drawn))
        shown, shown_names = [picture.image() for picture, _ in real], [found for _, found in real]
        kept = measure.reconstructed(measure.codes(shown))
        report[name] = {
            **share.as_json(),
            "ceiling": rounded(probe.accuracy(shown, shown_names)),
            "reconstructed": rounded(probe.accuracy(kept, shown_names)),
            "names": len(names),
        }
    return report


def color_of(caption: str) -> str | None:
    """The first colour in a caption, which is the subject's."""
    return next((word for word in re.findall(r"[a-z]+", caption.lower()) if word in COLORS), None)


def place_of(caption: str) -> str | None:
    """Where a caption's subject is: `on a beach`. The light, which is named last, is left out."""
    found = _PLACE.search(_LIGHT.sub("", caption.lower().rstrip(".")))
    return found.group(1) if found else None


def _named(picture: Picture, attribute: str) -> str | None:
    record = picture.record
    if attribute == "class":
        return record.label
    return (color_of if attribute == "colour" else place_of)(record.caption or "")


def _prompt(picture: Picture, name: str, kind: str) -> str:
    return picture.record.caption or "" if kind == "render" else f"a {kind} of {with_article(name)}"


def _balanced_choice(known: Sequence[tuple[Picture, str]], seed: int) -> list[tuple[Picture, str]]:
    by_name: dict[str, list[tuple[Picture, str]]] = {}
    for index in np.random.default_rng(seed).permutation(len(known)).tolist():
        by_name.setdefault(known[index][1], []).append(known[index])
    return [
        pair
        for pairs in by_name.values()
        if len(pairs) >= PROBE_MINIMUM
        for pair in pairs[:PROBE_PICTURES_PER_NAME]
    ]


def _codes(measure: BackboneMeasure, pictures: Sequence[Picture]) -> tuple[list[Image.Image], Any]:
    images = [picture.image() for picture in pictures]
    return images, measure.codes(images)


def _share(share: Share | None) -> dict[str, Any] | None:
    return share.as_json() if share is not None and share.count else None
