"""Fetching the training pictures, from sources on this disk that have the layout of the published ones."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import io
import json
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from assistant.evaluation.data.corpora import ARCHIVES, read_archive
from personalizer.errors import CorruptArtifactError, NotReadyError, UsageError
from scripts.pocket.data import fetch_corpus
from scripts.pocket.data.fetch_corpus import SOURCES, Source, write_archive

BY_NAME = {source.name: source for source in SOURCES}


def picture(path: Path, color: str = "red", mode: str = "RGB") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, (60, 40), color).save(path)
    return path


@pytest.fixture
def groceries(tmp_path: Path) -> Source:
    """A git repository with the data set's layout."""
    folder = tmp_path / "published"
    for part, name in (("train", "Fruit/Apple/Granny-Smith"), ("val", "Packages/Milk/Arla")):
        picture(folder / "dataset" / part / name / "x_001.jpg")
    picture(folder / "dataset" / "iconic-images-and-descriptions" / "Fruit" / "icon.jpg")
    author = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    for command in (("init", "-q"), ("add", "."), (*author, "commit", "-q", "-m", "all")):
        subprocess.run(["git", "-C", str(folder), *command], check=True)
    commit = subprocess.run(
        ["git", "-C", str(folder), "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.strip()
    return dataclasses.replace(BY_NAME["grocery"], address=str(folder), pin=commit)


@pytest.fixture
def caltech(tmp_path: Path) -> Source:
    """A zip file with a tar file in it."""
    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode="w:gz") as tar:
        for name in ("BACKGROUND_Google/image_1.jpg", "yin_yang/image_1.jpg", "yin_yang/broken.jpg"):
            content = picture(tmp_path / "one.jpg").read_bytes() if "image" in name else b"no picture"
            member = tarfile.TarInfo(f"101_ObjectCategories/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    archive = tmp_path / "caltech-101.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("caltech-101/101_ObjectCategories.tar.gz", inner.getvalue())
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    return dataclasses.replace(BY_NAME["caltech101"], address=archive.as_uri(), pin=digest)


def test_every_source_is_pinned_and_has_a_licence() -> None:
    assert len(BY_NAME) == len(SOURCES) == 5
    for source in SOURCES:
        assert source.license and len(source.pin) >= 40
        assert source.address.startswith("https://") or "@" in source.address or "=" in source.address


def test_what_is_fetched_reads_as_a_corpus(
    groceries: Source, caltech: Source, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive, captions = (tmp_path / "out" / name for name in ARCHIVES[0])
    assert write_archive([caltech, groceries], tmp_path / "work", archive, captions) == 4
    found = list(read_archive(archive, captions))
    assert [(p.record.source, p.record.label, p.record.caption) for p in found] == [
        ("caltech101", None, None),
        ("caltech101", "yin yang", "a photo of a yin yang"),
        ("grocery", "granny smith", "a photo of a granny smith"),
        ("grocery", "arla", "a photo of an arla"),
    ]
    assert all(p.image().size == (128, 128) for p in found)
    assert "left out" in (printed := capsys.readouterr().out) and "broken.jpg" in printed
    # What was fetched is kept: nothing is asked for again.
    gone = dataclasses.replace(groceries, address="/nowhere")
    assert write_archive([caltech, gone], tmp_path / "work", archive, captions) == 4


def test_another_content_is_refused_by_name(caltech: Source, tmp_path: Path) -> None:
    changed = dataclasses.replace(caltech, pin="0" * 64)
    with pytest.raises(CorruptArtifactError, match=r"caltech-101.zip has the hash .* instead of 0000"):
        fetch_corpus.fetch_zip(changed, tmp_path / "work")


def test_a_source_that_cannot_be_reached_says_what_to_do(
    groceries: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = dataclasses.replace(groceries, address=str(tmp_path / "nothing"))
    with pytest.raises(NotReadyError, match=r"fetching grocery.*run the same command again"):
        fetch_corpus.fetch_git(elsewhere, tmp_path / "work")
    offline = dataclasses.replace(BY_NAME["caltech101"], address="http://127.0.0.1:9/caltech-101.zip")
    with pytest.raises(NotReadyError, match="caltech101 from http"):
        fetch_corpus.fetch_zip(offline, tmp_path / "work")
    unknown = dataclasses.replace(groceries, pin="1" * 40)
    with pytest.raises(NotReadyError, match="fetch --depth 1"):
        fetch_corpus.fetch_git(unknown, tmp_path / "work")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotReadyError, match="npm is not installed"):
        fetch_corpus.fetch_emoji(BY_NAME["fluent-emoji-3d"], tmp_path / "work")


@pytest.fixture
def emoji(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Source:
    """npm itself is replaced by a program that packs a folder, as `npm pack` does."""
    content = picture(tmp_path / "1f436.webp", "#ff000080", "RGBA")
    names = tmp_path / "data.json"
    tones = [{"hexcode": "1F44B-1F3FB", "label": "waving hand: light"}]
    entries = [
        {"hexcode": "1F436", "label": "dog face", "tags": ["pet"]},
        {"hexcode": "1F44B", "label": "waving hand", "skins": tones},
    ]
    names.write_text(json.dumps(entries))
    packed = {"pictures-1.1.0.tgz": [], "names-17.0.0.tgz": [(names, "package/en/data.json")]}
    for stem in ("1f436", "1f44b-1f3fb", "nameless"):
        packed["pictures-1.1.0.tgz"].append((content, f"package/assets/{stem}.webp"))
    pins = []
    for name, members in packed.items():
        with tarfile.open(tmp_path / name, "w:gz") as tar:
            for file, inside in members:
                tar.add(file, inside)
        digest = base64.b64encode(hashlib.sha512((tmp_path / name).read_bytes()).digest()).decode()
        pins.append(f"sha512-{digest}")
    programs = tmp_path / "bin"
    programs.mkdir()
    npm = programs / "npm"
    npm.write_text(
        f'#!/bin/sh\ncase "$2" in *names*) exec cp {tmp_path}/names-17.0.0.tgz "$4/";; esac\n'
        f'exec cp {tmp_path}/pictures-1.1.0.tgz "$4/"\n'
    )
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.setattr(fetch_corpus, "EMOJI_NAMES", ("names@17.0.0", pins[1]))
    return dataclasses.replace(BY_NAME["fluent-emoji-3d"], pin=pins[0])


def test_emoji_have_their_published_names_and_keys(emoji: Source, tmp_path: Path) -> None:
    archive, captions = (tmp_path / "out" / name for name in ARCHIVES[1])
    assert write_archive([emoji], tmp_path / "work", archive, captions) == 2, "one has no name"
    dog, hand = read_archive(archive, captions)
    assert dog.record.label == "dog face" and hand.record.label == "waving hand: light"
    assert min(dog.image().getpixel((64, 64))) > 90, "half transparent red lies on white"
    keys = [json.loads(line)["image"] for line in captions.read_text().splitlines()]
    assert keys == ["fluent3d/1f436.webp", "fluent3d/1f44b-1f3fb.webp"]


def test_a_package_is_checked_against_its_integrity(
    emoji: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = dataclasses.replace(emoji, pin="sha512-other")
    with pytest.raises(CorruptArtifactError, match=r"pictures-1\.1\.0\.tgz .*instead of sha512-other"):
        fetch_corpus.fetch_emoji(other, tmp_path / "work")
    monkeypatch.setattr(fetch_corpus, "EMOJI_NAMES", ("names@17.0.0", "sha512-other"))
    with pytest.raises(CorruptArtifactError, match=r"names-17\.0\.0\.tgz"):
        fetch_corpus.fetch_emoji(emoji, tmp_path / "work")
    (tmp_path / "pictures-1.1.0.tgz").unlink()
    (tmp_path / "bin" / "npm").write_text("#!/bin/sh\nexit 0\n")
    with pytest.raises(NotReadyError, match=r"0 files \*\.tgz"):
        fetch_corpus.fetch_emoji(emoji, tmp_path / "work")


def test_another_pin_is_fetched_anew(
    groceries: Source, emoji: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = tmp_path / "work"
    (fetch_corpus.fetch_git(groceries, work) / "mine").touch()
    (fetch_corpus.fetch_emoji(emoji, work) / "mine").touch()
    monkeypatch.setattr(fetch_corpus, "EMOJI_NAMES", ("names@18.0.0", fetch_corpus.EMOJI_NAMES[1] + "x"))
    with pytest.raises(NotReadyError):
        fetch_corpus.fetch_git(dataclasses.replace(groceries, pin="1" * 40), work)
    with pytest.raises(CorruptArtifactError, match="names-17"):
        fetch_corpus.fetch_emoji(emoji, work)
    for source in (groceries, emoji):
        assert (work / source.name / "mine").exists(), "until there is another, what is there stays"
    monkeypatch.undo()
    assert (fetch_corpus.fetch_git(groceries, work) / "mine").exists(), "nothing is fetched twice"


def test_a_source_without_pictures_or_captions_that_are_none_are_named(
    groceries: Source, tmp_path: Path
) -> None:
    archive, captions = (tmp_path / "out" / name for name in ARCHIVES[0])
    empty = dataclasses.replace(groceries, describe=lambda folder, path: None)
    with pytest.raises(CorruptArtifactError, match=r"no picture in .*grocery"):
        write_archive([empty], tmp_path / "work", archive, captions)
    assert not captions.exists() and not list(archive.parent.iterdir())
    captions.write_text("not json")
    with pytest.raises(CorruptArtifactError, match=r"captions\.jsonl.*holds no captions"):
        write_archive([groceries], tmp_path / "work", archive, captions)


def test_fetching_a_part_does_not_lose_another(groceries: Source, caltech: Source, tmp_path: Path) -> None:
    archive, captions = (tmp_path / "out" / name for name in ARCHIVES[0])
    write_archive([caltech], tmp_path / "work", archive, captions)
    before = captions.read_bytes(), archive.read_bytes()
    with pytest.raises(UsageError, match=r"captions\.jsonl.*caltech101"):
        write_archive([groceries], tmp_path / "work", archive, captions)
    assert before == (captions.read_bytes(), archive.read_bytes())
    assert write_archive([caltech, groceries], tmp_path / "work", archive, captions) == 4


def test_links_in_what_was_fetched_are_not_followed(tmp_path: Path) -> None:
    inside = picture(tmp_path / "work" / "train" / "hat" / "a.png")
    outside = picture(tmp_path / "private.png")
    (inside.parent / "b.png").symlink_to(outside)
    found = list(fetch_corpus.pictures(BY_NAME["clothing"], tmp_path / "work"))
    assert [entry["path"] for entry, _ in found] == ["train/hat/a.png"]
