"""Files that could not be read: attempts are counted before they are made."""

from __future__ import annotations

from pathlib import Path

from stored_photos import photo_with_vector

from personalizer.library.library import Library
from personalizer.library.photos.failures import DEATHS_FORGIVEN


def test_attempts_are_counted_until_the_file_changes(library: Library) -> None:
    path = Path("/photos/bad.jpg")
    for attempt in (1, 2, 3):
        assert library.begin_attempt(path, 1, 1) == attempt
        assert library.counts()["failures"] == 0
        library.record_failure(path, 1, 1, "not an image", retry=attempt < 3)
    [failure] = library.failures()
    assert (failure.path, failure.reason, failure.attempts, failure.retry) == (path, "not an image", 3, False)
    assert library.begin_attempt(path, 2, 1) == 1


def test_a_program_that_dies_again_and_again_is_hardly_the_fault_of_the_photo_in_hand(
    library: Library,
) -> None:
    path = Path("/photos/good.jpg")
    attempts = [library.begin_attempt(path, 1, 1) for _ in range(DEATHS_FORGIVEN + 4)]
    assert attempts[: DEATHS_FORGIVEN + 1] == [1] * (DEATHS_FORGIVEN + 1)
    assert attempts[DEATHS_FORGIVEN + 1 :] == [2, 3, 4], "but at some time it is"


def test_success_clears_the_failure(library: Library) -> None:
    library.begin_attempt(Path("/photos/a.jpg"), 10, 20)
    photo_with_vector(library, "a.jpg")
    assert library.failures() == []
