"""Trained concepts in a real, tiny backbone, as the library knows them now."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from assistant.serving import Serving
from personalizer.library import Library
from personalizer.locations import Home


@pytest.fixture
def library(home: Home) -> Iterator[Library]:
    with Library.open(home.database) as opened:
        yield opened


@pytest.mark.parametrize("cached", [False, True])
def test_answers_use_the_current_name(home: Home, library: Library, exported: Any, cached: bool) -> None:
    import torch

    from exporters.runtime.concept import export_concept
    from exporters.runtime.generation import render
    from personalizer.dual_prefix import DualPrefix, DualPrefixConfig, save_prefix

    serving = Serving(home, str(exported.checkpoint))
    spec = serving.session.spec
    concept = library.create_concept("object", "Bo")
    directory = home.concepts / str(concept.id)
    config = DualPrefixConfig(generation_rows=2, understanding_rows=2)
    prefix = DualPrefix(config, torch.randn(config.rows, spec.hidden_size), output_scale=0.1)
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
    assert (after._stored is not None) == cached, "a new name is no reason to compute anything again"
    assert serving.concept(renamed) is after
