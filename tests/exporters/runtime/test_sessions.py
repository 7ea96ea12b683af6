"""Caches, batches and padding: however a sequence is cut or batched, its numbers stay."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from chameleon_checkpoints import SMALL
from PIL import Image

from exporters.runtime.session import BackboneSession
from personalizer.errors import UsageError

HIDDEN, MOST_POSITIONS = SMALL.hidden, SMALL.max_positions
CODES = math.prod(SMALL.levels)


@pytest.fixture(params=["fp32", "int8", "torch_session"])
def session(request: pytest.FixtureRequest) -> BackboneSession:
    found: BackboneSession = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def random() -> Callable[..., Any]:
    rng = np.random.default_rng(0)
    return lambda *shape: (rng.standard_normal(shape) * 0.3).astype(np.float32)


def test_cached_prefix_equals_the_whole_sequence(
    session: BackboneSession, random: Callable[..., Any]
) -> None:
    sequence = random(1, 20, HIDDEN)
    whole, _ = session.forward(sequence)
    _, prefix = session.forward(sequence[:, :12])
    rest, _ = session.forward(sequence[:, 12:], prefix)
    np.testing.assert_allclose(rest, whole[:, 12:], atol=1e-4)
    cache = prefix
    for position in range(12, 20):
        one, cache = session.forward(sequence[:, position : position + 1], cache)
        np.testing.assert_allclose(one[:, 0], whole[:, position], atol=1e-4)


def test_a_shared_prefix_is_not_changed(session: BackboneSession, random: Callable[..., Any]) -> None:
    _, prefix = session.forward(random(1, 9, HIDDEN))
    before = [array.copy() for array in session.cache_to_arrays(prefix)]
    first, second = random(3, 4, HIDDEN), random(1, 6, HIDDEN)
    once, _ = session.forward(first, prefix.repeat(3))
    session.forward(second, prefix)
    again, grown = session.forward(first, prefix.repeat(3))
    np.testing.assert_array_equal(once, again)
    assert (prefix.batch, prefix.length, grown.batch, grown.length) == (1, 9, 3, 13)
    for old, new in zip(before, session.cache_to_arrays(prefix), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_row_does_not_depend_on_its_batch(session: BackboneSession, random: Callable[..., Any]) -> None:
    batch = random(5, 11, HIDDEN)
    batch[4] *= 20  # an outlier must not change the scale at which the others are quantized
    together, _ = session.forward(batch)
    for row in range(4):
        alone, _ = session.forward(batch[row : row + 1])
        np.testing.assert_allclose(together[row], alone[0], atol=1e-4)


def test_joined_caches_of_different_lengths(session: BackboneSession, random: Callable[..., Any]) -> None:
    long, short, after = random(1, 10, HIDDEN), random(1, 3, HIDDEN), random(2, 2, HIDDEN)
    _, long_cache = session.forward(long)
    _, short_cache = session.forward(short)
    joined = session.join([long_cache, short_cache])
    first, cache = session.forward(after[:, :1], joined)
    second, _ = session.forward(after[:, 1:], cache)
    for row, alone in enumerate((long_cache, short_cache)):
        expected, _ = session.forward(after[row : row + 1], alone)
        np.testing.assert_allclose(first[row, 0], expected[0, 0], atol=1e-4)
        np.testing.assert_allclose(second[row, 0], expected[0, 1], atol=1e-4)


def test_padding_on_the_right(session: BackboneSession, random: Callable[..., Any]) -> None:
    sequences, after = random(2, 8, HIDDEN), random(2, 1, HIDDEN)
    mask = np.ones((2, 8), dtype=bool)
    mask[1, 5:] = False
    _, cache = session.forward(sequences, mask=mask)
    found, _ = session.forward(after, cache)
    _, alone = session.forward(sequences[1:, :5])
    expected, _ = session.forward(after[1:], alone)
    np.testing.assert_allclose(found[1], expected[0], atol=1e-4)


def test_caches_can_be_stored(session: BackboneSession, random: Callable[..., Any]) -> None:
    _, cache = session.forward(random(1, 5, HIDDEN))
    after = random(1, 2, HIDDEN)
    restored = session.cache_from_arrays(session.cache_to_arrays(cache))
    np.testing.assert_array_equal(session.forward(after, restored)[0], session.forward(after, cache)[0])


def test_too_long_and_misfitting_input(session: BackboneSession, random: Callable[..., Any]) -> None:
    with pytest.raises(UsageError, match=f"at most {MOST_POSITIONS}"):
        session.forward(random(1, MOST_POSITIONS + 1, HIDDEN))
    with pytest.raises(ValueError, match="do not fit"):
        session.forward(random(1, 3, HIDDEN // 2))


def test_pictures_and_words_round_trip(session: BackboneSession, pictures: list[Image.Image]) -> None:
    codes = session.encode_images(pictures)
    assert codes.shape == (3, 16)
    assert len(np.unique(codes)) > 3
    np.testing.assert_array_equal(session.image_context(pictures), session.embed_image_codes(codes))
    drawn = session.decode_images(codes)
    assert [(picture.size, picture.mode) for picture in drawn] == [((16, 16), "RGB")] * 3
    assert session.detokenize(session.tokenize("a dog?")).replace(" ", "") == "adog?"


def test_text_head_never_writes_image_codes(
    session: BackboneSession, backbone: Any, random: Callable[..., Any]
) -> None:
    hidden = random(2, 3, HIDDEN)
    logits = session.text_logits(hidden)
    assert logits.shape == (2, 3, session.spec.text_vocabulary)
    never = [np.flatnonzero(row < -1e30).tolist() for row in logits.reshape(6, -1)]
    assert never == [sorted(backbone.image_ids.tolist())] * 6
    assert session.image_logits(hidden).shape == (2, 3, CODES)
