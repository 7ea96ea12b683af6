"""Searches in the made-up library: the measure, its control, and what it must not fall below."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from assistant.cli.bench import find_lines as bench_lines
from assistant.cli.evaluate import find_lines
from assistant.evaluation.data.options import EvaluationRun, FindBenchOptions, FindOptions
from assistant.evaluation.search.measure import benchmark_find, evaluate_find
from assistant.evaluation.search.queries import NOTHING_FITS, SEARCHES
from personalizer.home import Home


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    home = Home(tmp_path_factory.mktemp("home"))
    return evaluate_find(FindOptions(photos=400), EvaluationRun(home))


def test_searches_find_what_is_there_and_nothing_else(report: dict[str, Any]) -> None:
    wrong = [row["search"] for row in report["searches"] if min(row["precision"], row["recall"]) < 0.95]
    assert not wrong
    assert report["precision"] >= 0.95 and report["recall"] >= 0.95
    assert report["control"]["recall"] < 0.5 < report["recall"], "names of files alone do not do it"


def test_where_nothing_fits_that_is_said(report: dict[str, Any]) -> None:
    assert len(SEARCHES) >= 60 and len(NOTHING_FITS) == 20
    assert report["said_nothing"] >= 19
    assert all(row["answer"] for row in report["nothing_fits"])


def test_the_table_shows_the_control(report: dict[str, Any]) -> None:
    text = find_lines(report)
    assert "names of files, folders and titles" in text and f"{report['said_nothing']} of 20" in text


def test_most_right_answers_are_not_empty(report: dict[str, Any]) -> None:
    """Or finding nothing would count as right."""
    empty = [row["search"] for row in report["searches"] if not row["right"]]
    assert len(empty) <= 10, empty


def test_time_is_measured_in_both_libraries(tmp_path: Path) -> None:
    report = benchmark_find(FindBenchOptions(photos=200, repeats=1), EvaluationRun(Home(tmp_path)))
    assert 0 < report["median_ms"] <= report["p95_ms"] <= report["slowest_ms"]
    assert report["small"]["p95_ms"] > 0 and report["ratio"] > 0
    assert "200 photos" in bench_lines(report)
