"""A jobs table that was lost fills again from what the library says, and only with what is not done."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from stored_photos import mark_missing, store_photo

from assistant.worker.missing_work import missing_work, queue_missing
from personalizer.analysis.text import can_read
from personalizer.jobs.due import mark_due, mark_scan_due, settle, settle_scan
from personalizer.jobs.queue import JobQueue
from personalizer.library.library import Library
from personalizer.schemas import BoundingBox, Embedding, NewDetection

NOW = "net:1|activation-map|dlib-hog-5pt|dlib-resnet-v1:55533b28"
ALL = ("scan", "analyse", "index", "cluster")


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library.open(tmp_path / "home" / "library.sqlite3") as opened:
        yield opened


def add(library: Library, name: str, version: str = "1", analysed_by: str = "") -> int:
    detection = NewDetection("photo", BoundingBox(0, 0, 9, 9), 1, "whole-photo")
    return store_photo(
        library,
        content_hash=name,
        path=Path(f"/photos/{name}.jpg"),
        detections=[(detection, Embedding(np.ones(4, np.float32), "net", version))],
        analysed_by=analysed_by,
    ).id


def kinds(library: Library, **versions: str) -> list[str]:
    return [item.kind for item in missing_work(library, **versions)]


def test_a_library_in_which_all_is_done_misses_nothing(library: Library) -> None:
    add(library, "a", analysed_by=NOW)
    # Before it was noted by what a photo was looked at, its vectors and the detectors of that time say it.
    add(library, "b")
    library.set_indexed(None, indexed=True)
    assert missing_work(library, analysed_by=NOW) == []


@pytest.mark.skipif(not can_read(), reason="the extra `ocr` is not installed")
def test_photos_that_were_not_read_are_missing_where_they_can_be(library: Library) -> None:
    photo = add(library, "a", analysed_by=NOW)
    library.set_indexed(None, indexed=True)
    assert kinds(library, analysed_by=NOW) == [], "only by a worker that stays"
    assert [item.kind for item in missing_work(library, analysed_by=NOW, to_read=True)] == ["read_text"]
    library.store_lettering(photo, "")
    assert missing_work(library, analysed_by=NOW, to_read=True) == []


def test_a_lost_queue_fills_again(library: Library) -> None:
    library.add_root(Path("/photos"))
    told = {"backbone": "pocket", "device": "cpu"}
    mark_scan_due(library, told)
    add(library, "a", analysed_by="older")
    mark_due(library)
    queue = JobQueue(library)
    work = missing_work(library, analysed_by=NOW)
    assert [item.kind for item in work] == ["scan", "analyse", "index", "cluster"]
    assert len(queue_missing(queue, work, ALL)) == 2, "these two end with indexing and grouping"
    assert queue.list("queued")[0].payload == told
    assert queue_missing(queue, missing_work(library, analysed_by=NOW), ALL) == [], "they wait already"
    library.connection.execute("DELETE FROM jobs")
    assert len(queue_missing(queue, missing_work(library, analysed_by=NOW), ALL)) == 2
    library.connection.execute("DELETE FROM jobs")
    assert len(queue_missing(queue, work[2:], ALL)) == 2, "without a scan they are jobs of their own"


def test_a_job_that_somebody_asked_for_does_the_work_too(library: Library) -> None:
    library.add_root(Path("/photos"))
    mark_scan_due(library, {})
    queue = JobQueue(library)
    queue.enqueue("scan", "library", {"backbone": "pocket"})
    assert queue_missing(queue, missing_work(library), ALL) == []


def test_what_was_given_up_or_called_off_is_not_begun_again_by_itself(library: Library) -> None:
    library.add_root(Path("/photos"))
    mark_scan_due(library, {})
    queue = JobQueue(library)
    [job_id] = queue_missing(queue, missing_work(library), ALL)
    for _ in range(3):
        queue.claim(1)
        queue.recover_orphans()
    assert queue.get(job_id).quarantined
    assert queue_missing(queue, missing_work(library), ALL) == []
    mark_scan_due(library, {})
    assert len(queue_missing(queue, missing_work(library), ALL)) == 1, "another scan is other work"


def test_what_was_left_over_by_a_job_that_ended_is_missing_still(library: Library) -> None:
    add(library, "a", analysed_by="older")
    queue = JobQueue(library)
    [job_id] = queue_missing(queue, missing_work(library, analysed_by=NOW), ("analyse",))
    # Its drive was away meanwhile.
    assert queue.claim(1) is not None and queue.finish(job_id, {"changed": 1})
    [again] = queue_missing(queue, missing_work(library, analysed_by=NOW), ("analyse",))
    queue.request_cancel(again)
    assert queue_missing(queue, missing_work(library, analysed_by=NOW), ("analyse",)) == [], "nobody wants it"


def test_marks_that_came_later_stay(library: Library) -> None:
    library.add_root(Path("/photos"))
    first = mark_scan_due(library, {})
    second = mark_scan_due(library, {})
    settle_scan(library, first)
    assert kinds(library) == ["scan"]
    settle_scan(library, second)
    assert kinds(library) == []
    mark = mark_due(library)
    assert kinds(library) == ["cluster"]
    settle(library, mark)
    assert kinds(library) == []


def test_removed_vectors_are_for_the_index_to_take_out(library: Library) -> None:
    add(library, "a", analysed_by=NOW)
    library.set_indexed(None, indexed=True)
    assert kinds(library) == []
    library.delete_detections([library.detections()[0].id])
    assert kinds(library) == ["index"]


def test_photos_of_older_models_are_due_newest_first(library: Library) -> None:
    ids = [
        add(library, "a", version="0"),
        add(library, "b", analysed_by="older"),
        add(library, "c", analysed_by=NOW),
    ]
    forgotten, gone = add(library, "d", analysed_by="older"), add(library, "e", analysed_by="older")
    library.mark_forgotten([forgotten])
    mark_missing(library, [Path("/photos/e.jpg")])
    assert library.photos_to_analyze(NOW) == [ids[1], ids[0]]
    library.begin_analysis(ids[0], NOW)
    library.end_analysis(ids[0], "damaged")
    assert library.photos_to_analyze(NOW) == [ids[1]]
    assert library.photos_to_analyze("even newer") == [gone - 2, ids[1], ids[0]], "newer ones may manage it"
    for _ in range(10):
        assert library.photos_to_analyze(NOW) == [ids[1]]
        library.begin_analysis(ids[1], NOW)
    assert library.photos_to_analyze(NOW) == []
