"""One choice of shots of one subject, trained in a home of its own that holds nothing but these photos."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from assistant.answers.backbone_service import BackboneService, draw, views_of
from assistant.evaluation.data.photos import EvaluationPhotos
from assistant.evaluation.recognition.comparison import Comparison
from assistant.results import Trained
from assistant.service.familiar import Familiar
from personalizer.errors import CorruptArtifactError
from personalizer.home import Home, write_atomically
from personalizer.photos.decode import load_photo
from personalizer.prefix.former_names import with_former_names
from personalizer.prefix.prompts import RECOGNITION_QUESTION, question_about_image
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
            # Former names, so that homes of earlier evaluations are found again.
            content = json.dumps(with_former_names(settings), sort_keys=True)
            folder += "-" + sha256(content.encode()).hexdigest()[:12]
        self._home = Home(home.root / "trained" / folder)
        for made in (self._home.root.parent, self._home.root):
            made.mkdir(mode=0o700, exist_ok=True)
        # What is exported once per machine is the same for all of them.
        home.runtimes.mkdir(mode=0o700, exist_ok=True)
        if not self._home.runtimes.exists():
            self._home.runtimes.symlink_to(home.runtimes.resolve(), True)
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
    def _serving(self) -> BackboneService:
        return BackboneService(self._home, self._backbone)

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
    def serving(self) -> BackboneService:
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
        analysed = self._photos.analyze(image)
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


def no_for_nothing(logits: Sequence[float | None]) -> FloatArray:
    """The log odds, the lowest of them where there was nothing to look at (None or NaN)."""
    said = np.array(logits, dtype=np.float64)
    lowest = float(np.nanmin(said)) if not np.isnan(said).all() else 0.0
    return np.where(np.isnan(said), lowest, said)
