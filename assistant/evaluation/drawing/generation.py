"""How much drawn pictures resemble the concept, judged by an encoder that the product uses nowhere else.

First samples are scored; what `familiar imagine` keeps of several stands beside them, as do two controls. Real photos
are first reduced to the backbone's resolution, so that what is measured is likeness and not sharpness. Contact sheets
are written for people to look at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from assistant.answers.backbone_service import CANDIDATES, draw, views_of
from assistant.evaluation.data import metrics
from assistant.evaluation.data.corpora import with_article
from assistant.evaluation.data.options import (
    EvaluationRun,
    GenerationOptions,
)
from assistant.evaluation.data.photos import EvaluationPhotos
from assistant.evaluation.data.protocol import Split, Subject, make_splits, read_subjects, rounded
from assistant.evaluation.drawing.encoder import IndependentEncoder
from assistant.evaluation.drawing.fidelity import Followed, PlaceJudge, fidelity, in_places, read_judge
from assistant.evaluation.recognition.comparison import Comparison, compare_split
from assistant.evaluation.recognition.trained_split import TrainedSplit
from assistant.evaluation.report.tables import BESIDE
from personalizer.home import write_atomically
from personalizer.photos.decode import load_photo
from personalizer.prefix.prompts import GENERATION_TEXT
from personalizer.schemas import Float32Array, FloatArray, Int64Array

if TYPE_CHECKING:
    from exporters.runtime.session import BackboneSession

_SHEET_COLUMNS, _SHEET_CELL_PX = 10, 128


@dataclass(frozen=True, slots=True)
class GenerationScores:
    """Cosine similarities in the independent encoder; see `evaluate_generation`."""

    similarity: float
    ceiling: float
    floor: float
    nearest_other: str
    copy_rate: float
    beside: Mapping[str, float] = field(default_factory=dict)
    """The similarity of each of `BESIDE` that was scored."""


def evaluate_generation(options: GenerationOptions, run: EvaluationRun) -> dict[str, Any]:
    """Draw every subject `samples` times from a prefix trained on `shots` photos, and compare.

    All numbers at the top are of first samples, one candidate each. `similarity` is drawn against held-out photos;
    `ceiling` the shots against held-out photos; `floor` the photos of the other subject that is nearest to the
    held-out ones. `position` says where between the two the drawn pictures lie; `concepts_without_room` have a
    nearest other subject that is as close as the shots themselves. `copy_rate` counts samples with 70 % or more of
    their tokens equal to a training view's.

    Beside it, with similarity and position each: `reranked` is the same request with the best recognised of several
    candidates kept, as served; `no_concept` the bare backbone asked for the class; `in_places` first samples that
    were asked for in a place, `samples` in all or as many more as give every place equally many; `reconstruction` the
    shots after the backbone's image tokenizer. `prompt_fidelity` is how often the place survives in those `in_places`,
    as a share of the bare backbone's own; see `fidelity`.

    With the painter `montage` nothing is trained: see `evaluate_montages`, which gives the same keys.

    Contact sheets go to `sheets`, else beside the report or below the home. Prefixes are shared with the recognition
    evaluation in the same home. Raises `NotReadyError` without the encoder's package.
    """
    options.check()
    if options.painter == "montage":
        from assistant.evaluation.drawing.montages import evaluate_montages

        return evaluate_montages(options, run)
    encoder = IndependentEncoder(run.home.ensure().models)
    judge = read_judge(encoder)
    subjects, skipped = read_subjects(options.subjects, options.shots)
    photos = EvaluationPhotos(run.home)
    folder = options.sheets or (options.report or run.home.root) / "contact_sheets"
    drawings = _SubjectDrawings(encoder, judge, photos, subjects, options)
    rows: dict[str, list[GenerationScores]] = {}
    followed: dict[str, list[Followed]] = {}
    written: list[str] = []
    try:
        photos.prepare([photo for subject in subjects for photo in subject.photos], run.on_progress)
        splits = make_splits(subjects, options.shots, options.trained_splits, options.seed)
        for number, split in enumerate(splits):
            name = split.subject.name
            run.say(number, len(splits), f"drawing {name}")
            tested = compare_split(photos, split, subjects, [])
            if tested is None:
                continue
            drawn = _draw_split(drawings, tested, photos, run)
            rows.setdefault(name, []).append(drawn.scores)
            followed.setdefault(name, []).append(drawn.followed)
            written += write_sheets(folder, split, photos, drawings.side_px, drawn.sheets)
    finally:
        photos.close()
    survived = fidelity(judge, followed, options.seed)
    summarised = summary(rows, options.seed)
    of_concept, of_each = survived.pop("per_concept"), summarised.pop("per_concept")
    return {
        **summarised,
        **survived,
        "per_concept": {name: row | of_concept[name] for name, row in of_each.items()},
        "encoder": encoder.name,
        "contact_sheets": written,
        "settings": {
            **_settings(options, run),
            "samples_per_place": judge.per_place(options.samples),
            "subjects": len(rows),
            "skipped_subjects": skipped,
            "unreadable": photos.unreadable,
        },
    }


def _settings(options: GenerationOptions, run: EvaluationRun) -> dict[str, Any]:
    return {
        "shots": options.shots,
        "samples": options.samples,
        "candidates": {"first_samples": 1, "reranked": CANDIDATES},
        "trained_splits": options.trained_splits,
        "seed": options.seed,
        "backbone": run.backbone,
        "painter": options.painter,
        "size": options.size,
    }


def _draw_split(
    drawings: _SubjectDrawings, tested: Comparison, photos: EvaluationPhotos, run: EvaluationRun
) -> _Drawn:
    """Train one split and draw its subject."""
    trained = TrainedSplit(run.home, tested, photos, run.backbone, run.device)
    try:
        trained.train(run.on_progress)
        return drawings.draw(trained, tested)
    finally:
        trained.close()


@dataclass(frozen=True, slots=True, eq=False)
class _Drawn:
    """What one trained split drew."""

    scores: GenerationScores
    followed: Followed
    sheets: Mapping[str, list[Image.Image]]
    """Pictures to look at, by what is added to the sheet's name."""


class _SubjectDrawings:
    """Draws and scores; what does not depend on the split is encoded once."""

    def __init__(
        self,
        encoder: IndependentEncoder,
        judge: PlaceJudge,
        photos: EvaluationPhotos,
        subjects: Sequence[Subject],
        options: GenerationOptions,
    ) -> None:
        self._encoder = encoder
        self._judge = judge
        self._photos = photos
        self._subjects = subjects
        self._options = options
        self._per_place = judge.per_place(options.samples)
        self.side_px = 0
        """Of the backbone's pictures, once it has drawn."""
        self._real: dict[Path, Float32Array] = {}
        self._of_class: dict[str, Float32Array] = {}
        self._bare_hits: dict[str, FloatArray] = {}

    def draw(self, trained: TrainedSplit, tested: Comparison) -> _Drawn:
        """First samples, reranked ones, in places, and the shots through the tokenizer."""
        session, samples, seed = trained.session, self._options.samples, self._options.seed
        self.side_px = self._options.size
        if not self._real:
            self._real = encode_real(self._encoder, self._photos, self._subjects, self.side_px)
        drawn, codes = trained.draw(GENERATION_TEXT, samples, seed, candidates=1)
        reranked, _ = trained.draw(GENERATION_TEXT, samples, seed, candidates=CANDIDATES)
        class_name = tested.split.subject.class_name
        self._draw_class(session, class_name)
        asked = in_places(self._judge, GENERATION_TEXT)
        placed = [trained.draw(text, self._per_place, seed, candidates=1)[0] for text in asked]
        everywhere = [picture for there in placed for picture in there]
        own_px = session.spec.image_size_px
        shown = [reduced(load_photo(self._photos.path(shot)).image, own_px) for shot in tested.shot_ids]
        rebuilt = session.decode_images(session.encode_images(shown))
        beside = {
            "reranked": self._encoder.encode(reranked),
            "no_concept": self._of_class[class_name],
            "in_places": self._encoder.encode(everywhere),
            "reconstruction": self._encoder.encode(rebuilt),
        }
        copies = metrics.copy_rate(codes, view_codes(session, self._photos, tested.shot_ids))
        vectors = self._encoder.encode(drawn)
        scores = score(tested.split, self._subjects, self._real, vectors, copies, beside)
        followed = Followed(self._judge.hits(placed), self._bare_hits[class_name])
        return _Drawn(scores, followed, {"": drawn, "-reranked": reranked, "-in_places": everywhere})

    def _draw_class(self, session: BackboneSession, class_name: str) -> None:
        """What the bare backbone draws of the class, once per class."""
        if class_name in self._of_class:
            return
        samples, seed = self._options.samples, self._options.seed
        self._of_class[class_name] = self._encoder.encode(draw_class(session, class_name, samples, seed))
        asked = in_places(self._judge, class_request(class_name))
        bare = [draw(session, text, self._per_place, seed, candidates=1).images for text in asked]
        self._bare_hits[class_name] = self._judge.hits(bare)


def encode_real(
    encoder: IndependentEncoder, photos: EvaluationPhotos, subjects: Sequence[Subject], side_px: int
) -> dict[Path, Float32Array]:
    """Vectors of all readable photos, by path, at the backbone's resolution."""
    paths = [p for subject in subjects for p in subject.photos if photos.photo_id(p) is not None]
    vectors = encoder.encode([reduced(load_photo(path).image, side_px) for path in paths])
    return dict(zip(paths, vectors, strict=True))


def draw_class(session: BackboneSession, class_name: str, count: int, seed: int) -> list[Image.Image]:
    """First samples of the bare backbone for the class in words."""
    return draw(session, class_request(class_name), count, seed, candidates=1).images


def class_request(class_name: str) -> str:
    """What the bare backbone is asked for in a concept's stead: its class in words."""
    return GENERATION_TEXT.format(name=with_article(class_name))


def reduced(image: Image.Image, side_px: int) -> Image.Image:
    """The middle square at `side_px`: all of a photo that a backbone of this resolution can show."""
    return ImageOps.fit(image.convert("RGB"), (side_px, side_px), Image.Resampling.LANCZOS)


def score(
    split: Split,
    subjects: Sequence[Subject],
    real: dict[Path, Float32Array],
    drawn: Float32Array,
    copy_rate: float,
    beside: Mapping[str, Float32Array] | None = None,
) -> GenerationScores:
    """From unit vectors: `real` by path, `drawn` and each of `beside` `[samples, dim]`.

    All similarities are to held-out photos.
    """
    held_out = np.stack([real[photo] for photo in split.held_out if photo in real])
    shots = np.stack([real[photo] for photo in split.shots if photo in real])
    others = {
        subject.name: float(
            (np.stack([real[photo] for photo in subject.photos if photo in real]) @ held_out.T).mean()
        )
        for subject in subjects
        if subject != split.subject and any(photo in real for photo in subject.photos)
    }
    nearest = max(others, key=lambda name: others[name])
    return GenerationScores(
        similarity=float((drawn @ held_out.T).mean()),
        ceiling=float((shots @ held_out.T).mean()),
        floor=others[nearest],
        nearest_other=nearest,
        copy_rate=copy_rate,
        beside={name: float((vectors @ held_out.T).mean()) for name, vectors in (beside or {}).items()},
    )


def view_codes(session: BackboneSession, photos: EvaluationPhotos, shot_ids: Sequence[int]) -> Int64Array:
    """Codes `[views, tokens]` of what training saw of the shots, as they are and mirrored."""
    pictures: list[Image.Image] = []
    for number in shot_ids:
        decoded = load_photo(photos.path(number))
        pictures.append(decoded.image)
        for found, _ in photos.analysed[number]:
            if found.kind != "photo":
                pictures += views_of(decoded.image, decoded.scale, found.box, face=found.kind == "face")
    pictures += [ImageOps.mirror(picture) for picture in pictures]
    return np.concatenate([session.encode_images([picture]) for picture in pictures])


def summary(by_concept: Mapping[str, Sequence[GenerationScores]], seed: int = 0) -> dict[str, Any]:
    """The numbers over all concepts, and those of each under `per_concept`."""
    return {
        **overall_scores([mean_scores(scores) for scores in by_concept.values()], seed),
        "per_concept": {
            name: {**_nested(mean_scores(scores)), "nearest_other": scores[0].nearest_other}
            for name, scores in by_concept.items()
        },
    }


_KEYS = ("similarity", "ceiling", "floor", "copy_rate")


def mean_scores(scores: Sequence[GenerationScores]) -> dict[str, float]:
    """Over the splits of one concept; a control's similarity stands under its name."""
    means = {key: float(np.mean([getattr(one, key) for one in scores])) for key in _KEYS}
    means |= {name: float(np.mean([one.beside[name] for one in scores])) for name in scores[0].beside}
    return means


def overall_scores(concepts: Sequence[dict[str, float]], seed: int = 0) -> dict[str, Any]:
    """Every concept counts alike, however many splits it had; intervals are bootstraps over concepts."""
    keys = concepts[0] if concepts else _KEYS
    values = {key: [one[key] for one in concepts] for key in keys}
    means = {key: float(np.mean(of)) if of else float("nan") for key, of in values.items()}
    result = _nested(means)
    for name in ("similarity", *BESIDE):
        if name in means:
            low, high = metrics.bootstrap_interval(values[name], seed=seed)
            row = result if name == "similarity" else result[name]
            row["interval"] = [rounded(low), rounded(high)]
    no_room = sum(one["ceiling"] <= one["floor"] for one in concepts)
    return {**result, "concepts_without_room": no_room}


def _nested(means: Mapping[str, float]) -> dict[str, Any]:
    """As the report shows it: positions beside similarities, a control's own numbers under its name."""

    def position(similarity: float) -> float | None:
        # Of the means, not a mean of positions: those have no bound where floor and ceiling nearly meet.
        return rounded(metrics.position_between(similarity, means["floor"], means["ceiling"]))

    own = {key: rounded(means[key]) for key in _KEYS}
    controls = {
        name: {"similarity": rounded(means[name]), "position": position(means[name])}
        for name in BESIDE
        if name in means
    }
    return {**own, "position": position(means["similarity"]), **controls}


def write_sheets(
    folder: Path,
    split: Split,
    photos: EvaluationPhotos,
    side_px: int,
    sheets: Mapping[str, Sequence[Image.Image]],
) -> list[str]:
    """One contact sheet for each way of drawing, by what is added to its name; returns their paths."""
    written = []
    for kind, pictures in sheets.items():
        sheet = folder / f"{split.subject.name}-{split.number}{kind}.png"
        _write_sheet(sheet, split, photos, side_px, pictures)
        written.append(str(sheet))
    return written


def _write_sheet(
    path: Path, split: Split, photos: EvaluationPhotos, side_px: int, drawn: Sequence[Image.Image]
) -> None:
    """The shots (red frame), held-out photos (blue) and drawn pictures, all at the backbone's resolution."""
    from io import BytesIO

    cells = [
        (reduced(load_photo(photo).image, side_px), color)
        for group, color in ((split.shots, "red"), (split.held_out, "blue"))
        for photo in group
        if photos.photo_id(photo) is not None
    ]
    real_rows = -(-len(cells) // _SHEET_COLUMNS)
    rows = real_rows + -(-len(drawn) // _SHEET_COLUMNS)
    pad = 4
    step = _SHEET_CELL_PX + pad
    sheet = Image.new("RGB", (_SHEET_COLUMNS * step + pad, rows * step + pad), "white")
    paint = ImageDraw.Draw(sheet)
    placed = [(place, picture, color) for place, (picture, color) in enumerate(cells)]
    placed += [(real_rows * _SHEET_COLUMNS + place, picture, "white") for place, picture in enumerate(drawn)]
    for place, picture, color in placed:
        left, top = pad + place % _SHEET_COLUMNS * step, pad + place // _SHEET_COLUMNS * step
        side = _SHEET_CELL_PX
        paint.rectangle((left - 3, top - 3, left + side + 2, top + side + 2), fill=color)
        sheet.paste(picture.convert("RGB").resize((side, side), Image.Resampling.NEAREST), (left, top))
    buffer = BytesIO()
    sheet.save(buffer, "PNG")
    write_atomically(path, buffer.getvalue())
