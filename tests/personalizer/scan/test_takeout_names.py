"""Names of Google's Takeout: which JSON file is about which photo."""

# ruff: noqa: E501 - a row reads best on one line
from __future__ import annotations

import time
import unicodedata

import pytest

from personalizer.scan.takeout_names import match_takeout

LONG = "Garden_party_of_the_whole_family_by_the_lake_2"


@pytest.mark.parametrize(
    ("json_name", "photo"),
    [
        ("IMG_1.jpg.json", "IMG_1.jpg"),
        ("img_1.JPG.json", "IMG_1.jpg"),
        ("IMG_1.jpg.supplemental-metadata.json", "IMG_1.jpg"),
        ("IMG_1.jpg.supplemental-metad.json", "IMG_1.jpg"),
        ("IMG_1.jpg.suppl.json", "IMG_1.jpg"),
        ("IMG_1.jpg.s.json", "IMG_1.jpg"),
        ("IMG_1.jpg..json", "IMG_1.jpg"),
        ("IMG_1.jpg(1).json", "IMG_1(1).jpg"),
        ("IMG_1.jpg.supplemental-metadata(1).json", "IMG_1(1).jpg"),
        ("IMG_1.jpg.suppl(12).json", "IMG_1(12).jpg"),
        ("IMG_1(1).jpg.json", "IMG_1(1).jpg"),
        ("PXL_1.MP.jpg.json", "PXL_1.MP.jpg"),
        ("PXL_1.MP~2.jpg.supplemental-metadata.json", "PXL_1.MP~2.jpg"),
        # A title without a suffix.
        ("At the lake.json", "At the lake.jpg"),
        ("At the lake.supplemental-metadata(2).json", "At the lake(2).jpg"),
        # 46 characters, of which a letter beyond the first plane counts as two.
        (f"{LONG}.json", f"{LONG}a.jpg"),
        (f"{LONG}(3).json", f"{LONG}a(3).jpg"),
        (f"{LONG[:-1]}..json", f"{LONG[:-1]}.jpg"),
        (f"{LONG[:-4]}.jpg.json", f"{LONG[:-4]}.jpg"),
        (f"{LONG[:-3]}.jp(1).json", f"{LONG[:-3]}(1).jpg"),
        ("🏖" * 23 + ".json", "🏖" * 24 + ".jpg"),
        # The copy that somebody edited.
        ("IMG_1.jpg.supplemental-metadata.json", "IMG_1-edited.jpg"),
        ("IMG_1.HEIC.json", "IMG_1-edited.jpg"),
        ("IMG_1.jpg.json", "IMG_1-bearbeitet.jpg"),
        ("IMG_1.jpg.json", "IMG_1-editado.jpg"),
        ("IMG_1.jpg.json", "IMG_1-ha editado.jpg"),
        ("IMG_1.jpg.json", "IMG_1-modifié.jpg"),
        ("IMG_1.jpg.json", unicodedata.normalize("NFD", "IMG_1-modifié.jpg")),
        ("IMG_1.jpg.json", "IMG_1-編集済み.jpg"),
        ("IMG_1.jpg(1).json", "IMG_1-edited(1).jpg"),
        ("IMG_1.jpg(1).json", "IMG_1(1)-edited.jpg"),
        ("123456.supplemental-metadata.json", "123456-edited.jpg"),
        (f"{LONG[:-6]}.jpg.su.json", f"{LONG[:-6]}-edited.jpg"),
        (f"{LONG[:-2]}.jp.json", f"{LONG[:-2]}-ed.jpg"),
        # The second of two with so long a title.
        (f"{LONG}.json", f"{LONG}a(1).jpg"),
    ],
)  # fmt: skip
def test_a_json_and_its_photo(json_name: str, photo: str) -> None:
    assert match_takeout([photo, "other.jpg"], [json_name, "metadata.json"]).photo_of == {json_name: photo}


@pytest.mark.parametrize(
    ("json_name", "photo"),
    [
        ("IMG_1.jpg.json", "IMG_2.jpg"),
        ("IMG_1.jpg(1).json", "IMG_1.jpg"),
        ("IMG_1.jpg.json", "IMG_1(1).jpg"),
        ("IMG_1.jpg(2).json", "IMG_1(1).jpg"),
        ("IMG_1.jpg.json", "IMG_10.jpg"),
        ("IMG_1.jpg.json", "IMG_2-edited.jpg"),
        ("IMG_1.jpg.json", "IMG_1-2.jpg"),
        ("IMG_1.jpg.json", "IMG_1-ed.jpg"),
        ("IMG_1.jpg.json", "IMG_1-edited(1).jpg"),
        ("IMG_1.MOV.json", "IMG_1.jpg"),
        ("IMG_1.jpg.other.json", "IMG_1.jpg"),
        (f"{LONG}(494).json", f"{LONG}a(185).jpg"),
        (f"{LONG}.json", f"{LONG[:-1]}7.jpg"),
    ],
)
def test_a_json_of_another_photo(json_name: str, photo: str) -> None:
    matches = match_takeout([photo], [json_name])
    assert (matches.photo_of, matches.json_of) == ({}, {})


def test_an_original_goes_before_its_copies() -> None:
    photos = ["IMG_1-edited.jpg", "IMG_1.jpg", "IMG_1(1).jpg", "IMG_1-edited(1).jpg"]
    matches = match_takeout(photos, ["IMG_1.jpg.json", "IMG_1.jpg(1).json"])
    assert matches.photo_of == {"IMG_1.jpg.json": "IMG_1.jpg", "IMG_1.jpg(1).json": "IMG_1(1).jpg"}
    assert matches.json_of == {
        "IMG_1-edited.jpg": "IMG_1.jpg.json",
        "IMG_1-edited(1).jpg": "IMG_1.jpg(1).json",
    }


def test_a_copy_with_a_file_of_its_own_keeps_it() -> None:
    names = ["IMG_1.jpg.json", "IMG_1-edited.jpg.json"]
    matches = match_takeout(["IMG_1-edited.jpg", "IMG_1.jpg"], names)
    assert matches.photo_of == {"IMG_1.jpg.json": "IMG_1.jpg", "IMG_1-edited.jpg.json": "IMG_1-edited.jpg"}
    assert matches.json_of == {}


def test_what_two_photos_may_have_goes_to_neither() -> None:
    assert match_takeout(["A.jpg", "A.png"], ["A.json"]).photo_of == {}
    assert match_takeout([f"{LONG}a.jpg", f"{LONG}b.jpg"], [f"{LONG}.json"]).photo_of == {}
    assert match_takeout(["A-edited.jpg"], ["A.jpg.json", "A.heic.json"]).photo_of == {
        "A.jpg.json": "A-edited.jpg"
    }
    assert match_takeout(["A-edited.jpg"], ["A.png.json", "A.heic.json"]).photo_of == {}


def test_ten_thousand_long_names_take_a_second() -> None:
    photos = [f"{number:05}_{LONG}.jpg" for number in range(10_000)] + [
        f"{number}-edited.jpg" for number in range(10_000)
    ]
    names = [f"{photo[:46]}.json" for photo in photos]
    started = time.process_time()
    assert len(match_takeout(photos, names).photo_of) == 20_000
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    ("json_name", "photo", "belongs"),
    [
        ("PXL_20211013_220651983.jpg.json", "PXL_20211013_220651983.jpg", True),
        ("PXL_20211013_220651983.jpg.json", "PXL_20211013_220651958.jpg", False),
        ("PXL_20220405_090123740.PORTRAIT.jpg.json", "PXL_20220405_090123740.PORTRAIT-modifié.jpg", True),
        ("PXL_20220405_090123740.PORTRAIT.jpg.json", "PXL_20220405_090123741.PORTRAIT-modifié.jpg", False),
        ("DSC_0100.JPG.json", "DSC_0100.JPG", True),
        ("DSC_0101.JPG(1).json", "DSC_0101(1).JPG", True),
        ("DSC_0102.JPG(2).json", "DSC_0102(1).JPG", False),
        ("DSC_0103.JPG(1).json", "DSC_0103.JPG", False),
        ("DSC_0104.JPG.json", "DSC_0104(1).JPG", False),
        ("IMG_2710.HEIC(1).json", "IMG_2710(1).HEIC", True),
        ("PXL_20231118_035751175.MP.jpg.json", "PXL_20231118_035751175.MP.jpg", True),
        ("PXL_20230809_203449253.LONG_EXPOSURE-02.ORIGIN.json", "PXL_20230809_203449253.LONG_EXPOSURE-02.ORIGINA.jpg", True),
        ("05yqt21kruxwwlhhgrwrdyb6chhwszi9bqmzu16w0 2.jp.json", "05yqt21kruxwwlhhgrwrdyb6chhwszi9bqmzu16w0 2.jpg", True),
        ("😀😃😄😁😆😅😂🤣🥲☺️😊😇🙂🙃😉😌😍🥰😘😗😙😚😋.json", "😀😃😄😁😆😅😂🤣🥲☺️😊😇🙂🙃😉😌😍🥰😘😗😙😚😋😛.jpg", True),
        ("Backyard_ceremony_wedding_photography_xxxxxxx_(494).json", "Backyard_ceremony_wedding_photography_xxxxxxx_m(494).jpg", True),
        ("Backyard_ceremony_wedding_photography_xxxxxxx_(494).json", "Backyard_ceremony_wedding_photography_xxxxxxx_m(185).jpg", False),
        ("original_1d4caa6f-16c6-4c3d-901b-9387de10e528_.json", "original_1d4caa6f-16c6-4c3d-901b-9387de10e528_P.jpg", True),
        ("original_1d4caa6f-16c6-4c3d-901b-9387de10e528_.json", "original_1d4caa6f-16c6-4c3d-901b-9387de10e528_P(1).jpg", True),
        ("PXL_20210102_221126856.MP~2.jpg.json", "PXL_20210102_221126856.MP~2.jpg", True),
        ("13039_327707840323_537645323_9470255_27214_n.j(1).json", "13039_327707840323_537645323_9470255_27214_n(1).jpg", True),
        ("20161105_170829.jpg.supplemental-metadata.json", "20161105_170829.jpg", True),
        ("Screenshot_20231027_123303_Facebook.jpg.supple.json", "Screenshot_20231027_123303_Facebook.jpg", True),
        ("Screenshot_20231027_123303_Facebook.jpg.supple(1).json", "Screenshot_20231027_123303_Facebook(1).jpg", True),
        ("MVIMG_20191230_232926.jpg.supplemental-metadat.json", "MVIMG_20191230_232926.jpg", True),
        ("Screenshot_20200301-161151.png.supplemental-me.json", "Screenshot_20200301-161151.png", True),
        ("MVIMG_20200207_134534~2.jpg.supplemental-metad.json", "MVIMG_20200207_134534~2.jpg", True),
        ("Scan35.jpg.supplemental-metadata(1).json", "Scan35(1).jpg", True),
        ("CLIP0001.AVI.supplemental-metadata(10).json", "CLIP0001(10).AVI", True),
        ("IMAG0061.JPG.supplemental-metadata.json", "IMAG0061-edited.JPG", True),
        ("IMG-20230325-WA0122~2.jpg.supplemental-metadat.json", "IMG-20230325-WA0122~2-edited.jpg", True),
        ("2234089303984509579.supplemental-metadata.json", "2234089303984509579-edited.jpg", True),
        ("Screenshot_20231027_123303_Facebook.jpg.supple.json", "Screenshot_20231027_123303_Facebook-edited.jpg", True),
        ("Screenshot_2024-08-31-00-53-48-647_com.snapcha.json", "Screenshot_2024-08-31-00-53-48-647_com.snapchat.jpg", True),
    ],
)  # fmt: skip
def test_names_that_people_reported(json_name: str, photo: str, belongs: bool) -> None:
    """File names of real exports, as they are known from reports about programs that import them."""
    expected = {json_name: photo} if belongs else {}
    assert match_takeout([photo], [json_name]).photo_of == expected
