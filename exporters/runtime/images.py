"""Generates pictures token by token and keeps the best of several candidates. Knows no wording, no file and no user."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from exporters.runtime.answers import log_likelihood, prefill_answer, yes_no_logits
from exporters.runtime.prompt_context import PromptContext
from exporters.runtime.sampling import Sampling, sample_next_token
from exporters.runtime.session import BackboneSession, Cache
from personalizer.errors import UsageError
from personalizer.prefix.prompts import (
    DESCRIBE_QUESTION,
    RECOGNITION_QUESTION,
    Separator,
    generation_request,
    question_about_image,
)
from personalizer.schemas import Float32Array, Int64Array, OnProgress, Progress

MAX_BATCH = 8
"""Pictures drawn at a time; the result does not depend on it."""


@dataclass(frozen=True, slots=True)
class DrawingConfig:
    """How pictures are drawn."""

    temperature: float = 1.0
    top_k: int = 0
    guidance: float = 1.0
    """Above 1, the prediction moves away from what the model draws for an empty request (classifier-free guidance)."""
    candidates: int = 1
    """Best-of-n reranking: the candidate stays in which the model itself best recognizes the request."""

    def __post_init__(self) -> None:
        if self.candidates < 1:
            raise UsageError(
                tried="drawing",
                found=f"a number of candidates of {self.candidates}",
                fix="Draw at least one picture.",
            )
        # Creating it checks the sampling options.
        _ = self.sampling

    @property
    def sampling(self) -> Sampling:
        """How each image token is chosen; its random numbers come from the pictures' own seeds."""
        return Sampling(self.temperature, self.top_k)


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """Generated pictures."""

    codes: Int64Array
    """`[count, tokens_per_image]`."""
    images: list[Image.Image] = field(repr=False)
    elapsed_s: float
    sampled_tokens: int
    """Image tokens of all candidates."""
    sampling_s: float
    """Time for sampling these tokens, without reranking and decoding to pixels."""


def generate_images(
    session: BackboneSession,
    text: str,
    config: DrawingConfig | None = None,
    *,
    count: int = 1,
    seed: int = 0,
    concept: PromptContext | None = None,
    on_progress: OnProgress | None = None,
) -> Drawn:
    """Draw `count` pictures of `text`, in which `{name}` stands for the concept (`{name:1}` for the next, …).

    Picture `i` depends on `seed + i` only: drawing it alone gives the same picture. `on_progress` may raise to stop.
    """
    started = time.perf_counter()
    spec = session.spec
    config = config or DrawingConfig()
    if count < 1:
        raise UsageError(tried="drawing", found=f"a count of {count}", fix="Draw at least one picture.")
    context = concept or PromptContext(session)
    prefills = [session.forward(_drawing_prompt(context, text)[None], context.prompt_cache)]
    if config.guidance != 1.0:
        begin_image = session.embed_text(spec.begin_image_ids)
        empty = np.concatenate([context.embed([Separator()]), begin_image])
        prefills.append(session.forward(empty[None], context.begin_cache))
    loop_started = time.perf_counter()
    seeds = [(seed + index, turn) for index in range(count) for turn in range(config.candidates)]
    batches = [seeds[first : first + MAX_BATCH] for first in range(0, len(seeds), MAX_BATCH)]
    total = len(seeds) * spec.tokens_per_image

    def report(done: int) -> None:
        if on_progress is not None:
            on_progress(Progress(done, total, "Drawing"))

    codes = np.concatenate(
        [
            _sample_batch(session, prefills, batch, config, number * MAX_BATCH, report)
            for number, batch in enumerate(batches)
        ]
    )
    sampling_s = time.perf_counter() - loop_started
    if config.candidates > 1:
        parts = []
        for first in range(0, len(codes), MAX_BATCH):
            report(total)
            batch = codes[first : first + MAX_BATCH]
            parts.append(recognition_scores(session, text, batch, concept))
        best = np.concatenate(parts).reshape(count, config.candidates).argmax(axis=1)
        codes = codes.reshape(count, config.candidates, -1)[np.arange(count), best]
    pictures = session.decode_images(codes)
    return Drawn(codes, pictures, time.perf_counter() - started, total, sampling_s)


def recognition_scores(
    session: BackboneSession, text: str, codes: Int64Array, concept: PromptContext | None = None
) -> Float32Array:
    """How well the model recognizes the request in drawings `[count, tokens_per_image]`; scores `[count]`.

    A score is the log-odds that the drawing shows the concept; without a concept, the log-likelihood of `text` as its
    description. With several concepts it is the smallest of their log-odds, since a drawing should show all of them.
    """
    pictures = [[drawing] for drawing in session.embed_image_codes(codes)]
    if concept is not None and concept.concepts:
        question = question_about_image(RECOGNITION_QUESTION)
        log_odds = [yes_no_logits(session, question, pictures, concept=one) for one in concept.concepts]
        smallest: Float32Array = np.min(log_odds, axis=0)
        return smallest
    context = concept or PromptContext(session)
    hidden, cache = prefill_answer(context, question_about_image(DESCRIBE_QUESTION), pictures)
    words = [*session.tokenize(text.rstrip(".!? ")), session.spec.end_id]
    return log_likelihood(context, hidden, cache, words)


def drawing_positions(context: PromptContext, text: str) -> int:
    """The number of positions in a sequence that draws `text`; a backbone allows `max_positions`."""
    before = len(_drawing_prompt(context, text))
    # The last code is sampled and no input.
    return context.prompt_length + before + context.session.spec.tokens_per_image - 1


def _drawing_prompt(context: PromptContext, text: str) -> Float32Array:
    """The request `[seq, hidden]` after `prompt_cache`, up to the token that begins the picture.

    The generation tokens of the named concepts precede the picture, as in training.
    """
    request = generation_request(text)
    begin_image = context.session.embed_text(context.session.spec.begin_image_ids)
    self_prompt = context.self_prompt("generation", request)
    return np.concatenate([context.embed(request), context.embed_ids(self_prompt), begin_image])


def _sample_batch(
    session: BackboneSession,
    prefills: Sequence[tuple[Float32Array, Cache]],
    seeds: Sequence[tuple[int, int]],
    config: DrawingConfig,
    before: int,
    report: Callable[[int], None],
) -> Int64Array:
    """Codes `[seeds, tokens_per_image]`; `prefills` are the request and, for guidance, the empty request.

    Each seed is a pair: the picture's seed and the number of the candidate.
    """
    count, length = len(seeds), session.spec.tokens_per_image
    sampling = config.sampling
    uniforms = np.stack([np.random.default_rng(seed).random(length) for seed in seeds])
    caches = [cache.repeat(count) for _, cache in prefills]
    cache = caches[0] if len(caches) == 1 else session.join(caches)
    hidden = np.concatenate([np.repeat(states[:, -1], count, axis=0) for states, _ in prefills])
    codes = np.zeros((count, length), dtype=np.int64)
    for position in range(length):
        report(before * length + position * count)
        logits = session.image_logits(hidden)
        if len(prefills) == 2:
            conditional, unconditional = logits[:count], logits[count:]
            logits = unconditional + np.float32(config.guidance) * (conditional - unconditional)
        codes[:, position] = sample_next_token(logits, sampling, uniforms[:, position])
        if position + 1 < length:
            embedded = session.embed_image_codes(np.tile(codes[:, position], len(prefills)))
            states, cache = session.forward(embedded[:, None], cache)
            hidden = states[:, -1]
    report((before + count) * length)
    return codes
