"""Trained concepts in a real, tiny backbone, as the library knows them now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from assistant.answers.backbone_service import MAX_COMBINATIONS, BackboneService, as_trained
from assistant.language.parse import parse
from personalizer.home import Home
from personalizer.library.library import Library
from personalizer.prefix.prompts import name_slot
from personalizer.schemas import Concept

Know = Callable[..., Concept]


@pytest.fixture
def library(home: Home) -> Iterator[Library]:
    with Library.open(home.database) as opened:
        yield opened


@pytest.mark.parametrize("cached", [False, True])
def test_answers_use_the_current_name(home: Home, library: Library, exported: Any, cached: bool) -> None:
    import torch

    from exporters.onnx.prefix import export_concept
    from exporters.runtime.answers import render
    from personalizer.prefix.dual_prefix import DualPrefix, DualPrefixConfig, save_prefix

    serving = BackboneService(home, str(exported.checkpoint))
    spec = serving.session.spec
    concept = library.create_concept("object", "Bo")
    directory = home.concepts / str(concept.id)
    config = DualPrefixConfig(generation_tokens=2, understanding_tokens=2)
    prefix = DualPrefix(config, torch.randn(config.num_virtual_tokens, spec.hidden_size), output_scale=0.1)
    save_prefix(prefix, directory, spec=spec, concept={"id": concept.id, "name": "Bo"}, training={})
    if cached:
        export_concept(serving.session, directory)
    library.set_prefix(concept.id, backbone=spec.version, directory=directory, state="ready")

    name_row = [spec.text_vocabulary]
    before = serving.concept(library.concept(concept.id))
    assert before is not None and render(before, name_row) == "Bo"
    renamed = library.rename_concept(concept.id, "Max")
    after = serving.concept(renamed)
    assert after is not None and render(after, name_row) == "Max"
    assert after.prompt_cache_was_stored == cached, "a new name is no reason to compute anything again"
    assert serving.concept(renamed) is after


@pytest.mark.parametrize(
    ("text", "names", "slots"),
    [
        ("Bo on a beach", ["Bo"], "{name} on a beach"),
        ("Bo and the striped mug on a Beach", ["Bo", "striped mug"], "{name} and the {name:1} on a beach"),
        ("the striped mug, bo, and BO", ["striped mug", "Bo"], "the {name}, {name:1}, and {name:1}"),
        # An ordinary word is a name only where it is written as one.
        ("a boat that will sail, with Will on it", ["Will"], "a boat that will sail, with {name} on it"),
        ("a mug and a striped mug", ["mug", "striped mug"], "a {name} and a {name:1}"),
        ("Bob said Bo-at, Boo {Bo}", ["Bo"], "bob said {name}-at, boo ({name})"),
        ("a {name:1} and nobody", [], "a (name:1) and nobody"),
    ],
)
def test_names_give_way_to_the_slots_of_their_concepts(text: str, names: list[str], slots: str) -> None:
    words = parse(text, names).with_slots({name: name_slot(place) for place, name in enumerate(names)})
    assert as_trained(words) == slots


def test_a_combination_is_put_together_once(
    home: Home, library: Library, exported: Any, know_prefix: Know
) -> None:
    serving = BackboneService(home, str(exported.checkpoint))
    bo, mug, cup = (know_prefix(library, name) for name in ("Bo", "striped mug", "cup"))
    untrained = library.create_concept("object", "Kim")
    assert serving.together([]) is None and serving.together([untrained]) is None
    assert serving.together([bo, untrained]) is serving.concept(bo), "one concept is served as ever"
    both = serving.together([bo, mug])
    assert both is not None and [one.display_name for one in both.concepts] == ["Bo", "striped mug"]
    assert both.prompt_cache is both.prompt_cache
    assert serving.together([bo, mug]) is both
    other = serving.together([mug, bo])
    assert other is not None and [one.display_name for one in other.concepts] == ["striped mug", "Bo"]
    max_ = library.rename_concept(bo.id, "Max")
    renamed = serving.together([max_, mug])
    assert renamed is not None and renamed is not both and renamed.concepts[0].display_name == "Max"
    serving.forget(bo.id)
    assert not any(bo.id in ids for ids in serving.combinations), "nothing of a forgotten concept is kept"
    for pair in ([bo, cup], [cup, bo], [mug, cup], [cup, mug], [bo, mug], [bo, mug, cup]):
        serving.together(pair)
    assert len(serving.combinations) == MAX_COMBINATIONS


def test_as_many_concepts_are_taken_as_the_backbone_can_read(
    home: Home, library: Library, exported: Any, know_prefix: Know
) -> None:
    serving = BackboneService(home, str(exported.checkpoint))
    # Of 256 positions, each takes about 64 and, to be drawn, 30 more.
    big = [know_prefix(library, name, rows=30) for name in ("Ada", "Ben", "Cleo", "Dan")]
    small = know_prefix(library, "Eve")
    untrained = library.create_concept("object", "Fay")
    words = parse("Ada, Ben, Cleo, Eve and Fay", ["Ada", "Ben", "Cleo", "Dan", "Eve", "Fay"])
    drawn = serving.fitting_drawing(words, [*big[:3], small, untrained])
    assert [concept.name for concept in drawn] == ["Ada", "Ben", "Eve"]
    pictures, _, _ = serving.draw(words, drawn, seed=1)
    assert len(pictures) == 1
