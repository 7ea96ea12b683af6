"""The share of a prompt that survives, from hits that are known; the judge that ships, on real renders and drawings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from assistant.demo.run import read_samples
from assistant.evaluation.drawing import fidelity
from assistant.evaluation.drawing.backbone_report import place_of
from assistant.evaluation.drawing.encoder import IndependentEncoder
from assistant.evaluation.drawing.fidelity import (
    PLACES,
    Followed,
    PlaceJudge,
    read_judge,
    share_interval,
    share_kept,
)
from assistant.evaluation.drawing.generation import class_request
from assistant.evaluation.drawing.probe import ProbeWeights
from personalizer.errors import CorruptArtifactError
from personalizer.home import Home
from personalizer.photos.decode import load_photo
from personalizer.prefix.prompts import GENERATION_TEXT
from personalizer.schemas import Float32Array, FloatArray


def _hits(share: float, drawings: int = 20) -> FloatArray:
    """`[5, drawings]`, of which `share` are 1."""
    flat = np.arange(5 * drawings) < round(share * 5 * drawings)
    return flat.astype(np.float64).reshape(drawings, 5).T


@pytest.fixture
def judge(tmp_path: Path) -> PlaceJudge:
    """What ships; its encoder is not converted before it looks at a picture."""
    return read_judge(IndependentEncoder(tmp_path / "models"))


def test_the_share_is_of_what_both_do_above_guessing() -> None:
    assert share_kept(_hits(0.6), _hits(1.0), 0.2) == pytest.approx(0.5)
    assert share_kept(_hits(1.0), _hits(1.0), 0.2) == 1.0
    assert share_kept(_hits(0.2), _hits(1.0), 0.2) == 0.0, "guessing keeps nothing"
    assert share_kept(_hits(0.1), _hits(0.6), 0.2) == pytest.approx(-0.25)


def test_there_is_no_share_of_a_backbone_that_guesses_itself() -> None:
    assert share_kept(_hits(0.9), _hits(0.2), 0.2) is None
    assert share_kept(_hits(0.9), _hits(0.25), 0.2) is None, "a hundred guesses can give as much"
    assert share_kept(_hits(0.3), _hits(0.4), 0.2) == pytest.approx(0.5)
    assert share_kept(_hits(1.0, 1), _hits(0.4, 1), 0.2) is None, "and five more easily"
    assert share_kept(np.zeros((0, 5, 1)), np.zeros((0, 5, 1)), 0.2) is None


def test_drawings_that_have_nothing_to_do_with_the_place_keep_nothing(judge: PlaceJudge) -> None:
    """Whatever a judge takes them for, also if always the same: all places are asked for equally often."""
    ignoring = np.zeros((5, 20))
    ignoring[3] = 1.0
    assert share_kept(ignoring, _hits(1.0), judge.chance) == 0.0


def test_a_class_that_the_backbone_knows_nothing_of_has_no_share_and_decides_nothing(
    judge: PlaceJudge,
) -> None:
    known = Followed(_hits(0.6), _hits(1.0))
    unknown = Followed(_hits(0.2), _hits(0.2))
    report = fidelity.fidelity(judge, {"dog": [known], "zxqv": [unknown, unknown]}, seed=0)
    assert report["per_concept"]["dog"]["prompt_fidelity"] == pytest.approx(0.5)
    assert report["per_concept"]["zxqv"]["prompt_fidelity"] is None
    assert report["prompt_fidelity"] == pytest.approx(0.5), "not a mean of one half and a share of nothing"
    assert report["prompt_fidelity_detail"]["with_concept"] == pytest.approx(0.4)
    assert report["prompt_fidelity_detail"]["no_concept"] == pytest.approx(0.6)
    assert "prompt_fidelity_reason" not in report
    assert json.loads(json.dumps(report, allow_nan=False)) == report


def test_without_anything_to_keep_the_report_says_why(judge: PlaceJudge) -> None:
    for concepts in ({}, {"zxqv": [Followed(_hits(0.5), _hits(0.2))]}):
        report = fidelity.fidelity(judge, concepts, seed=0)
        assert report["prompt_fidelity"] is None and report["prompt_fidelity_reason"] == fidelity.AT_CHANCE
        assert report["prompt_fidelity_detail"]["interval"] is None
        json.dumps(report, allow_nan=False)


def test_places_are_told_apart_in_the_report(judge: PlaceJudge) -> None:
    no_beach = np.ones((5, 4))
    no_beach[judge.places.index("on a beach")] = 0.0
    places = fidelity.fidelity(judge, {"dog": [Followed(no_beach, np.ones((5, 4)))]}, 0)[
        "prompt_fidelity_detail"
    ]["places"]
    assert places["on a beach"] == {"with_concept": 0.0, "no_concept": 1.0}
    assert places["in the snow"] == {"with_concept": 1.0, "no_concept": 1.0}


def test_the_interval_spans_the_share_and_narrows_with_more_drawings() -> None:
    few, many = (
        share_interval(np.stack([_hits(0.6, n)] * 3), np.stack([_hits(0.9, n)] * 3), 0.2, seed=0)
        for n in (2, 40)
    )
    share = share_kept(_hits(0.6, 40), _hits(0.9, 40), 0.2)
    assert few[0] is not None and few[1] is not None and many[0] is not None and many[1] is not None
    assert share is not None and few[0] < many[0] < share < many[1] < few[1]
    assert share_interval(np.ones((2, 5, 4)), np.ones((2, 5, 4)), 0.2, 0) == [1.0, 1.0]
    barely = np.zeros((1, 5, 4))
    barely[0, :, :1] = 1.0
    assert share_interval(np.ones((1, 5, 4)), barely, 0.2, 0)[1] is None, "no bound above a bare guess"


def test_all_places_are_asked_for_equally_often_and_in_the_words_of_training(judge: PlaceJudge) -> None:
    assert sorted(judge.places) == sorted(PLACES)
    assert [judge.per_place(samples) for samples in (1, 5, 6, 20)] == [1, 1, 2, 4]
    assert "a photo of {name} on a beach." in fidelity.in_places(judge, GENERATION_TEXT)
    assert "a photo of an apple in the snow." in fidelity.in_places(judge, class_request("apple"))


def test_the_judge_that_ships_says_what_it_was_made_of(judge: PlaceJudge) -> None:
    accuracy = judge.provenance["accuracy"]
    assert accuracy["renders"] > 0.95 and accuracy["reconstructed"] > 0.9
    assert judge.provenance["tested"] >= 300


def test_a_judge_for_another_encoder_or_a_damaged_one_is_refused(
    judge: PlaceJudge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = IndependentEncoder(tmp_path)
    rows = np.arange(2 * 1280, dtype=np.float32).reshape(1280, 2).T
    weights = ProbeWeights(("here", "there"), rows, np.zeros(2, np.float32))
    path = tmp_path / "judge.safetensors"
    fidelity.write_judge(weights, {"accuracy": {}}, path)
    assert read_judge(encoder, path).places == ("here", "there")
    assert np.array_equal(load_file(path)["coefficients"], rows), "also where rows are columns in memory"
    monkeypatch.setattr(fidelity, "_ENCODER", "another")
    with pytest.raises(CorruptArtifactError, match="judge of places"):
        read_judge(encoder, path)
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(CorruptArtifactError):
        read_judge(encoder, path)
    with pytest.raises(CorruptArtifactError):
        read_judge(encoder, tmp_path / "none")


def test_hits_are_those_of_the_place_asked_for() -> None:
    """By a judge of brightness, on real pictures."""
    from PIL import Image

    class Brightness:
        def encode(self, pictures: Any) -> Float32Array:
            return np.array([[np.asarray(picture).mean() / 255] for picture in pictures], dtype=np.float32)

    weights = ProbeWeights(
        ("dark", "light"), np.array([[0.0], [2.0]], np.float32), np.array([1.0, 0.0], np.float32)
    )
    judge = PlaceJudge(Brightness(), weights, {})  # type: ignore[arg-type]
    black, white = (Image.new("RGB", (64, 64), color) for color in ("black", "white"))
    assert judge.hits([[black, white, black], [black, white, white]]).tolist() == [[1, 0, 1], [0, 1, 1]]
    assert judge.chance == 0.5


@pytest.mark.slow
def test_the_judge_knows_places_in_the_sample_library_and_what_a_backbone_draws(tmp_path: Path) -> None:
    """Renders that were made by another plan than those it was fitted on; drawings of the bundled backbone."""
    from assistant.answers.backbone_service import draw
    from assistant.service.familiar import Familiar

    home = Home(tmp_path / "home").ensure()
    judge = read_judge(IndependentEncoder(home.models))
    samples = [(sample, place_of(sample.caption)) for sample in read_samples()]
    known = [(sample, place) for sample, place in samples if place in judge.places]
    assert {place for _, place in known} == set(judge.places)
    said = judge.named([load_photo(sample.path).image for sample, _ in known])
    assert np.mean([a == place for a, (_, place) in zip(said, known, strict=True)]) > 0.85

    familiar = Familiar(home, "pocket", "cpu")
    try:
        session = familiar.session()
    finally:
        familiar.close()

    def share(words: list[str]) -> float:
        return float(judge.hits([draw(session, text, 2, 0, candidates=1).images for text in words]).mean())

    # A class in words that no corpus has is drawn in its place all the same; without a place there is none.
    assert share(fidelity.in_places(judge, class_request("dog"))) > 0.8
    assert share(fidelity.in_places(judge, class_request("zxqv"))) > 0.8
    assert share([class_request("dog")] * len(judge.places)) == pytest.approx(judge.chance)
