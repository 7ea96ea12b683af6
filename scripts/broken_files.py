"""Writes hundreds of broken, hostile and odd files, and imports them to see that nothing worse happens than a message.

    python scripts/broken_files.py FOLDER             only writes them; the same bytes every time
    python scripts/broken_files.py FOLDER --import    also imports them, beside sound photos, and prints what happened

The import is the real one (`familiar add`), in a home beside the folder. Needs Linux for its measurements.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from personalizer.photos.formats import may_be_photo
from scripts.faults.bombs import Broken, bombs
from scripts.faults.processes import FAMILY, MemoryWatch, environment
from scripts.faults.sources import Source, boundaries, draw, sources

SOUND_PHOTOS = 12
_MAX_CUTS = 14


def broken_files() -> Iterator[Broken]:
    """(file name, content) of all that have content, in a fixed order."""
    sound = sources()
    for source in sound:
        yield from truncated(source)
        yield from damaged(source)
    yield from disguised(sound)
    yield from bombs({source.name: source for source in sound})
    yield from oddly_named(sound[0])


def truncated(source: Source) -> Iterator[Broken]:
    """Cut where parts begin, in the middle of them, and one byte before the end."""
    size = len(source.content)
    edges = boundaries(source)
    middles = [(first + second) // 2 for first, second in zip([*edges], [*edges[1:], size], strict=True)]
    cuts = sorted({1, 2, 3, *edges, *middles, size // 2, size * 9 // 10, size - 2, size - 1})
    cuts = [cut for cut in cuts if 0 < cut < size]
    step = max(len(cuts) / _MAX_CUTS, 1)
    chosen = {cuts[int(number * step)] for number in range(min(_MAX_CUTS, len(cuts)))} | {size - 1}
    for cut in sorted(chosen):
        yield f"{source.name}-cut-at-{cut:05}{source.suffix}", source.content[:cut]


def damaged(source: Source) -> Iterator[Broken]:
    """Flipped bits in the header and behind it, and parts that are zeros, noise, doubled or missing."""
    content, size = source.content, len(source.content)
    for number in range(4):
        random = np.random.default_rng([number, size])
        end = 64 if number < 2 else size
        flipped = bytearray(content)
        for at in random.integers(4, min(end, size), 1 if number % 2 == 0 else 24):
            flipped[at] ^= 1 << int(random.integers(0, 8))
        yield f"{source.name}-flipped-{number}{source.suffix}", bytes(flipped)
    third, half = size // 3, size // 2
    noise = np.random.default_rng(size).bytes(third)
    yield f"{source.name}-zeros-inside{source.suffix}", content[:third] + b"\0" * third + content[2 * third :]
    yield f"{source.name}-noise-inside{source.suffix}", content[:third] + noise + content[2 * third :]
    yield f"{source.name}-part-missing{source.suffix}", content[:third] + content[half:]
    yield f"{source.name}-part-twice{source.suffix}", content[:half] + content[third:]
    yield f"{source.name}-backwards{source.suffix}", content[:4] + content[:3:-1]


def disguised(sound: Sequence[Source]) -> Iterator[Broken]:
    """Content under the name of another kind, and content of two kinds at once."""
    for source, other in zip(sound, [*sound[3:], *sound[:3]], strict=True):
        yield f"{source.name}-named{other.suffix}", source.content
    by_name = {source.name: source.content for source in sound}
    jpeg, png = by_name["jpeg"], by_name["png"]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("../../escape.txt", "no")
        packed.writestr("zeros", b"\0" * 10**7, zipfile.ZIP_DEFLATED)
    page = b"<!DOCTYPE html><html><script>alert(1)</script></html>"
    pdf = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF"
    vector = b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><svg>&b;</svg>'
    script = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 60000 60000\n(/etc/passwd) (r) file\n"
    frame = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + b"\0\0\0\x08mdat" + b"\0" * 500
    bitmap = (
        b"BM"
        + (10**6).to_bytes(4, "little")
        + b"\0" * 4
        + b"\x36\0\0\0\x28\0\0\0"
        + b"\xff\x7f\0\0" * 2
        + b"\0" * 40
    )
    for name, content in {
        "zip-in-jpg.jpg": jpeg + archive.getvalue(),
        "zip-named-jpg.jpg": archive.getvalue(),
        "zip-named-heic.heic": archive.getvalue(),
        "jpg-behind-zip.jpg": archive.getvalue() + jpeg,
        "jpg-in-png.png": png + jpeg,
        "png-in-jpg.jpg": jpeg + png,
        "jpg-behind-text.jpg": b"hello\n" + jpeg,
        "page-named-jpg.jpg": page,
        "page-behind-gif.gif": b"GIF89a/*" + page + b"*/=1;",
        "pdf-named-jpg.jpg": pdf,
        "pdf-and-jpg.jpg": jpeg[:2] + b"\xff\xfe\0\x60" + pdf.ljust(94) + jpeg[2:],
        "svg-named-png.png": vector,
        "postscript-named-tif.tif": script,
        "postscript-named-jpg.jpg": script,
        "film-named-heic.heic": frame,
        "film-named-jpg.jpg": frame,
        "bitmap-named-jpg.jpg": bitmap,
        "icon-named-png.png": b"\0\0\1\0\1\0\xff\xff\0\0\1\0\x20\0\xff\xff\xff\x7f\x16\0\0\0",
        "avif-type-named-heic.heic": by_name["heic"].replace(b"heic", b"avif", 1),
        "program-named-jpg.jpg": b"\x7fELF\2\1\1" + b"\0" * 300,
        "pickle-named-png.png": b"\x80\4\x95\x1a\0\0\0\0\0\0\0\x8c\5posix\x8c\6system\x93\x8c\4true\x85R.",
        "database-named-tif.tif": b"SQLite format 3\0" + b"\0" * 500,
        "text-named-webp.webp": b"Dear diary, today nothing happened.\n" * 40,
        "one-byte.jpg": b"\xff",
        "two-bytes.jpg": b"\xff\xd8",
        "begin-and-end.jpg": b"\xff\xd8\xff\xd9",
        "only-magic.png": b"\x89PNG\r\n\x1a\n",
        "only-magic.webp": b"RIFF\0\0\0\0WEBP",
        "only-magic.tif": b"II*\0",
        "only-magic.gif": b"GIF89a",
        "only-magic.heic": b"\0\0\0\x18ftypheic",
        "empty.jpg": b"",
        "empty.heic": b"",
        "newlines.jpg": jpeg.replace(b"\n", b"\r\n"),
        "seven-bits.jpg": bytes(byte & 0x7F for byte in jpeg),
        "as-utf-8.png": png.decode("latin-1").encode("utf-8"),
        "base64.jpg": b"data:image/jpeg;base64,/9j/4AAQSkZJRgABAQAAAQABAAD",
    }.items():
        yield name, content
    for kind in ("zeros", "ones", "noise"):
        filler = {"zeros": b"\0", "ones": b"\xff"}.get(kind)
        content = np.random.default_rng(7).bytes(50_000) if filler is None else filler * 50_000
        for suffix in (".jpg", ".png", ".heic", ".tif", ".webp"):
            yield f"only-{kind}{suffix}", content


def oddly_named(source: Source) -> Iterator[Broken]:
    """Half a file under names that trip programs up."""
    half = source.content[: len(source.content) // 2]
    for number, name in enumerate(
        (
            os.fsdecode(b"caf\xe9 \xff\xfe.jpg"),
            os.fsdecode(b"\x80\x81.jpg"),
            "new\nline.jpg",
            "bell\a escape\x1b[31m.jpg",
            "x" * 251 + ".jpg",
            "--help.jpg",
            "%00.jpg",
            "a..jpg.jpg",
            "$(touch owned).jpg",
            "'; DROP TABLE photos; --.jpg",
            "\u202egpj.exe.jpg",
            "e\u0301\u0308\u0323.jpg",
            "\U0001f431\u200d\U0001f4bb.jpg",
            " .jpg",
            "nul.jpg ",
            "CON.JPG",
            "tab\t.jpg",
            "back\\slash.jpg",
        )
    ):
        # Each with bytes of its own: the same content would be one photo.
        yield name, half[: len(half) - number]


def write_corpus(folder: Path) -> list[Path]:
    """Write all of them, and what has no content (folders, pipes, links); returns the regular files."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, content in broken_files():
        path = folder / name
        if path.exists():
            raise FileExistsError(path)
        path.write_bytes(content)
        written.append(path)
    for name, size in (("too-large.jpg", 201 * 2**20), ("mostly-hole.jpg", 150 * 2**20)):
        with (folder / name).open("wb") as file:
            file.write(b"\xff\xd8\xff\xe0")
            file.truncate(size)
        written.append(folder / name)
    (folder / "folder.jpg").mkdir()
    os.mkfifo(folder / "pipe.jpg")
    (folder / "loop.jpg").symlink_to("loop.jpg")
    (folder / "nowhere.jpg").symlink_to("/nowhere/at/all.jpg")
    (folder / "endless.jpg").symlink_to("/dev/zero")
    (folder / "circle").symlink_to(folder)
    with socket.socket(socket.AF_UNIX) as unix, contextlib.suppress(OSError):
        unix.bind(str(folder / "socket.jpg"))  # refused where the path is too long
    return written


def write_sound(folder: Path) -> list[Path]:
    """Photos that have to be imported whatever lies beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for seed in range(SOUND_PHOTOS):
        path = folder / f"sound-{seed:02}.jpg"
        draw(1000 + seed, (320, 240)).save(path, "JPEG", quality=88)
        paths.append(path)
    return paths


def import_all(folder: Path, home: Path, timeout_s: float = 3600) -> dict[str, Any]:
    """Import the folder with the real command and say what happened.

    `unnamed` and `lost_sound` have to be empty; `slowest_s` is the longest that one file was in hand and `peak_mib` the
    most memory that each kind of process had.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    program = [sys.executable, "-c", "from tui.entry import main; main()"]
    mark = environment()
    command = [*program, "--home", str(home), "--json", "--quiet", "add", str(folder)]
    started = time.monotonic()
    with tempfile.TemporaryFile("w+") as said, MemoryWatch(mark[FAMILY]) as memory:
        front = subprocess.Popen(command, stdout=said, stderr=subprocess.PIPE, text=True, env=mark)
        in_hand, slowest = _watch_files(home, front, started + timeout_s)
        _, errors = front.communicate(timeout=60)
        said.seek(0)
        output = said.read()
        memory.look()
        _stop_worker(home)
    report = json.loads(output) if output else {}
    expected = {
        path for path in folder.rglob("*") if path.is_file() and not path.is_symlink() and may_be_photo(path)
    }
    failed = {Path(failure["path"]): failure["reason"] for failure in report.get("failed", [])}
    with contextlib.closing(sqlite3.connect(f"file:{home / 'library.sqlite3'}?mode=ro", uri=True)) as library:
        recorded = {Path(os.fsdecode(path)) for (path,) in library.execute("SELECT path FROM photo_files")}
        sound = library.execute("PRAGMA integrity_check").fetchone()[0]
    return {
        "status": front.returncode,
        "errors": errors[-2000:] if front.returncode else "",
        "files": len(expected),
        "imported": len(recorded),
        "failed": len(failed),
        "unnamed": sorted(map(repr, (expected - recorded - set(failed)))),
        "lost_sound": sorted(path.name for path in expected - recorded if path.name.startswith("sound-")),
        "slowest_s": round(slowest, 2),
        "slowest": in_hand,
        "peak_mib": memory.peaks(),
        "crashes": sorted(
            repr(path.name) for path, reason in failed.items() if "the program that reads" in reason
        ),
        "reasons": dict(Counter(reason.partition(":")[0][:60] for reason in failed.values()).most_common(20)),
        "integrity": sound,
        "elapsed_s": round(time.monotonic() - started, 1),
    }


def _watch_files(home: Path, front: subprocess.Popen[str], deadline_s: float) -> tuple[str, float]:
    """The file that was in hand for longest, and for how long: its attempt is noted before it is made."""
    since: dict[bytes | str, float] = {}
    slowest: tuple[str, float] = ("", 0.0)
    library: sqlite3.Connection | None = None
    while front.poll() is None and time.monotonic() < deadline_s:
        with contextlib.suppress(sqlite3.Error):
            if library is None and (home / "library.sqlite3").exists():
                library = sqlite3.connect(f"file:{home / 'library.sqlite3'}?mode=ro", uri=True)
            if library is not None:
                now_s = time.monotonic()
                rows = [row[0] for row in library.execute("SELECT path FROM failures WHERE reason IS NULL")]
                since = {path: since.get(path, now_s) for path in rows}
                for path, began_s in since.items():
                    if now_s - began_s > slowest[1]:
                        slowest = (repr(Path(os.fsdecode(path)).name), now_s - began_s)
        time.sleep(0.05)
    if front.poll() is None:
        front.kill()
    if library is not None:
        library.close()
    return slowest


def _stop_worker(home: Path) -> None:
    from assistant.daemon.process import stop_worker
    from personalizer.home import Home

    stop_worker(Home(home), patience_s=30)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--import", action="store_true", dest="imports")
    options = parser.parse_args(arguments)
    broken = options.folder / "broken"
    if broken.exists():
        shutil.rmtree(broken)
    written = write_corpus(broken)
    if not options.imports:
        print(json.dumps({"files": len(written), "bytes": sum(path.stat().st_size for path in written)}))
        return 0
    write_sound(options.folder / "sound")
    with tempfile.TemporaryDirectory() as beside:
        result = import_all(options.folder.resolve(), Path(beside) / "home")
    print(json.dumps({"written": len(written), **result}, indent=2))
    return int(bool(result["status"] or result["unnamed"] or result["lost_sound"]))


if __name__ == "__main__":
    sys.exit(main())
