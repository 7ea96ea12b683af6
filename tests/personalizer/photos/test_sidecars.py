"""What other programs write beside photos, in the ways that they write it, and hostile documents."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from personalizer.photos.sidecars import MAX_BYTES, SidecarFacts, parse_takeout, parse_xmp, read_sidecar

ATTRIBUTES = """<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Adobe XMP Core">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:exif="http://ns.adobe.com/exif/1.0/"
    xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/"
    xmlns:stEvt="http://ns.adobe.com/xap/1.0/sType/ResourceEvent#"
    xmp:Rating="4" xmp:CreateDate="2020-01-01T00:00:00" exif:DateTimeOriginal="2019-08-07T06:05:04.25+02:00"
    exif:GPSLatitude="48,51.5N" exif:GPSLongitude="2,17,40.2W">
   <dc:title><rdf:Alt><rdf:li xml:lang="x-default">At the pond</rdf:li><rdf:li xml:lang="de">Am Teich</rdf:li></rdf:Alt></dc:title>
   <dc:description><rdf:Alt><rdf:li xml:lang="x-default"> Two ducks &amp; a dog </rdf:li></rdf:Alt></dc:description>
   <dc:subject><rdf:Bag><rdf:li>pond</rdf:li><rdf:li> ducks </rdf:li><rdf:li>pond</rdf:li></rdf:Bag></dc:subject>
   <xmpMM:History><rdf:Seq><rdf:li><rdf:Description xmp:Rating="1" stEvt:when="1999-01-01T00:00:00"/></rdf:li></rdf:Seq></xmpMM:History>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta><?xpacket end="w"?>"""  # noqa: E501
ELEMENTS = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:exif="http://ns.adobe.com/exif/1.0/"><exif:DateTimeOriginal>2018-03-04T05:06</exif:DateTimeOriginal>
<exif:GPSLatitude>33,51,36S</exif:GPSLatitude><exif:GPSLongitude>151,12,36E</exif:GPSLongitude></rdf:Description>
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/"><xmp:Rating>-1</xmp:Rating></rdf:Description>
</rdf:RDF></x:xmpmeta>"""


@pytest.fixture
def in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_xmp_as_attributes_and_as_elements() -> None:
    assert parse_xmp(ATTRIBUTES.encode()) == SidecarFacts(
        title="At the pond",
        description="Two ducks & a dog",
        taken_at=datetime(2019, 8, 7, 6, 5, 4),
        latitude=48.8583333,
        longitude=-2.2945,
        rating=4,
        keywords=("pond", "ducks"),
    )
    assert parse_xmp(ELEMENTS.encode("utf-16")) == SidecarFacts(
        taken_at=datetime(2018, 3, 4, 5, 6), latitude=-33.86, longitude=151.21, rating=-1
    )
    assert parse_xmp(ELEMENTS.encode() + bytes(2048)) is not None


BOMB = """<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaaaaaaaaaaaa">
<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>"""
FETCH = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>'


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"Dear diary",
        b"\xff\xfe\x00\x01",
        ATTRIBUTES.encode()[:400],
        b"<html><body>2019-08-07</body></html>",
        (BOMB + ELEMENTS.replace("2018-03-04T05:06", "&c;")).encode(),
        (FETCH + ELEMENTS.replace("2018-03-04T05:06", "&a;")).encode(),
        ('<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">' + ELEMENTS).encode(),
        b"<a>" * 200_000,
        b"<a>" * 200_000 + b"</a>" * 200_000,
        b'<?xml version="1.0" encoding="no-such-code"?><a/>',
    ],
)
def test_what_is_no_xmp_or_hostile_says_nothing_at_once(content: bytes) -> None:
    started = time.process_time()
    assert parse_xmp(content) is None
    assert time.process_time() - started < 4


@pytest.mark.parametrize(
    ("written", "wrong"),
    [
        ("48,51.5N", "98,51.5N"),
        ("48,51.5N", "soon"),
        ("2019-08-07T06:05:04", "2019-13-07T06:05:04"),
        ('xmp:Rating="4"', 'xmp:Rating="1e999"'),
    ],
)
def test_nonsense_in_xmp_is_left_out(written: str, wrong: str) -> None:
    facts = parse_xmp(ATTRIBUTES.replace(written, wrong).encode())
    assert facts is not None and facts.title == "At the pond"
    assert (
        facts.latitude is None
        or facts.rating is None
        or facts.taken_at == datetime(2020, 1, 1)  # the next best date
    )


def takeout(**changes: object) -> bytes:
    document = {
        "title": "IMG_1.jpg",
        "description": "on the beach",
        "photoTakenTime": {"timestamp": "1600000000", "formatted": "13.09.2020, 12:26:40 UTC"},
        "geoData": {"latitude": 0.0, "longitude": 0.0, "altitude": 0.0},
        "geoDataExif": {"latitude": 52.5, "longitude": 13.4, "altitude": 30.0},
    }
    return json.dumps({**document, **changes}).encode()


def test_takeout(in_berlin: None) -> None:
    assert parse_takeout(takeout()) == SidecarFacts(
        title="IMG_1.jpg",
        description="on the beach",
        taken_at=datetime(2020, 9, 13, 14, 26, 40),
        latitude=52.5,
        longitude=13.4,
    )
    odd = parse_takeout(
        takeout(photoTakenTime={"timestamp": "9" * 400}, geoDataExif={"latitude": 1e9, "longitude": True})
    )
    assert odd is not None and odd.taken_at is None and odd.latitude is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[1]",
        b'{"name": "package"}',
        b"[" * 100_000,
        takeout(title=3),
        takeout(photoTakenTime="now"),
        b"\xff{}",
    ],
)
def test_other_json_says_nothing(content: bytes) -> None:
    assert parse_takeout(content) is None


def test_large_missing_and_special_files_say_nothing(tmp_path: Path) -> None:
    large = tmp_path / "a.xmp"
    large.write_bytes(ATTRIBUTES.encode() + b" " * MAX_BYTES)
    assert read_sidecar(large) is None
    assert read_sidecar(tmp_path / "none.xmp") is None
    os.mkfifo(tmp_path / "pipe.xmp")
    assert read_sidecar(tmp_path / "pipe.xmp") is None
    good = tmp_path / "b.xmp"
    good.write_text(ATTRIBUTES)
    facts = read_sidecar(good)
    assert facts is not None and facts.rating == 4


RDF = (
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    'xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" '
    'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmlns:xmpDM="http://ns.adobe.com/xmp/1.0/DynamicMedia/" {}/></rdf:RDF>'
)
NOW = datetime(2026, 3, 4)


def xmp(properties: str) -> SidecarFacts:
    facts = parse_xmp(RDF.format(properties).encode(), NOW)
    assert facts is not None
    return facts


@pytest.mark.parametrize(
    ("properties", "taken_at"),
    [
        ('exif:DateTimeOriginal="2019:05:01 16:01:36"', datetime(2019, 5, 1, 16, 1, 36)),
        ('exif:DateTimeOriginal="2019-05-01T16:01:36.25Z"', datetime(2019, 5, 1, 16, 1, 36)),
        ('photoshop:DateCreated="2019-05-01"', datetime(2019, 5, 1)),
        ('xmpDM:shotDate="2019-05-01T16:01"', datetime(2019, 5, 1, 16, 1)),
        ('exif:DateTimeDigitized="2019-05-01T16:01"', datetime(2019, 5, 1, 16, 1)),
        ('xmp:CreateDate="2019-05-01T16:01"', datetime(2019, 5, 1, 16, 1)),
        ('dc:date="2019-05-01"', datetime(2019, 5, 1)),
        ('exif:DateTimeOriginal="0000:00:00 00:00:00" xmp:CreateDate="2019-05-01"', datetime(2019, 5, 1)),
        ('exif:DateTimeOriginal="1904:01:01 00:00:00" xmp:CreateDate="2019-05-01"', datetime(2019, 5, 1)),
        ('xmp:ModifyDate="2019-05-01" tiff:DateTime="2019-05-01"', None),
        ('xmp:CreateDate="2031-05-01"', None),
    ],
)
def test_dates_as_programs_write_them(properties: str, taken_at: datetime | None) -> None:
    assert xmp(properties).taken_at == taken_at


@pytest.mark.parametrize(
    ("original", "created", "taken_at"),
    [
        ("2019", "2019-05-06T07:08:09", datetime(2019, 5, 6, 7, 8, 9)),
        ("2019-05", "2019-05-06T07:08:09", datetime(2019, 5, 6, 7, 8, 9)),
        ("1975", "2019-05-06T07:08:09", None),
        ("2019-04", "2019-05-06T07:08:09", None),
        ("2019", "", None),
    ],
)
def test_a_year_is_not_made_a_day(original: str, created: str, taken_at: datetime | None) -> None:
    """Of a print from 1975 the day of the scan is no date, and neither is the first of January."""
    assert xmp(f'photoshop:DateCreated="{original}" xmp:CreateDate="{created}"').taken_at == taken_at


@pytest.mark.parametrize(
    ("latitude", "longitude", "more", "place"),
    [
        ("48.8583", "2.2945", "", (48.8583, 2.2945)),
        ("-33.86", "151.21", "", (-33.86, 151.21)),
        ("33.86 S", "151.21E", "", (-33.86, 151.21)),
        ("33.86", "151.21", 'exif:GPSLatitudeRef="S" exif:GPSLongitudeRef="East"', (-33.86, 151.21)),
        ("48 deg 51' 30.00&quot; N", "2 deg 17' 40.20&quot; W", "", (48.8583333, -2.2945)),
        ("48° 51.5′ N", "2° 17′ 40.2″ E", "", (48.8583333, 2.2945)),
        ("48,51.5", "2,17.5", "", (None, None)),
        ("98.5", "2.5", "", (None, None)),
        ("0.0", "0.0", "", (None, None)),
        ("north", "2.5", "", (None, None)),
    ],
)
def test_coordinates_as_programs_write_them(
    latitude: str, longitude: str, more: str, place: tuple[float | None, float | None]
) -> None:
    facts = xmp(f'exif:GPSLatitude="{latitude}" exif:GPSLongitude="{longitude}" {more}')
    assert (facts.latitude, facts.longitude) == place


@pytest.mark.parametrize("timestamp", ["0", "3600", "-2082844800", "4000000000", "-9000000000"])
def test_a_takeout_date_that_is_not_believed(in_berlin: None, timestamp: str) -> None:
    facts = parse_takeout(takeout(photoTakenTime={"timestamp": timestamp}), NOW)
    assert facts is not None and facts.taken_at is None


def test_a_takeout_date_before_1970(in_berlin: None) -> None:
    facts = parse_takeout(takeout(photoTakenTime={"timestamp": "-600000000"}), NOW)
    assert facts is not None and facts.taken_at == datetime(1950, 12, 27, 14, 20)
