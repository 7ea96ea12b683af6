"""Measures of a backbone, on the bundled one and the sample library."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from assistant.evaluation.data.corpora import Picture, Record
from assistant.evaluation.data.options import BackboneOptions, EvaluationRun
from assistant.evaluation.drawing.backbone import (
    BackboneMeasure,
    questions_about,
    read_measured,
    stand_in,
    subject_pairs,
)
from assistant.evaluation.drawing.backbone_report import (
    PROTOCOL,
    color_of,
    evaluate_backbone,
    place_of,
    sample_library,
    version_before,
)
from assistant.evaluation.drawing.probe import LinearProbe, color_features
from assistant.service.familiar import Familiar
from exporters.runtime.session import BackboneSession
from personalizer.errors import NotFoundError
from personalizer.home import Home


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def session(home: Home) -> BackboneSession:
    familiar = Familiar(home)
    try:
        return familiar.session()
    finally:
        familiar.close()


@pytest.fixture(scope="module")
def pictures() -> list[Picture]:
    return sample_library()


def picture(label: str | None, subject: str | None, questions: list[list[str]] | None = None) -> Picture:
    record = Record("test", "render", label, None, subject, True, questions or [])
    return Picture(record, np.zeros((8, 8, 3), dtype=np.uint8))


@pytest.mark.slow
def test_the_report_has_the_contract_s_keys_and_says_what_was_not_measured(home: Home) -> None:
    report = evaluate_backbone(BackboneOptions(count=6), EvaluationRun(home))
    assert 12 < report["psnr"]["renders"] < 40 and report["psnr"]["photos"] is None
    assert 0 < report["codes_used"] <= 1
    assert report["caption_top1"] is None, "the sample library has no photos"
    assert report["attribute_questions"]["count"] == 6
    assert report["same_subject"]["renders"]["chance"] == 0.5
    assert report["text_to_image"] == {"photos": None, "renders": None}, "nothing to train the probe on"
    bits = report["bits_per_token"]
    assert 0 < bits["image"] < 12 and 0 < bits["text"] < math.log2(4000)
    assert json.loads(json.dumps(report)) == report


def test_reconstruction_is_measured_at_the_backbone_s_size(
    session: BackboneSession, pictures: list[Picture]
) -> None:
    measure = BackboneMeasure(session)
    side = session.spec.image_size_px
    codes = measure.codes([pictures[0].image()])
    perfect = session.decode_images(codes)[0]
    noisy = Image.fromarray(np.clip(np.asarray(perfect, dtype=np.int16) + 10, 0, 255).astype(np.uint8))
    assert perfect.size == (side, side)
    assert measure.psnr_db([perfect], codes) > 60
    assert measure.psnr_db([noisy], codes) == pytest.approx(20 * math.log10(255 / 10), abs=0.5)


def test_an_answer_counts_once_and_guessing_yes_gives_half(
    session: BackboneSession, pictures: list[Picture]
) -> None:
    measure = BackboneMeasure(session)
    asked = [(one, "is there a mug in this photo?", True) for one in pictures[:3]]
    said = [measure.questions([question]).accuracy for question in asked]
    assert set(said) <= {1.0, 0.0} or all(math.isnan(value) for value in said)
    everything = [(one, question, truth) for one, question, _ in asked for truth in (True, False)]
    assert measure.questions(everything).accuracy == 0.5, "the same question cannot be yes and no"


def test_a_stand_in_for_a_trained_concept_is_read_like_one(
    session: BackboneSession, pictures: list[Picture]
) -> None:
    measure = BackboneMeasure(session)
    codes = measure.codes([pictures[0].image()])[0]
    context = stand_in(session, codes)
    assert [len(context.input_embeddings[kind]) for kind in ("name", "generation", "understanding")] == [
        1,
        16,
        16,
    ]
    embedded = session.embed_image_codes(codes)
    assert np.array_equal(context.input_embeddings["generation"][0], embedded[0])
    assert np.array_equal(context.input_embeddings["understanding"][-1], embedded[-1])
    assert len(session.spec.free_ids) > 32 and np.isfinite(context.input_embeddings["name"]).all()


def test_pairs_show_one_subject_or_a_stranger_of_its_class() -> None:
    members = [picture("dog", f"dog {n}") for n in (1, 1, 2, 2)] + [
        picture("dog", None),
        picture("cat", "cat"),
    ]
    pairs = subject_pairs(members, 10, seed=0)
    assert len(pairs) == 20
    for example, seen, same in pairs:
        assert example is not seen
        assert example.record.label == seen.record.label == "dog", "the only cat has no stranger"
        assert (example.record.subject == seen.record.subject) is same
    assert subject_pairs([picture("cat", "a"), picture("cat", "a")], 5, seed=0) == []


def test_questions_come_from_the_corpus_and_else_from_the_class() -> None:
    members = [picture("dog", None, [["Is it red?", "no"]]), picture("cat", None), picture(None, None)]
    asked = questions_about(members, seed=0)
    assert [(question, truth) for _, question, truth in asked] == [
        ("Is it red?", False),
        ("is there a cat in this photo?", True),
        ("is there a dog in this photo?", False),
    ]


def test_colours_are_the_subject_s() -> None:
    assert color_of("a light blue bird with a yellow breast") == "blue"
    assert color_of("two dogs on a street") is None


def test_places_are_told_from_patterns_and_light() -> None:
    assert place_of("a red mug with white stripes on a beach under a lamp") == "on a beach"
    assert place_of("a grey cat next to an orange in the snow on a cloudy day.") == "in the snow"
    assert place_of("two white dogs on a plain green background") == "on a plain green background"
    assert place_of("a black horse in the evening light") is None


def test_colours_are_told_from_colours_wherever_they_are() -> None:
    """Discs of unseen sizes on unseen greys, by a probe that saw other ones."""

    def disc(color: str, seed: int) -> Image.Image:
        random = np.random.default_rng(seed)
        image = Image.new("RGB", (64, 64), tuple([int(random.integers(90, 220))] * 3))
        edge = int(random.integers(8, 22))
        ImageDraw.Draw(image).ellipse((edge, edge, 64 - edge, 64 - edge), color)
        return image

    names = ["red", "blue", "yellow", "green"] * 5
    shown = [Picture(Record("t", "render", None, None), np.asarray(disc(n, i))) for i, n in enumerate(names)]
    probe = LinearProbe(color_features, 64)
    probe.fit(shown, names)
    assert probe.accuracy([disc(name, 100 + i) for i, name in enumerate(names)], names) == 1.0
    assert probe.accuracy([disc("red", 7)], ["blue"]) == 0.0
    assert np.isnan(probe.accuracy([], []))

    two = [pair for pair in zip(shown, names, strict=True) if pair[1] in ("red", "blue")]
    weights = LinearProbe(color_features, 64).fit(*map(list, zip(*two, strict=True)))
    again = LinearProbe(color_features, 64, weights)
    assert again.named([disc("blue", 8), disc("red", 9), disc("blue", 10)]) == ["blue", "red", "blue"]


@pytest.mark.slow
def test_drawings_are_judged_beside_real_pictures_and_their_reconstructions(
    home: Home, tmp_path: Path
) -> None:
    random = np.random.default_rng(0)
    folder = tmp_path / "renders"
    folder.mkdir()
    lines, pixels = [], []
    for number in range(40):
        color, label = [((200, 30, 30), "apple"), ((30, 60, 200), "mug")][number % 2]
        pixels.append(random.normal(np.array(color), 20, (96, 96, 3)).clip(0, 255).astype(np.uint8))
        about = {"source": "test", "kind": "render", "label": label, "held_out": number >= 30}
        lines.append(json.dumps(about | {"caption": f"a {['red', 'blue'][number % 2]} {label} on a beach"}))
    np.save(folder / "images.npy", np.stack(pixels))
    (folder / "records.jsonl").write_text("\n".join(lines))
    report = evaluate_backbone(BackboneOptions(images=tmp_path, count=8), EvaluationRun(home))[
        "text_to_image"
    ]
    assert report["photos"] is None and "renders_place" not in report, "one place cannot be told from another"
    for name in ("renders", "renders_colour"):
        judged = report[name]
        assert judged["ceiling"] == 1.0 and 0 <= judged["reconstructed"] <= 1
        assert judged["chance"] == 0.5 and judged["count"] == 8 and 0 <= judged["accuracy"] <= 1
    assert report["renders_colour"]["reconstructed"] == 1.0, "plain colours survive"


def test_a_damaged_file_of_measures_counts_as_none(tmp_path: Path) -> None:
    assert read_measured(tmp_path) == {}
    (tmp_path / "measured.json").write_text("{")
    assert read_measured(tmp_path) == {}


def test_the_version_before_stands_beside_the_numbers_if_it_was_measured_in_the_same_way() -> None:
    same = {"protocol": PROTOCOL, "images": "corpus", "photos": 9, "renders": 9, "count": 9, "seed": 0}
    oldest = {"version": "oldest", "settings": same}
    older = {"version": "older", "settings": same, "previous": oldest}
    # Without what was before it in turn: reports would grow with every version.
    assert version_before(older, "newest", same) == older | {"previous": None}
    assert version_before(older, "older", same) == oldest | {"previous": None}
    assert version_before(oldest, "oldest", same) is None and version_before({}, "oldest", same) is None
    for name, value in (("protocol", PROTOCOL - 1), ("images", "sample library"), ("photos", 8), ("seed", 1)):
        assert version_before(older, "newest", same | {name: value}) is None
    assert version_before({"version": "before protocols had numbers"}, "newest", same) is None


def test_a_missing_corpus_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no such folder"):
        evaluate_backbone(
            BackboneOptions(images=tmp_path / "nowhere"), EvaluationRun(Home(tmp_path / "home"))
        )


@pytest.mark.slow
def test_drawings_are_judged_by_a_probe_that_knows_real_pictures(home: Home, tmp_path: Path) -> None:
    """On a corpus of plain squares, whose colour is the class: the ceiling has to be reached."""
    names = {"red": (200, 30, 30), "green": (30, 180, 40), "blue": (30, 50, 200)}
    random = np.random.default_rng(0)
    pixels, lines = [], []
    for number in range(60):
        name = list(names)[number % 3]
        noise = random.integers(-25, 25, (64, 64, 3))
        pixels.append(np.clip(np.array(names[name]) + noise, 0, 255).astype(np.uint8))
        held_out = number >= 48
        record = Record("test", "render", name, f"a {name} square", None, held_out)
        lines.append(json.dumps(record.__dict__))
    np.save(tmp_path / "images.npy", np.stack(pixels))
    (tmp_path / "records.jsonl").write_text("\n".join(lines))
    report = evaluate_backbone(BackboneOptions(images=tmp_path, count=12), EvaluationRun(home))[
        "text_to_image"
    ]
    for name in ("renders", "renders_colour"):
        assert report[name]["ceiling"] == 1.0 and report[name]["names"] == 3
        assert report[name]["count"] == 12 and 0 <= report[name]["accuracy"] <= 1
    assert report["photos"] is None
