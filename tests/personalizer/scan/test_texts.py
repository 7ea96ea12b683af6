"""Titles, keywords and places of photos: stored at import, and later for those that were there before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from personalizer.library.library import Library
from personalizer.photos.sidecars import SidecarFacts
from personalizer.scan.full_scan import scan
from personalizer.scan.importer import ScanControl
from personalizer.scan.sidecar_files import find_companions
from personalizer.scan.texts import TextsReport, prepare_search, texts_of

pytestmark = pytest.mark.usefixtures("known_analyses")


def xmp(title: str, *keywords: str, place: str = "") -> str:
    listed = "".join(f"<rdf:li>{keyword}</rdf:li>" for keyword in keywords)
    return f"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"
{place}>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<dc:subject><rdf:Bag>{listed}</rdf:Bag></dc:subject></rdf:Description></rdf:RDF></x:xmpmeta>"""


IN_PARIS = 'exif:GPSLatitude="48,51.5N" exif:GPSLongitude="2,17,40.2E"'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, color in enumerate(("teal", "red")):
        texts = PngImagePlugin.PngInfo()
        texts.add_itxt("XML:com.adobe.xmp", xmp(f"Picture {number}", "ducks", place=IN_PARIS))
        Image.new("RGB", (64, 48), color).save(folder / f"{number}.png", pnginfo=texts)
    (folder / "1.png.xmp").write_text(xmp("Beside it", "swans"))
    return folder


@pytest.fixture
def library(tmp_path: Path, folder: Path) -> Iterator[Library]:
    with Library.open(tmp_path / "home" / "library.sqlite3") as opened:
        opened.add_root(folder)
        yield opened


@pytest.fixture
def run(library: Library) -> Callable[[], TextsReport]:
    def run() -> TextsReport:
        scan(library, library.roots(), ScanControl(processes=1))
        find_companions(library, lambda: False)
        return prepare_search(library, progress=lambda _: None, cancelled=lambda: False)

    return run


def texts(library: Library) -> list[set[str]]:
    return [
        {text for _, text in library.texts(photo.id)}
        for photo in sorted(library.photos(), key=lambda photo: photo.path)
    ]


def test_an_import_brings_them_along(library: Library, run: Callable[[], TextsReport]) -> None:
    assert run() == TextsReport(read=0, places=2)
    assert texts(library) == [{"Picture 0", "ducks"}, {"Picture 1", "ducks", "Beside it", "swans"}]
    assert [library.place_words(photo.id) for photo in library.photos()] == ["near Paris, France"] * 2
    assert run() == TextsReport(read=0, places=0), "once"


def test_photos_of_a_library_from_before_are_read_once_more(
    library: Library, run: Callable[[], TextsReport]
) -> None:
    run()
    before = texts(library)
    connection = library.connection
    connection.execute("DELETE FROM photo_texts")
    connection.execute("INSERT INTO unread_texts SELECT id FROM photos")
    assert run() == TextsReport(read=2, places=0)
    assert texts(library) == before and library.without_texts_read() == 0


def test_one_whose_file_is_gone_waits(library: Library, folder: Path, run: Callable[[], TextsReport]) -> None:
    run()
    library.connection.execute("INSERT INTO unread_texts SELECT id FROM photos")
    away = folder.with_name("away.png")
    (folder / "0.png").rename(away)
    assert run().read == 1 and library.without_texts_read() == 1
    away.rename(folder / "0.png")
    assert run().read == 1 and library.without_texts_read() == 0


def test_it_stops_where_it_is_told_to_and_goes_on(library: Library, run: Callable[[], TextsReport]) -> None:
    run()
    library.connection.execute("INSERT INTO unread_texts SELECT id FROM photos")
    assert prepare_search(library, progress=lambda _: None, cancelled=lambda: True) == TextsReport(0, 0)
    assert run().read == 2


def test_a_sidecar_that_changes_is_read_again(
    library: Library, folder: Path, run: Callable[[], TextsReport]
) -> None:
    run()
    (folder / "1.png.xmp").write_text(xmp("Changed since", "geese"))
    run()
    assert texts(library)[1] == {"Picture 1", "ducks", "Changed since", "geese"}
    (folder / "1.png.xmp").unlink()
    run()
    assert texts(library)[1] == {"Picture 1", "ducks"}


@pytest.mark.parametrize(
    "content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n broken", b"\xff\xd8\xff\xe1\x00\x02"]
)
def test_a_file_that_cannot_be_read_says_nothing(
    library: Library, folder: Path, run: Callable[[], TextsReport], content: bytes
) -> None:
    run()
    library.connection.execute("INSERT INTO unread_texts SELECT id FROM photos")
    (folder / "0.png").write_bytes(content)
    assert prepare_search(library, progress=lambda _: None, cancelled=lambda: False).read == 2


def test_what_is_kept_of_what_is_written() -> None:
    written = SidecarFacts(title="T", description="D", keywords=("a", "b"))
    assert texts_of(written) == {"title": "T", "description": "D", "keywords": "a, b"}
    assert texts_of(written, with_title=False) == {"description": "D", "keywords": "a, b"}
    assert texts_of(SidecarFacts()) == {}
