"""What rows begin as where it is known which pieces of the pictures lie on the thing."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from personalizer.backbones.base import Backbone
from personalizer.backbones.registry import load_backbone
from personalizer.training.initialization import Start, starting_rows

PICTURES = torch.arange(32).reshape(2, 16)
"""Two pictures in which every piece has another code."""


@pytest.fixture(scope="module")
def backbone(pocket_like: Path) -> Backbone:
    return load_backbone(str(pocket_like), "cpu")


def began_as(
    backbone: Backbone, on_thing: torch.Tensor | None, count: int, start: Start = "thing"
) -> list[int]:
    """The codes whose embeddings the rows behind the name are."""
    rows = starting_rows(backbone, PICTURES, 1 + count, start, 0, on_thing)
    torch.testing.assert_close(rows[0], backbone.name_prior().to(rows))
    pieces = backbone.embed_image_codes(PICTURES.flatten()).float()
    return [int((pieces == row).all(dim=1).nonzero()) for row in rows[1:]]


def test_rows_begin_as_pieces_of_the_thing(backbone: Backbone) -> None:
    on_thing = torch.zeros(2, 16, dtype=torch.bool)
    on_thing[0, 5:11] = on_thing[1, 4:12] = True
    chosen = began_as(backbone, on_thing, 6)
    assert len(set(chosen)) == 6 and all(on_thing.flatten()[code] for code in chosen)
    assert {code // 16 for code in chosen} == {0, 1}, "of both pictures"
    places = [code % 16 for code in chosen]
    assert min(places) <= 5 and max(places) >= 10, "from its top to its bottom"
    assert sorted(began_as(backbone, on_thing, 14)) == on_thing.flatten().nonzero().flatten().tolist()


def test_where_too_few_are_known_rows_begin_as_any_pieces(backbone: Backbone) -> None:
    few = torch.zeros(2, 16, dtype=torch.bool)
    few[0, :5] = True
    anywhere = began_as(backbone, None, 6, "pieces")
    assert began_as(backbone, None, 6) == anywhere
    assert began_as(backbone, few, 6) == anywhere
    assert began_as(backbone, few, 5) == [0, 1, 2, 3, 4]


def test_other_beginnings_know_no_thing(backbone: Backbone) -> None:
    on_thing = torch.ones(2, 16, dtype=torch.bool)
    others: tuple[Start, ...] = ("pieces", "mean", "random")
    for start in others:
        with_mask, without = (
            starting_rows(backbone, PICTURES, 7, start, 0, known) for known in (on_thing, None)
        )
        assert torch.equal(with_mask, without)
