"""The exported backbone and the trained concepts, ready to be asked. Imports no torch.

Every question about a concept goes to the backbone in the words, views and token order that training used.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from assistant.language.parse import Phrase
from assistant.results import Check
from exporters.installed import exported_version, runtime_directory
from personalizer.backbones.registry import backbone_directory
from personalizer.errors import FamiliarError, NotReadyError
from personalizer.home import Home
from personalizer.prefix.files import current_manifest
from personalizer.schemas import BoundingBox, Concept, OnProgress

if TYPE_CHECKING:
    from PIL import Image

    from exporters.runtime.concept import ConceptRuntime, ConceptsTogether
    from exporters.runtime.images import Drawn
    from exporters.runtime.ort_session import OrtSession
    from exporters.runtime.prompt_context import PromptContext, ReadImage
    from exporters.runtime.session import BackboneSession

GUIDANCE = 4.0
DRAWING_TEMPERATURE = 0.85
CANDIDATES = 4
"""Drawings of which the best recognised one is kept."""
LIKENESS_FROM_PX = 256
"""Side of a backbone's pictures from which its own drawing goes before a montage: at 64 px it shows nobody."""
MAX_WORDS_TOKENS = 48
MAX_COMBINATIONS = 4
"""Of concepts whose personal prompts are kept together: keys and values of each take a few MiB."""


class BackboneService:
    """One backbone in one home. Safe to use from several threads."""

    def __init__(self, home: Home, backbone: str) -> None:
        self._home = home
        self._backbone = backbone
        self._lock = threading.RLock()
        self._concepts: dict[int, tuple[tuple[str, int, str | None], ConceptRuntime, float]] = {}
        self.combinations: OrderedDict[tuple[int, ...], ConceptsTogether] = OrderedDict()

    def is_exported(self) -> bool:
        """Whether the backbone as it is now can be served. Raises NotReadyError when there is none."""
        # Once found it is what answers, also where the checkpoint changes while this process lives.
        return "version" in self.__dict__ or exported_version(self._home, self._backbone) is not None

    @cached_property
    def version(self) -> str:
        """The backbone version that answers. Raises NotReadyError before the export."""
        version = exported_version(self._home, self._backbone)
        if version is None:
            raise NotReadyError(
                tried=f"answering with the backbone {self._backbone}",
                found="it has not been prepared on this machine",
                fix="Run `familiar describe PHOTO` once: the worker prepares it.",
            )
        return version

    @cached_property
    def session(self) -> OrtSession:
        """The running backbone; loaded on first use."""
        from exporters.runtime.ort_session import OrtSession

        with self._lock:
            return OrtSession(runtime_directory(self._home, self.version))

    def draws_likeness(self, concepts: Sequence[Concept]) -> bool:
        """Whether the backbone is large enough to draw these concepts as they look, and has learned all of them.

        Raises NotReadyError for a backbone that does not exist.
        """
        from exporters.manifest import Manifest

        if not self.is_exported() or not all(self.has_prefix(concept) for concept in concepts):
            return False
        spec = Manifest.read(runtime_directory(self._home, self.version)).spec
        return spec.image_size_px >= LIKENESS_FROM_PX

    def has_prefix(self, concept: Concept) -> bool:
        """Whether the concept was trained for the backbone version that answers; False before its export."""
        if concept.prefix_dir is None or not self.is_exported():
            return False
        return concept.backbone == self.version

    def concept(self, concept: Concept) -> ConceptRuntime | None:
        """The concept's trained rows in this backbone, or None when it has none."""
        found = self.trained(concept)
        return None if found is None else found[0]

    def forget(self, concept_id: int) -> None:
        """Let go of what was loaded of a concept."""
        with self._lock:
            self._concepts.pop(concept_id, None)
            for ids in [ids for ids in self.combinations if concept_id in ids]:
                del self.combinations[ids]

    def together(self, concepts: Sequence[Concept]) -> PromptContext | None:
        """The trained rows of `concepts` in one context, in this order; None when none of them has any."""
        from exporters.runtime.concept import ConceptsTogether

        usable = {concept.id: runtime for concept in concepts if (runtime := self.concept(concept))}
        ids, runtimes = tuple(usable), tuple(usable.values())
        if len(runtimes) < 2:
            return runtimes[0] if runtimes else None
        with self._lock:
            known = self.combinations.get(ids)
            if known is None or known.concepts != runtimes:
                known = self.combinations[ids] = ConceptsTogether(runtimes)
            self.combinations.move_to_end(ids)
            if len(self.combinations) > MAX_COMBINATIONS:
                self.combinations.popitem(last=False)
            return known

    def yes_no(self, concept: Concept, views: Sequence[ReadImage]) -> float | None:
        """Log odds of "yes" to "is it in this photo?", averaged over views, 0 where the concept is undecided.

        Views are pictures, or what `session.image_context` reads of them. None when the concept has no prefix
        for this backbone, or there is nothing to look at.
        """
        from exporters.runtime.answers import yes_no_logits
        from personalizer.prefix.prompts import RECOGNITION_QUESTION, question_about_image

        trained = self.trained(concept)
        if trained is None or not views:
            return None
        runtime, threshold = trained
        question = question_about_image(RECOGNITION_QUESTION)
        logits = yes_no_logits(self.session, question, [[view] for view in views], concept=runtime)
        return float(logits.mean()) - threshold

    def caption(self, image: Image.Image) -> str:
        """The backbone's own words for a picture, without any concept: for evaluation, no answer shows them."""
        from exporters.runtime.answers import answer
        from personalizer.prefix.prompts import DESCRIBE_QUESTION, question_about_image

        segments = question_about_image(as_trained(DESCRIBE_QUESTION))
        said = answer(self.session, segments, [image], max_tokens=MAX_WORDS_TOKENS, forced=False)
        return said.text.strip()

    def fitting_drawing(self, words: Phrase, concepts: Sequence[Concept]) -> list[Concept]:
        """Those of `concepts` that a drawing of `words` has room for in the backbone.

        The first one that has a prefix, and all that fit beside it, in the order given.
        """
        from exporters.runtime.concept import ConceptsTogether
        from exporters.runtime.images import drawing_positions

        def positions(context: PromptContext) -> int:
            return drawing_positions(context, as_trained(_worded(words, context), end="."))

        fitting: list[Concept] = []
        runtimes: list[ConceptRuntime] = []
        for concept in concepts:
            runtime = self.concept(concept)
            if runtime is None:
                continue
            tried = [*runtimes, runtime]
            if not runtimes or positions(ConceptsTogether(tried)) <= self.session.spec.max_positions:
                fitting.append(concept)
                runtimes = tried
        return fitting

    def draw(
        self,
        words: Phrase,
        concepts: Sequence[Concept],
        seed: int,
        count: int = 1,
        on_progress: OnProgress | None = None,
    ) -> tuple[list[Image.Image], int, float]:
        """Pictures of `words` with `concepts` in it, the image tokens of all candidates and the seconds for these.

        Picture `i` depends on `seed + i` only. `on_progress` counts tokens and may raise to stop.
        """
        context = self.together(concepts)
        drawn = draw(self.session, _worded(words, context), count, seed, context, on_progress)
        return drawn.images, drawn.sampled_tokens, drawn.sampling_s

    def check(self) -> Check:
        """Whether the backbone is there and can be served, for `familiar doctor`."""
        try:
            where = backbone_directory(self._backbone)
            if not self.is_exported():
                found = f"{self._backbone} in {where}; prepared for serving when first needed"
                return Check("backbone", True, found)
            spec = self.session.spec
        except FamiliarError as error:
            return Check("backbone", False, error.found, error.fix)
        return Check("backbone", True, f"{spec.name} {spec.version}, {spec.image_size_px} px pictures, ready")

    def trained(self, concept: Concept) -> tuple[ConceptRuntime, float] | None:
        """The concept's trained rows in this backbone and the log odds at which it is undecided, or None."""
        from exporters.runtime.concept import ConceptRuntime

        if concept.prefix_dir is None or not self.has_prefix(concept):
            return None
        manifest = current_manifest(concept.prefix_dir)
        try:
            # The library's name is the current one; the manifest has that of the training.
            state = (str(manifest), manifest.stat().st_mtime_ns, concept.name)
        except FileNotFoundError:
            return None
        with self._lock:
            known = self._concepts.get(concept.id)
            if known is None or known[0] != state:
                training = json.loads(manifest.read_text()).get("training", {})
                runtime = ConceptRuntime.load(self.session, concept.prefix_dir, concept.name)
                known = (state, runtime, float(training.get("yes_no_threshold", 0.0)))
                self._concepts[concept.id] = known
            return known[1], known[2]


def draw(
    session: BackboneSession,
    text: str,
    count: int,
    seed: int,
    concept: PromptContext | None = None,
    on_progress: OnProgress | None = None,
    *,
    candidates: int = CANDIDATES,
) -> Drawn:
    """`count` pictures of `text` with the settings of `familiar imagine`; name slots stand for the concepts.

    Of one candidate each, they are what the model draws first.
    """
    from exporters.runtime.images import DrawingConfig, generate_images

    return generate_images(
        session,
        as_trained(text, end="."),
        DrawingConfig(temperature=DRAWING_TEMPERATURE, guidance=GUIDANCE, candidates=candidates),
        count=count,
        seed=seed,
        concept=concept,
        on_progress=on_progress,
    )


def views_of(image: Image.Image, scale: float, box: BoundingBox | None, *, face: bool) -> list[Image.Image]:
    """What a backbone is shown of a photo when asked about a concept, as in training.

    `box` is in pixels of the original, which is `scale` times larger than `image`. A face without box: nothing.
    """
    from personalizer.photos.crops import reading_views

    if box is None:
        return [] if face else [image]
    inside = BoundingBox(box.left / scale, box.top / scale, box.right / scale, box.bottom / scale)
    return reading_views(image, inside, face=face)


def _worded(words: Phrase, context: PromptContext | None) -> str:
    """The text with name slots for the concepts of the context."""
    from personalizer.prefix.prompts import name_slot

    names = [one.display_name for one in context.concepts] if context else []
    return words.with_slots({name: name_slot(place) for place, name in enumerate(names)})


def as_trained(text: str, end: str = "") -> str:
    """The way prompts are written in training: lower case and, for requests, a full stop."""
    plain = " ".join(text.split())
    # Name slots are lower case already.
    lowered = plain.lower()
    return lowered if not end or lowered.endswith((".", "!", "?")) else lowered + end
