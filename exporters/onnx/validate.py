"""Measures the difference between two sessions of a backbone, with the calls that serving uses.

Knows both sessions only by their protocol.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from exporters.manifest import EXPORT_AGAIN, Precision
from exporters.runtime.session import BackboneSession
from personalizer.errors import FamiliarError
from personalizer.schemas import Float32Array, Int64Array


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """A picture and words about it; both directions are run."""

    text: str
    image: Image.Image


@dataclass(frozen=True, slots=True)
class Comparison:
    """Differences between a reference and a candidate over all examples and positions."""

    examples: int
    hidden_max_abs: float
    text_logits_max_abs: float
    image_logits_max_abs: float
    text_top1: float
    """Share of positions at which both prefer the same next token, 0..1."""
    image_top1: float
    text_kl: float
    """Mean divergence of the candidate's distribution from the reference's, in nats per token."""
    image_kl: float
    codes_equal: float
    """Share of image codes that both encoders agree on, 0..1."""
    pixels_max_abs: int
    """Largest difference in a decoded picture, of 255."""
    tokenizers_equal: bool

    def to_json(self) -> dict[str, Any]:
        """Plain values for the manifest."""
        return {
            name: round(value, 7) if isinstance(value, float) else value
            for name, value in asdict(self).items()
        }

    def require(self, precision: Precision) -> None:
        """Raise `FamiliarError` if the candidate is not the same model at `precision`."""
        problems = []
        if not self.tokenizers_equal:
            problems.append("the tokenizers differ")
        if self.codes_equal < 0.98:
            problems.append(f"the image encoders agree on {self.codes_equal:.1%} of the codes only")
        if self.pixels_max_abs > 8:
            problems.append(f"decoded pictures differ by {self.pixels_max_abs} of 255")
        if precision == "fp32" and max(self.text_logits_max_abs, self.image_logits_max_abs) > 1e-2:
            problems.append(f"logits differ by up to {self.text_logits_max_abs:.3g}")
        if precision != "fp32" and max(self.text_kl, self.image_kl) > 0.1:
            problems.append(f"predictions diverge by {max(self.text_kl, self.image_kl):.3g} nats per token")
        if problems:
            raise FamiliarError(
                tried=f"comparing the exported backbone ({precision}) with torch",
                found="; ".join(problems),
                fix=f"{EXPORT_AGAIN} If it fails again, choose the precision fp32.",
            )


def default_examples() -> list[Example]:
    """Drawn pictures of simple things, for an export that gets no photos."""
    size = 96
    rows, columns = np.mgrid[0:size, 0:size]
    ramps = np.stack([rows * 2, columns * 2, 255 - rows - columns], axis=-1).clip(0, 255).astype(np.uint8)
    stripes = np.where((columns // 12 % 2)[..., None] == 1, (200, 40, 40), (240, 230, 210)).astype(np.uint8)
    scene = Image.new("RGB", (size, size), (120, 170, 220))
    draw = ImageDraw.Draw(scene)
    draw.rectangle((0, 60, size, size), fill=(70, 130, 60))
    draw.ellipse((30, 30, 70, 75), fill=(150, 100, 50))
    return [
        Example("a photo of a brown dog on the grass.", scene),
        Example("is the mug in this photo?", Image.fromarray(stripes)),
        Example("what is in this photo?", Image.fromarray(ramps)),
    ]


def validate(
    reference: BackboneSession, candidate: BackboneSession, examples: Sequence[Example]
) -> Comparison:
    """Run both sessions on `examples`: reading a picture, and writing it.

    Both decoders get the reference's embeddings and codes, so that each part is compared on its own; the
    candidate writes in two pieces, so that its cache takes part.
    """
    images = [example.image for example in examples]
    codes = reference.encode_images(images)
    contexts = reference.image_context(images)
    hidden_gap = 0.0
    text, drawn = _Gap(), _Gap()
    for example, context, written in zip(examples, contexts, codes, strict=True):
        reading, writing, first_code = _sequences(reference, example.text, context, written)
        expected, _ = reference.forward(reading)
        found, _ = candidate.forward(reading)
        hidden_gap = max(hidden_gap, float(np.abs(expected - found).max()))
        text.add(reference.text_logits(expected[0]), candidate.text_logits(found[0]))
        expected, _ = reference.forward(writing)
        found = _in_two_pieces(candidate, writing)
        hidden_gap = max(hidden_gap, float(np.abs(expected - found).max()))
        drawn.add(
            reference.image_logits(expected[0, first_code:]), candidate.image_logits(found[0, first_code:])
        )
    return Comparison(
        examples=len(examples),
        hidden_max_abs=hidden_gap,
        text_logits_max_abs=text.largest,
        image_logits_max_abs=drawn.largest,
        text_top1=text.agreed / text.positions,
        image_top1=drawn.agreed / drawn.positions,
        text_kl=text.divergence / text.positions,
        image_kl=drawn.divergence / drawn.positions,
        codes_equal=float((candidate.encode_images(images) == codes).mean()),
        pixels_max_abs=_pixel_gap(reference.decode_images(codes), candidate.decode_images(codes)),
        tokenizers_equal=all(_same_words(reference, candidate, example.text) for example in examples),
    )


def _in_two_pieces(session: BackboneSession, embeddings: Float32Array) -> Float32Array:
    half = embeddings.shape[1] // 2
    first, cache = session.forward(embeddings[:, :half])
    second, _ = session.forward(embeddings[:, half:], cache)
    return np.concatenate([first, second], axis=1)


class _Gap:
    """Sums over positions of what two sets of logits disagree on."""

    def __init__(self) -> None:
        self.largest = 0.0
        self.divergence = 0.0
        self.agreed = 0
        self.positions = 0

    def add(self, expected: Float32Array, found: Float32Array) -> None:
        possible = expected > -1e30  # ids that a head never predicts are masked with the lowest float
        self.largest = max(self.largest, float(np.abs(np.where(possible, expected - found, 0)).max()))
        p, q = _log_softmax(expected), _log_softmax(found)
        self.divergence += float(np.where(possible, np.exp(p) * (p - q), 0).sum())
        self.agreed += int((expected.argmax(-1) == found.argmax(-1)).sum())
        self.positions += len(expected)


def _log_softmax(logits: Float32Array) -> Float32Array:
    shifted = logits - logits.max(-1, keepdims=True)
    result: Float32Array = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    return result


def _sequences(
    session: BackboneSession, text: str, context: Float32Array, codes: Int64Array
) -> tuple[Float32Array, Float32Array, int]:
    """A picture being read, a picture being written, and where in the latter the first code is predicted."""
    spec = session.spec
    words = session.tokenize(text)
    begin = [*spec.begin_ids, *spec.begin_image_ids]
    end = [*spec.end_image_ids, *words, *spec.separator_ids]
    reading = [session.embed_text(begin), context, session.embed_text(end)]
    request = [*spec.begin_ids, *words, *spec.separator_ids, *spec.begin_image_ids]
    writing = [session.embed_text(request), session.embed_image_codes(codes)]
    return np.concatenate(reading)[None], np.concatenate(writing)[None], len(request) - 1


def _pixel_gap(expected: Sequence[Image.Image], found: Sequence[Image.Image]) -> int:
    pairs = zip(expected, found, strict=True)
    return max(int(np.abs(np.asarray(a, np.int16) - np.asarray(b, np.int16)).max()) for a, b in pairs)


def _same_words(reference: BackboneSession, candidate: BackboneSession, text: str) -> bool:
    ids = reference.tokenize(text)
    return candidate.tokenize(text) == ids and candidate.detokenize(ids) == reference.detokenize(ids)
