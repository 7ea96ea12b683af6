"""Token loops over a session: answers, the likelihood of "yes", and pictures.

Knows the order of tokens that training used; knows no wording, no file and no user.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from exporters.runtime.prompt_context import PromptContext, ReadImage
from exporters.runtime.session import BackboneSession, Cache
from personalizer.errors import JobCancelled, UsageError
from personalizer.prefix.prompts import (
    DESCRIBE_QUESTION,
    NO,
    RECOGNITION_QUESTION,
    YES,
    Segment,
    Separator,
    generation_request,
    question_about_image,
)
from personalizer.schemas import Float32Array, Int64Array, OnProgress, Progress

MAX_BATCH = 8
"""Pictures drawn at a time; the result does not depend on it."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is chosen; a temperature of 0 takes the likeliest."""

    temperature: float = 0.0
    top_k: int = 0
    """Only the likeliest `top_k` take part; 0 means all."""
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("temperature", "top_k", "seed"):
            value = getattr(self, name)
            if not value >= 0:
                raise UsageError(
                    tried="choosing tokens", found=f"{name} is {value}", fix=f"Use a {name} of 0 or more."
                )


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model said."""

    text: str
    ids: list[int]
    """Text ids and learned ids, without the end."""
    stopped: Literal["end", "length"]
    elapsed_s: float


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """What the model drew."""

    codes: Int64Array
    """`[count, tokens_per_image]`."""
    images: list[Image.Image] = field(repr=False)
    elapsed_s: float
    sampled_tokens: int
    """Image tokens of all candidates."""
    sampling_s: float
    """What these took; choosing among candidates and decoding to pixels left out."""


def answer(
    session: BackboneSession,
    segments: Sequence[Segment],
    images: Sequence[ReadImage] = (),
    *,
    concept: PromptContext | None = None,
    sampling: Sampling | None = None,
    max_tokens: int = 64,
    forced: bool = True,
    on_text: Callable[[str], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Answer:
    """Answer a prompt that ends with a `Separator`.

    With a `concept`, its understanding rows come first in the answer: `forced` there, or chosen by the model. With
    several, those of the concepts that the prompt names.
    `on_text` receives the text in pieces as it grows. Raises `JobCancelled` when `cancelled` returns True.
    """
    started = time.perf_counter()
    context = concept or PromptContext(session)
    chosen = sampling or Sampling()
    uniform = np.random.default_rng(chosen.seed)
    hidden, cache = _read_prompt(context, [segments], [images], forced)
    ids: list[int] = []
    text = ""
    stopped: Literal["end", "length"] = "length"
    while len(ids) < max_tokens:
        if cancelled is not None and cancelled():
            raise JobCancelled
        token = int(_choose(context.logits(hidden), chosen, uniform.random(1))[0])
        if token == session.spec.end_id:
            stopped = "end"
            break
        ids.append(token)
        grown = render(context, ids)
        # An incomplete character is held back until its other bytes arrive.
        if on_text is not None and grown.startswith(text) and not grown.endswith("�") and grown != text:
            on_text(grown[len(text) :])
            text = grown
        if len(ids) < max_tokens:
            states, cache = session.forward(context.embed_ids([token])[None], cache)
            hidden = states[:, -1]
    return Answer(render(context, ids).strip(), ids, stopped, time.perf_counter() - started)


def render(context: PromptContext, ids: Sequence[int]) -> str:
    """The words of an answer: a name row becomes the concept's name, the other learned rows are silent."""
    vocabulary = context.session.spec.text_vocabulary
    names = {
        int(row): one.display_name
        for place, one in enumerate(context.concepts)
        for row in context.row_ids("name", place)
    }
    parts: list[str] = []
    words: list[int] = []
    for token in [*ids, None]:
        if token is not None and token < vocabulary:
            words.append(token)
        elif token is None or token in names:
            parts.append(context.session.detokenize(words))
            words = []
            if token is not None:
                parts.append(names[token])
    return "".join(parts)


def yes_no_logit(
    session: BackboneSession,
    segments: Sequence[Segment],
    images: Sequence[ReadImage] = (),
    *,
    concept: PromptContext | None = None,
    forced: bool = True,
) -> float:
    """log P(yes) − log P(no) as the answer to a prompt that ends with a `Separator`."""
    return float(yes_no_logits(session, segments, [images], concept=concept, forced=forced)[0])


def yes_no_logits(
    session: BackboneSession,
    segments: Sequence[Segment],
    images: Sequence[Sequence[ReadImage]],
    *,
    concept: PromptContext | None = None,
    forced: bool = True,
) -> Float32Array:
    """`yes_no_logit` `[questions]` for one question about several sets of images, in one batch."""
    context = concept or PromptContext(session)
    hidden, cache = before_answer(context, segments, images, forced=forced)
    yes = log_likelihood(context, hidden, cache, session.tokenize(YES))
    no = log_likelihood(context, hidden, cache, session.tokenize(NO))
    return yes - no


def before_answer(
    context: PromptContext,
    segments: Sequence[Segment],
    images: Sequence[Sequence[ReadImage]],
    *,
    forced: bool = True,
) -> tuple[Float32Array, Cache]:
    """What predicts the first word of the answers to one prompt about several sets of images, `[images, hidden]`.

    It stands behind the understanding rows of the concepts that are named: all of them (`forced`), or as many as the
    model chooses to write.
    """
    hidden, cache = _read_prompt(context, [segments] * len(images), images, forced)
    if forced:
        return hidden, cache
    return _let_understand(context, context.self_prompt("understanding", segments), hidden, cache)


def log_likelihood(
    context: PromptContext, hidden: Float32Array, cache: Cache, ids: Sequence[int]
) -> Float32Array:
    """Log-probability `[batch]` of continuing with `ids`; `hidden` `[batch, hidden]` predicts the first."""
    states = hidden[:, None]
    if len(ids) > 1:
        embedded = np.repeat(context.embed_ids(ids[:-1])[None], len(hidden), axis=0)
        states = np.concatenate([states, context.session.forward(embedded, cache)[0]], axis=1)
    logits = context.logits(states)
    top = logits.max(axis=-1, keepdims=True)
    normaliser = (top + np.log(np.exp(logits - top).sum(axis=-1, keepdims=True)))[..., 0]
    result: Float32Array = (logits[:, np.arange(len(ids)), list(ids)] - normaliser).sum(axis=1)
    return result


def _choose(logits: Float32Array, sampling: Sampling, uniform: npt.NDArray[np.float64]) -> Int64Array:
    """The next token `[batch]` from `[batch, vocabulary]`: its distribution inverted at `uniform`."""
    if sampling.temperature == 0:
        return np.asarray(logits.argmax(axis=-1), dtype=np.int64)
    scaled = logits.astype(np.float64) / sampling.temperature
    if 0 < sampling.top_k < scaled.shape[-1]:
        threshold = np.partition(scaled, -sampling.top_k, axis=-1)[:, -sampling.top_k, None]
        scaled = np.where(scaled < threshold, -np.inf, scaled)
    weights = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    cumulative = np.cumsum(weights, axis=-1)
    drawn = (cumulative <= uniform[:, None] * cumulative[:, -1:]).sum(axis=-1)
    return np.asarray(np.minimum(drawn, logits.shape[-1] - 1), dtype=np.int64)


def generate_images(
    session: BackboneSession,
    text: str,
    *,
    count: int = 1,
    seed: int = 0,
    concept: PromptContext | None = None,
    temperature: float = 1.0,
    top_k: int = 0,
    guidance: float = 1.0,
    candidates: int = 1,
    forced: bool = True,
    on_progress: OnProgress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Drawn:
    """Draw `count` pictures of `text`, in which `{name}` stands for the concept (`{name:1}` for the next, …).

    Picture `i` depends on `seed + i` only: drawing it alone gives the same picture. `guidance` above 1 moves
    the prediction away from what the model draws for an empty request (classifier-free guidance). Of
    `candidates` the one is kept in which the model itself best recognises what was asked for. `forced`
    puts the generation rows of the named concepts before the picture, as in training. Raises `JobCancelled` when
    `cancelled` returns True.
    """
    started = time.perf_counter()
    spec = session.spec
    for name, value in (("count", count), ("number of candidates", candidates)):
        if value < 1:
            raise UsageError(tried="drawing", found=f"a {name} of {value}", fix="Draw at least one picture.")
    sampling = Sampling(temperature=temperature, top_k=top_k, seed=seed)
    context = concept or PromptContext(session)
    starts = [session.forward(_drawing_prompt(context, text, forced)[None], context.start)]
    if guidance != 1.0:
        begin_image = session.embed_text(spec.begin_image_ids)
        empty = np.concatenate([context.embed([Separator()]), begin_image])
        starts.append(session.forward(empty[None], context.bare_start))
    loop_started = time.perf_counter()
    seeds = [(seed + index, turn) for index in range(count) for turn in range(candidates)]
    batches = [seeds[first : first + MAX_BATCH] for first in range(0, len(seeds), MAX_BATCH)]
    total = len(seeds) * spec.tokens_per_image

    def report(done: int) -> None:
        if cancelled is not None and cancelled():
            raise JobCancelled
        if on_progress is not None:
            on_progress(Progress(done, total, "Drawing"))

    codes = np.concatenate(
        [
            _draw_batch(session, starts, batch, sampling, guidance, number * MAX_BATCH, report)
            for number, batch in enumerate(batches)
        ]
    )
    sampling_s = time.perf_counter() - loop_started
    if candidates > 1:
        parts = []
        for first in range(0, len(codes), MAX_BATCH):
            report(total)
            parts.append(recognised(session, text, codes[first : first + MAX_BATCH], concept, forced=forced))
        best = np.concatenate(parts).reshape(count, candidates).argmax(axis=1)
        codes = codes.reshape(count, candidates, -1)[np.arange(count), best]
    pictures = session.decode_images(codes)
    return Drawn(codes, pictures, time.perf_counter() - started, total, sampling_s)


def recognised(
    session: BackboneSession,
    text: str,
    codes: Int64Array,
    concept: PromptContext | None = None,
    *,
    forced: bool = True,
) -> Float32Array:
    """How well the model recognises in drawings `[count, tokens_per_image]` what they were to show, `[count]`.

    The log-odds that the concept is in them, whatever else `text` asks for, or, without a concept, the log-likelihood
    of `text` as their description. Of several concepts, each asked for alone, the one that is hardest to recognise
    counts: no drawing should do without it.
    """
    pictures = [[drawing] for drawing in session.embed_image_codes(codes)]
    if concept is not None and concept.concepts:
        question = question_about_image(RECOGNITION_QUESTION)
        seen = [
            yes_no_logits(session, question, pictures, concept=one, forced=forced) for one in concept.concepts
        ]
        weakest: Float32Array = np.min(seen, axis=0)
        return weakest
    context = concept or PromptContext(session)
    hidden, cache = before_answer(context, question_about_image(DESCRIBE_QUESTION), pictures)
    words = [*session.tokenize(text.rstrip(".!? ")), session.spec.end_id]
    return log_likelihood(context, hidden, cache, words)


def drawing_positions(context: PromptContext, text: str) -> int:
    """How many positions a drawing of `text` takes, up to its last token; a backbone has `max_positions`."""
    before = len(_drawing_prompt(context, text, forced=True))
    # The last code is sampled and never read.
    return context.start_length + before + context.session.spec.tokens_per_image - 1


def _drawing_prompt(context: PromptContext, text: str, forced: bool) -> Float32Array:
    """The request `[seq, hidden]` up to the token that begins the picture, without what `start` already has."""
    request = generation_request(text)
    begin_image = context.session.embed_text(context.session.spec.begin_image_ids)
    rows = context.self_prompt("generation", request) if forced else np.zeros(0, dtype=np.int64)
    return np.concatenate([context.embed(request), context.embed_ids(rows), begin_image])


def _draw_batch(
    session: BackboneSession,
    starts: Sequence[tuple[Float32Array, Cache]],
    seeds: Sequence[tuple[int, int]],
    sampling: Sampling,
    guidance: float,
    before: int,
    report: Callable[[int], None],
) -> Int64Array:
    """Codes `[seeds, tokens_per_image]`. `starts` is the request and, for guidance, the empty request.

    A seed is that of the picture, and which of its candidates this is.
    """
    count, length = len(seeds), session.spec.tokens_per_image
    uniforms = np.stack([np.random.default_rng(seed).random(length) for seed in seeds])
    caches = [cache.repeat(count) for _, cache in starts]
    cache = caches[0] if len(caches) == 1 else session.join(caches)
    hidden = np.concatenate([np.repeat(states[:, -1], count, axis=0) for states, _ in starts])
    codes = np.zeros((count, length), dtype=np.int64)
    for position in range(length):
        report(before * length + position * count)
        logits = session.image_logits(hidden)
        if len(starts) == 2:
            wanted, empty = logits[:count], logits[count:]
            logits = empty + np.float32(guidance) * (wanted - empty)
        codes[:, position] = _choose(logits, sampling, uniforms[:, position])
        if position + 1 < length:
            embedded = session.embed_image_codes(np.tile(codes[:, position], len(starts)))
            states, cache = session.forward(embedded[:, None], cache)
            hidden = states[:, -1]
    report((before + count) * length)
    return codes


def _read_prompt(
    context: PromptContext,
    prompts: Sequence[Sequence[Segment]],
    images: Sequence[Sequence[ReadImage]],
    forced: bool,
) -> tuple[Float32Array, Cache]:
    """The hidden states `[batch, hidden]` behind prompts of equal length, which predict the first word."""
    embedded = [context.embed(segments, shown) for segments, shown in zip(prompts, images, strict=True)]
    if forced and context.concepts:
        embedded = [
            np.concatenate([sequence, context.embed_ids(context.self_prompt("understanding", segments))])
            for sequence, segments in zip(embedded, prompts, strict=True)
        ]
    states, cache = context.session.forward(np.stack(embedded), context.start.repeat(len(embedded)))
    return states[:, -1], cache


def _let_understand(
    context: PromptContext, rows: Int64Array, hidden: Float32Array, cache: Cache
) -> tuple[Float32Array, Cache]:
    """Let the model write of the understanding rows `rows` for as long as it wants to, at most as many as there are.

    Runs a batch in step; it stops as soon as no sequence wants another.
    """
    for _ in range(len(rows)):
        chosen = context.logits(hidden).argmax(axis=-1)
        wants = np.isin(chosen, rows)
        if not wants.any():
            break
        embedded = context.embed_ids(np.where(wants, chosen, rows[0]))[:, None]
        states, cache = context.session.forward(embedded, cache, wants[:, None])
        hidden = np.where(wants[:, None], states[:, -1], hidden)
    return hidden, cache
