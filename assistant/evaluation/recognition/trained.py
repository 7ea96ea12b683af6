"""The rows of the recognition table that need a trained prefix, and what training cost.

Every split is trained in a home of its own that holds nothing but its shots, by what `familiar learn` runs:
photos that are tested must not be in the library that training takes its negatives from.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from assistant.answers.backbone import Serving, draw, views_of
from assistant.evaluation.data.photos import EvaluationPhotos
from assistant.evaluation.data.protocol import (
    Trial,
    calibrate_like,
    calibrate_on_others,
    paired_difference,
    table,
)
from assistant.evaluation.recognition.recognition import (
    Comparison,
    embedding_trials,
    product_difference,
    product_row,
)
from assistant.results import Trained
from assistant.service.familiar import Familiar
from personalizer.errors import CorruptArtifactError
from personalizer.home import Home, write_atomically
from personalizer.photos.decode import load_photo
from personalizer.prefix.prompts import RECOGNITION_QUESTION, question_about_image
from personalizer.recognition.calibration import shipped_calibration
from personalizer.recognition.recognizer import Recognizer
from personalizer.schemas import (
    BoundingBox,
    Concept,
    Float32Array,
    FloatArray,
    Int64Array,
    OnProgress,
    Progress,
)

if TYPE_CHECKING:
    from PIL import Image

    from exporters.runtime.concept import ConceptRuntime
    from exporters.runtime.session import BackboneSession

COST_FILE, ANSWERS_FILE = "cost.json", "answers.json"
_SAVE_EVERY = 50
Region = tuple[int, BoundingBox | None, bool]
"""A photo, where in it, and whether that is a face."""


@dataclass(slots=True, eq=False)
class Shared:
    """What the splits of one evaluation need alike: they all look at the same photos."""

    contexts: dict[Region, list[Float32Array]] = field(default_factory=dict)
    """What the backbone reads of each view."""
    without: dict[tuple[str, Region], float] = field(default_factory=dict)
    """What the bare backbone says to a question."""


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Log odds of yes against no over the test photos `[n]`; NaN where there was nothing to look at."""

    with_prefix: list[float]
    without: list[float]
    """The bare backbone, asked for the concept's class in words."""


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """What was seen of the concept in a picture that is in no library."""

    log_odds: float | None
    """What was learned of the embeddings says; None where there was nothing to compare."""
    retrieval_log_odds: float | None
    """The same by the cosine with the mean of the shots."""
    contexts: list[Float32Array]
    """What the backbone reads of its views."""


@dataclass(frozen=True, slots=True, eq=False)
class TrainedPrefix:
    """A split's concept, ready to be asked for."""

    runtime: ConceptRuntime
    undecided_at: float
    """The log odds of yes at which it is undecided when it is alone."""
    sha256: str
    """Of the trained rows."""


def evaluate_trained(
    tested: Sequence[Comparison],
    photos: EvaluationPhotos,
    home: Home,
    backbone: str,
    device: str,
    seed: int,
    on_progress: OnProgress | None,
    *,
    together: bool = False,
    backgrounds: bool = False,
) -> dict[str, Any]:
    """The product's row and those of prefix only, no concept, another concept's prefix, and the cost.

    `together` adds what it costs to have two concepts in one prompt, `backgrounds` what is said of held-out photos
    on other grounds and of their grounds alone. Training and answers that were finished before
    are read again from `home`.
    """
    costs: list[Trained] = []
    answers: list[Answers] = []
    shared = Shared()
    for number, one in enumerate(tested):
        split = TrainedSplit(home, one, photos, backbone, device, shared)
        try:
            _report(on_progress, number, len(tested), f"training {one.split.subject.name}")
            costs.append(split.train(on_progress))
            answers.append(split.answers(on_progress))
        finally:
            split.close()
    report = trained_report(tested, answers, costs, seed)

    def opened(one: Comparison) -> TrainedSplit:
        return TrainedSplit(home, one, photos, backbone, device, shared)

    if together:
        from assistant.evaluation.recognition.together import evaluate_together

        report["together"] = evaluate_together(tested, answers, photos, opened, seed, on_progress)
    if backgrounds:
        from assistant.evaluation.recognition.background import evaluate_backgrounds

        report["background"] = evaluate_backgrounds(tested, answers, photos, opened, seed, on_progress)
    return report


def _report(on_progress: OnProgress | None, done: int, total: int, message: str) -> None:
    if on_progress is not None:
        on_progress(Progress(done, total, message))


class TrainedSplit:
    """One split's concept, trained in a home of its own below the evaluation's."""

    def __init__(
        self,
        home: Home,
        tested: Comparison,
        photos: EvaluationPhotos,
        backbone: str,
        device: str,
        shared: Shared | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        """`settings` are JSON values of the trainer's that differ from what ships; each has homes of its own."""
        self._tested = tested
        self._settings = settings
        self._photos = photos
        self._backbone = backbone
        self._shared = Shared() if shared is None else shared
        content = "-".join(str(number) for number in tested.shot_ids)
        folder = f"{tested.split.subject.name}-{tested.split.number}-{content}"
        if settings:
            folder += "-" + sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]
        self._home = Home(home.root / "trained" / folder)
        for made in (self._home.root.parent, self._home.root):
            made.mkdir(mode=0o700, exist_ok=True)
        # What is converted and exported once per machine is the same for all of them.
        for folder in ("models", "runtimes"):
            (home.root / folder).mkdir(mode=0o700, exist_ok=True)
            if not (self._home.root / folder).exists():
                (self._home.root / folder).symlink_to((home.root / folder).resolve(), True)
        self._familiar = Familiar(self._home, backbone, device)

    @property
    def root(self) -> Path:
        """The folder of its home."""
        return self._home.root

    def close(self) -> None:
        self._familiar.close()

    def train(self, on_progress: OnProgress | None = None) -> Trained:
        """What `familiar learn` does; what it cost the first time."""
        name = self._tested.split.subject.name
        cost = self._home.root / COST_FILE
        concept = self._familiar.library.concept_by_name(name)
        usable = concept is not None and self._serving.is_exported() and self._serving.has_prefix(concept)
        if cost.exists() and usable:
            return Trained(**json.loads(cost.read_bytes()))
        shots = [self._photos.path(number) for number in self._tested.shot_ids]
        trained = self._familiar.learn(name, shots, on_progress, settings=self._settings)
        write_atomically(cost, json.dumps(asdict(trained)).encode())
        (self._home.root / ANSWERS_FILE).unlink(missing_ok=True)
        return trained

    @cached_property
    def _serving(self) -> Serving:
        return Serving(self._home, self._backbone)

    @cached_property
    def _recognizers(self) -> tuple[Recognizer, Recognizer]:
        """One that learns and one that compares with the mean."""
        library, concepts = self._familiar.library, [self._concept()]
        return Recognizer(library, concepts=concepts), Recognizer(library, concepts=concepts, learns=False)

    def _concept(self) -> Concept:
        concept = self._familiar.library.concept_by_name(self._tested.split.subject.name)
        if concept is None or not self._serving.has_prefix(concept):
            raise CorruptArtifactError(
                tried=f"asking about {self._tested.split.subject.name!r}",
                found="it has no prefix for the current backbone after training",
                fix=f"Delete {self._home.root} and run the evaluation again.",
            )
        return concept

    @property
    def session(self) -> BackboneSession:
        """The exported backbone."""
        return self._serving.session

    @property
    def serving(self) -> Serving:
        """What answers and draws in the home of this split, where its concept is the only one."""
        return self._serving

    @property
    def runtime(self) -> ConceptRuntime:
        """The trained concept in the session."""
        runtime = self._serving.concept(self._concept())
        assert runtime is not None, "_concept saw that there is a prefix"
        return runtime

    def draw(self, text: str, count: int, seed: int, candidates: int) -> tuple[list[Image.Image], Int64Array]:
        """`count` pictures of `text`, each the best recognised of `candidates`, and their codes `[count, tokens]`."""
        drawn = draw(self.session, text, count, seed, self.runtime, candidates=candidates)
        return drawn.images, drawn.codes

    def prefix(self) -> TrainedPrefix:
        """The concept's trained rows in the exported backbone."""
        from exporters.manifest import hash_file
        from personalizer.prefix.format import WEIGHTS_FILE

        concept = self._concept()
        found = self._serving.trained(concept)
        assert found is not None and concept.prefix_dir is not None
        runtime, undecided_at = found
        return TrainedPrefix(runtime, undecided_at, hash_file(concept.prefix_dir / WEIGHTS_FILE))

    def look_at(self, image: Image.Image) -> Looked:
        """A picture that is in no library: what embeddings say of it, and what the backbone reads of its views."""
        analysed = self._photos.analyse(image)
        learned, plain = (recognizer.evidence(analysed) for recognizer in self._recognizers)
        box = learned[0].box if learned else None
        views = views_of(image, 1.0, box, face=self._concept().kind == "face")
        return Looked(
            learned[0].log_odds if learned else None,
            plain[0].log_odds if plain else None,
            [self.session.image_context([view])[0] for view in views],
        )

    def yes_no(self, contexts: Sequence[Float32Array]) -> float | None:
        """What the prefix says of views that were read, as `Answers.with_prefix`."""
        return self._serving.yes_no(self._concept(), contexts)

    def answers(self, on_progress: OnProgress | None = None) -> Answers:
        """What the backbone says to every test photo, with the prefix and without."""
        concept = self._concept()
        path = self._home.root / ANSWERS_FILE
        known: dict[str, dict[str, float | None]] = {}
        if path.exists():
            stored = json.loads(path.read_bytes())
            known = stored["answers"] if stored["backbone"] == self._serving.version else {}
        given: list[dict[str, float | None]] = []
        for number, photo_id in enumerate(self._tested.photo_ids):
            content = self._photos.library.photo(photo_id).content_hash
            if content not in known:
                _report(on_progress, number, len(self._tested.photo_ids), f"asking about {concept.name}")
                known[content] = self._ask(concept, number)
                if len(known) % _SAVE_EVERY == 0:
                    self._save(path, known)
            given.append(known[content])
        self._save(path, known)
        return Answers(
            *([_nan_for_none(answer[key]) for answer in given] for key in ("with_prefix", "without"))
        )

    def _save(self, path: Path, known: dict[str, dict[str, float | None]]) -> None:
        write_atomically(path, json.dumps({"backbone": self._serving.version, "answers": known}).encode())

    def _ask(self, concept: Concept, number: int) -> dict[str, float | None]:
        from exporters.runtime.answers import yes_no_logits

        region = (self._tested.photo_ids[number], self._tested.boxes[number], concept.kind == "face")
        views = self.read(region)
        if not views:
            return {"with_prefix": None, "without": None}
        words = RECOGNITION_QUESTION.replace("{name}", "a " + self._tested.split.subject.class_name)
        if (words, region) not in self._shared.without:
            question = question_about_image(words)
            bare = yes_no_logits(self.session, question, [[view] for view in views])
            self._shared.without[words, region] = float(bare.mean())
        return {
            "with_prefix": self._serving.yes_no(concept, views),
            "without": self._shared.without[words, region],
        }

    def read(self, region: Region) -> list[Float32Array]:
        """What the backbone reads of the views of a region; each is encoded once for all concepts."""
        photo_id, box, face = region
        if region not in self._shared.contexts:
            decoded = load_photo(self._photos.path(photo_id))
            views = views_of(decoded.image, decoded.scale, box, face=face)
            self._shared.contexts[region] = [self.session.image_context([view])[0] for view in views]
        return self._shared.contexts[region]


def _nan_for_none(value: float | None) -> float:
    return float("nan") if value is None else value


def trained_report(
    tested: Sequence[Comparison], answers: Sequence[Answers], costs: Sequence[Trained], seed: int
) -> dict[str, Any]:
    """The rows, from what the backbone said.

    `other_prefix` asks about each concept with the next subject's prefix, at the numbers fitted for prefixes
    that belong. Prefix rows use numbers fitted on all other concepts. Where nothing could be looked at (no
    face), a prefix says no.
    """
    calibration = shipped_calibration()
    product = [
        Trial(
            one.split.subject.name,
            np.array(
                [
                    calibration.combine(log_odds, None if np.isnan(logit) else logit)
                    for log_odds, logit in zip(one.log_odds, answer.with_prefix, strict=True)
                ]
            ),
            one.is_positive,
        )
        for one, answer in zip(tested, answers, strict=True)
    ]
    prefix = prefix_trials(tested, answers)
    without = [_trial(one, answer.without) for one, answer in zip(tested, answers, strict=True)]
    other = _with_other_prefixes(tested, answers)
    embedding, retrieval = embedding_trials(tested), embedding_trials(tested, learned=False)
    return {
        **product_row(product, tested, seed),
        "prefix_only": table(calibrate_on_others(prefix), seed=seed, per_concept=True),
        "no_concept": table(calibrate_on_others(without), seed=seed),
        "other_prefix": table(calibrate_like(other, prefix), seed=seed) if other else None,
        "embedding_only_same_splits": product_row(embedding, tested, seed),
        "retrieval_only_same_splits": product_row(retrieval, tested, seed),
        "product_minus_retrieval": product_difference(product, retrieval, seed),
        "product_minus_embedding": product_difference(product, embedding, seed),
        "added_information": _added_information(tested, prefix, seed),
        "prefix_weight": calibration.prefix_weight,
        "cost": _cost(costs),
    }


def _added_information(tested: Sequence[Comparison], prefix: Sequence[Trial], seed: int) -> dict[str, Any]:
    """Whether a prefix knows what the embedding does not: both together against the embedding alone.

    Both fitted anew on the other concepts, so that the weight a prefix ships with plays no part.
    """
    absent = shipped_calibration().absent_log_odds
    embedding = [
        Trial(
            trial.concept,
            np.array([absent if value is None else value for value in one.log_odds]),
            trial.is_positive,
        )
        for one, trial in zip(tested, prefix, strict=True)
    ]
    alone = calibrate_on_others(embedding)
    both = calibrate_on_others(
        [
            Trial(a.concept, np.column_stack([a.score, b.score]), a.is_positive)
            for a, b in zip(embedding, prefix, strict=True)
        ]
    )
    return {
        "with_prefix": table(both, seed=seed),
        "without": table(alone, seed=seed),
        "difference": paired_difference(both, alone, seed=seed),
    }


def prefix_trials(tested: Sequence[Comparison], answers: Sequence[Answers]) -> list[Trial]:
    """What prefixes said, before it is calibrated."""
    return [_trial(one, answer.with_prefix) for one, answer in zip(tested, answers, strict=True)]


def _trial(one: Comparison, logits: Sequence[float]) -> Trial:
    return Trial(one.split.subject.name, no_for_nothing(logits), one.is_positive)


def no_for_nothing(logits: Sequence[float | None]) -> FloatArray:
    """The log odds, the lowest of them where there was nothing to look at (None or NaN)."""
    said = np.array(logits, dtype=np.float64)
    lowest = float(np.nanmin(said)) if not np.isnan(said).all() else 0.0
    return np.where(np.isnan(said), lowest, said)


def _with_other_prefixes(tested: Sequence[Comparison], answers: Sequence[Answers]) -> list[Trial]:
    """Each concept's photos under the prefix of the next subject in the same split number.

    The photos that the other prefix was trained on are left out, and so are those it was not asked about.
    """
    trials = []
    for number in sorted({one.split.number for one in tested}):
        group = [(one, a) for one, a in zip(tested, answers, strict=True) if one.split.number == number]
        if len(group) < 2:
            continue
        for index, (one, _) in enumerate(group):
            other, answer = group[(index + 1) % len(group)]
            said = dict(zip(other.photo_ids, no_for_nothing(answer.with_prefix).tolist(), strict=True))
            kept = [place for place, photo in enumerate(one.photo_ids) if photo in said]
            logits = [said[one.photo_ids[place]] for place in kept]
            trials.append(Trial(one.split.subject.name, np.array(logits), one.is_positive[kept]))
    return trials


def _cost(costs: Sequence[Trained]) -> dict[str, Any]:
    """Medians over the trained concepts."""
    keys = ("steps", "elapsed_s", "trained_values", "bytes", "peak_rss_mib", "recognition_augmented")
    rows = [asdict(cost) for cost in costs]
    known = {key: [row[key] for row in rows if row.get(key) is not None] for key in keys}
    return {"concepts": len(rows)} | {
        key: round(statistics.median(values), 4) for key, values in known.items() if values
    }
