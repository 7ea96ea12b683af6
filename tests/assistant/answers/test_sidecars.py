"""What lies beside a photo in its folder is told with the answer about it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from assistant.answers.backbone_service import BackboneService
from assistant.answers.describe import Describer
from assistant.presentation.description_lines import description_lines
from assistant.presentation.lines import as_data
from personalizer.home import Home
from personalizer.library.library import Library
from personalizer.scan.full_scan import scan
from personalizer.scan.sidecar_files import find_companions

XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"
exif:DateTimeOriginal="2019-08-07T06:05:04" exif:GPSLatitude="48,51.5N" exif:GPSLongitude="2,17,40.2E">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">At the pond</rdf:li></rdf:Alt></dc:title>
<dc:subject><rdf:Bag><rdf:li>ducks</rdf:li><rdf:li>pond</rdf:li></rdf:Bag></dc:subject>
</rdf:Description></rdf:RDF></x:xmpmeta>"""
TAKEOUT = '{"title": "a.jpg", "description": "two ducks", "photoTakenTime": {"timestamp": "1"}}'


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A Live Photo without a date of its own, with sidecars of two programs."""
    folder = tmp_path / "photos"
    folder.mkdir()
    path = folder / "a.jpg"
    Image.linear_gradient("L").convert("RGB").save(path)
    path.with_suffix(".MOV").write_bytes(b"moving")
    path.with_suffix(".xmp").write_text(XMP)
    (folder / "a.jpg.json").write_text(TAKEOUT)
    return path


def test_an_answer_tells_what_lies_beside_the_photo(home: Home, exported: Any, photo: Path) -> None:
    with Library.open(home.database) as library:
        describer = Describer(library, BackboneService(home, str(exported.checkpoint)))
        unknown = describer.describe(photo, None, 0.0)
        assert unknown.facts.companions == [] and unknown.facts.taken_at is None
        assert "with it" not in description_lines(unknown)
        scan(library, [photo.parent])
        find_companions(library)
        described = describer.describe(photo, None, 0.0)
        facts = as_data(described)["facts"]
        assert {Path(one["path"]).name: one["kind"] for one in facts["companions"]} == {
            "a.MOV": "Live Photo", "a.xmp": "XMP", "a.jpg.json": "Google's export",
        }  # fmt: skip
        assert described.facts.latitude == 48.8583333
        assert (facts["title"], facts["description"]) == ("At the pond", "two ducks")
        assert facts["keywords"] == ["ducks", "pond"]
        lines = description_lines(described)
        assert "written about it: At the pond; two ducks; ducks, pond" in lines
        assert "a.MOV (Live Photo)" in lines and "near Paris, France" in lines
        assert described.facts.taken_at == datetime(2019, 8, 7, 6, 5, 4)
        for path in photo.parent.iterdir():
            if path != photo:
                path.unlink()
        find_companions(library)
        left = describer.describe(photo, None, 0.0).facts
        assert left.companions == [] and left.title is None and left.taken_at == described.facts.taken_at


def test_an_answer_tells_what_is_written_in_the_photo(home: Home, exported: Any, tmp_path: Path) -> None:
    """Also of a photo that is in no library; where only the day is known no time is told."""
    path = tmp_path / "a.jpg"
    inside = XMP.replace("2019-08-07T06:05:04", "2019-08-07")
    Image.linear_gradient("L").convert("RGB").save(path, xmp=inside.encode())
    with Library.open(home.database) as library:
        describer = Describer(library, BackboneService(home, str(exported.checkpoint)))
        described = describer.describe(path, None, 0.0)
        lines = description_lines(described)
        assert "Taken on 7 August 2019 near Paris, France." in lines
        assert "written about it: At the pond; ducks, pond" in lines
