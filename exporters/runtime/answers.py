"""Generates answers token by token, and computes how likely a given answer is.

Tokens have the same order as in training. This module knows no wording, no file and no user.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from exporters.runtime.prompt_context import PromptContext, ReadImage
from exporters.runtime.sampling import Sampling, sample_next_token
from exporters.runtime.session import BackboneSession, Cache
from personalizer.prefix.prompts import (
    NO,
    YES,
    Segment,
)
from personalizer.schemas import Float32Array, Int64Array


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the model."""

    text: str
    ids: list[int]
    """Ids of text and of virtual tokens, without the end token."""
    stopped: Literal["end", "length"]
    elapsed_s: float


def answer(
    session: BackboneSession,
    segments: Sequence[Segment],
    images: Sequence[ReadImage] = (),
    *,
    concept: PromptContext | None = None,
    sampling: Sampling | None = None,
    max_tokens: int = 64,
    forced: bool = True,
) -> Answer:
    """Answer a prompt that ends with a `Separator`.

    With a `concept`, the answer begins with its understanding tokens: all of them (`forced`), or as many as the model
    emits. With several concepts, with those of the concepts that the prompt names.
    """
    started = time.perf_counter()
    context = concept or PromptContext(session)
    chosen = sampling or Sampling()
    uniform = np.random.default_rng(chosen.seed)
    hidden, cache = prefill(context, [segments], [images], forced)
    ids: list[int] = []
    stopped: Literal["end", "length"] = "length"
    while len(ids) < max_tokens:
        token = int(sample_next_token(context.logits(hidden), chosen, uniform.random(1))[0])
        if token == session.spec.end_id:
            stopped = "end"
            break
        ids.append(token)
        if len(ids) < max_tokens:
            states, cache = session.forward(context.embed_ids([token])[None], cache)
            hidden = states[:, -1]
    return Answer(render(context, ids).strip(), ids, stopped, time.perf_counter() - started)


def render(context: PromptContext, ids: Sequence[int]) -> str:
    """The words of an answer: a name token becomes the concept's name, other virtual tokens are left out."""
    vocabulary = context.session.spec.text_vocabulary
    names = {
        int(token): concept.display_name
        for index, concept in enumerate(context.concepts)
        for token in context.virtual_token_ids("name", index)
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


def yes_no_logits(
    session: BackboneSession,
    segments: Sequence[Segment],
    images: Sequence[Sequence[ReadImage]],
    *,
    concept: PromptContext | None = None,
    forced: bool = True,
) -> Float32Array:
    """log P(yes) − log P(no) `[images]` as the answers to one prompt that ends with a `Separator`, in one batch."""
    context = concept or PromptContext(session)
    hidden, cache = prefill_answer(context, segments, images, forced=forced)
    yes = log_likelihood(context, hidden, cache, session.tokenize(YES))
    no = log_likelihood(context, hidden, cache, session.tokenize(NO))
    return yes - no


def prefill_answer(
    context: PromptContext,
    segments: Sequence[Segment],
    images: Sequence[Sequence[ReadImage]],
    *,
    forced: bool = True,
) -> tuple[Float32Array, Cache]:
    """Prefill one prompt with several sets of images; return the hidden states `[images, hidden]` before the answers.

    The self-prompt is part of it: all understanding tokens of the named concepts (`forced`), or as many as the model
    emits.
    """
    hidden, cache = prefill(context, [segments] * len(images), images, forced)
    if forced:
        return hidden, cache
    return _emit_self_prompt(context, context.self_prompt("understanding", segments), hidden, cache)


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
    normalizer = (top + np.log(np.exp(logits - top).sum(axis=-1, keepdims=True)))[..., 0]
    result: Float32Array = (logits[:, np.arange(len(ids)), list(ids)] - normalizer).sum(axis=1)
    return result


def prefill(
    context: PromptContext,
    prompts: Sequence[Sequence[Segment]],
    images: Sequence[Sequence[ReadImage]],
    forced: bool,
) -> tuple[Float32Array, Cache]:
    """Run prompts of equal length; return the last hidden states `[batch, hidden]`, which predict the first word."""
    embedded = [context.embed(segments, shown) for segments, shown in zip(prompts, images, strict=True)]
    if forced and context.concepts:
        embedded = [
            np.concatenate([sequence, context.embed_ids(context.self_prompt("understanding", segments))])
            for sequence, segments in zip(embedded, prompts, strict=True)
        ]
    states, cache = context.session.forward(np.stack(embedded), context.prompt_cache.repeat(len(embedded)))
    return states[:, -1], cache


def _emit_self_prompt(
    context: PromptContext, understanding: Int64Array, hidden: Float32Array, cache: Cache
) -> tuple[Float32Array, Cache]:
    """Decode greedily while the likeliest token is one of the `understanding` tokens, at most as many as there are.

    The sequences of a batch run in step, until none of them emits another.
    """
    for _ in range(len(understanding)):
        likeliest = context.logits(hidden).argmax(axis=-1)
        emits = np.isin(likeliest, understanding)
        if not emits.any():
            break
        embedded = context.embed_ids(np.where(emits, likeliest, understanding[0]))[:, None]
        states, cache = context.session.forward(embedded, cache, emits[:, None])
        hidden = np.where(emits[:, None], states[:, -1], hidden)
    return hidden, cache
