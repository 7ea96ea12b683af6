"""The words table: what is known of photos from their names, folders or a manifest, and what is right."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from photos import package_photo
from PIL import Image

from assistant.cli.evaluate import words_lines
from assistant.evaluation.data.options import EvaluationRun, WordsOptions
from assistant.evaluation.recognition.words import Truth, evaluate_words
from assistant.evaluation.report.report import write_report
from personalizer.analysis.labels import find_word, synsets
from personalizer.errors import NotFoundError, UsageError
from personalizer.home import Home


@pytest.fixture
def run(tmp_path: Path) -> EvaluationRun:
    return EvaluationRun(Home(tmp_path / "home").ensure())


def cat(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = package_photo("skimage", "data/chelsea.png")
    image.thumbnail((400, 400))
    image.save(path)
    return path


def test_a_word_is_right_where_it_sums_what_is_there_and_not_judged_where_it_says_more() -> None:
    words = {text: find_word(text) for text in ("animal", "dog", "corgi", "cat")}
    assert all(words.values())
    dog, corgi = (Truth(frozenset(word.classes)) for text in ("dog", "corgi") if (word := words[text]))
    verdicts = {
        text: (dog.judge(word), corgi.judge(word)) for text, word in words.items() if word is not None
    }
    assert verdicts == {
        "animal": (True, True),
        "dog": (True, True),
        "corgi": (None, True),
        "cat": (False, False),
    }


def test_truth_comes_from_names_folders_and_a_manifest(tmp_path: Path, run: EvaluationRun) -> None:
    assert synsets()[281] == 2123045, "the tabby"
    cat(tmp_path / "n02123045_tabby.png")
    cat(tmp_path / "n02099712_Labrador_retriever.png")
    cat(tmp_path / "cat2" / "a.png")
    cat(tmp_path / "who knows" / "b.png")
    cat(tmp_path / "listed.png")
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff and no more")
    (tmp_path / "manifest.json").write_text(json.dumps([{"file": "listed.png", "class": "animal"}]))
    report = evaluate_words(WordsOptions(photos=tmp_path), run)
    assert (report["photos"], report["known"]) == (5, 4)
    assert report["without_truth"] == {"photos": 1, "given": 1}
    # The same cat each time: right but for the one that is called a dog, and not judged where only an animal is known.
    assert (report["said"]["given"], report["said"]["judged"], report["said"]["right"]) == (4, 3, 2)
    assert report["said"]["interval"][0] < report["said"]["precision"] < report["said"]["interval"][1]
    assert [line.split(":")[0] for line in report["wrong"]] == ["n02099712_Labrador_retriever.png"]
    assert len(report["unreadable"]) == 1
    assert report["control_one_word"]["right"] == 4, "all are animals"
    text = words_lines(report)
    assert "a word is said" in text and "control: always 'animal'" in text and "not known" in text
    folder = tmp_path / "report"
    folder.mkdir()
    written = [path.name for path in write_report("words", report, folder, "familiar evaluate words")]
    assert "report.md" in written
    assert "a word is said" in (folder / "report.md").read_text("utf-8")


def test_every_second_photo(tmp_path: Path, run: EvaluationRun) -> None:
    for name in ("n02123045_a.png", "n02123045_b.png", "n02123045_c.png"):
        cat(tmp_path / name)
    report = evaluate_words(WordsOptions(photos=tmp_path, second_half=True), run)
    assert report["photos"] == 1


def test_what_cannot_be_measured_is_refused(tmp_path: Path, run: EvaluationRun) -> None:
    with pytest.raises(NotFoundError):
        evaluate_words(WordsOptions(photos=tmp_path / "nowhere"), run)
    (tmp_path / "photos").mkdir()
    with pytest.raises(UsageError, match="no photo"):
        evaluate_words(WordsOptions(photos=tmp_path / "photos"), run)
    Image.new("RGB", (64, 64)).save(tmp_path / "photos" / "a.png")
    (tmp_path / "photos" / "manifest.json").write_text("{")
    with pytest.raises(UsageError, match=r"manifest\.json"):
        evaluate_words(WordsOptions(photos=tmp_path / "photos"), run)
