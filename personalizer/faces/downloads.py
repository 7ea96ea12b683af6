"""The networks for faces that may be downloaded: which there are, which of them are here, and which are used.

Knows addresses, hashes and files; runs no network. Nothing is fetched unless a person asks for it by name.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from personalizer.errors import CorruptArtifactError, FamiliarError, NotReadyError, StorageError, UsageError
from personalizer.home import write_atomically

CHOICE_NAME = "face_models.json"
BUILT_IN = "built-in"
_BLOCK_BYTES = 1 << 20
_TIMEOUT_S = 60.0
_ZOO = "https://github.com/opencv/opencv_zoo/raw/main/models"
Task = Literal["detection", "recognition"]


@dataclass(frozen=True, slots=True)
class FaceModel:
    """A published network, by the one content that is accepted for it."""

    name: str
    task: Task
    file_name: str
    url: str
    size: int
    sha256: str
    licence: str

    @property
    def version(self) -> str:
        """Short, for what was made with it."""
        return self.sha256[:8]


# Sizes and hashes are those of the repository's own Git LFS pointers.
CATALOGUE: Mapping[str, FaceModel] = {
    model.name: model
    for model in (
        FaceModel(
            "yunet",
            "detection",
            "face_detection_yunet_2023mar.onnx",
            f"{_ZOO}/face_detection_yunet/face_detection_yunet_2023mar.onnx",
            232_589,
            "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
            "MIT",
        ),
        FaceModel(
            "sface",
            "recognition",
            "face_recognition_sface_2021dec.onnx",
            f"{_ZOO}/face_recognition_sface/face_recognition_sface_2021dec.onnx",
            38_696_353,
            "0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79",
            "Apache-2.0",
        ),
    )
}


def find_model(name: str, catalogue: Mapping[str, FaceModel] = CATALOGUE) -> FaceModel:
    """The model of that name, or `UsageError`."""
    if name not in catalogue:
        raise UsageError(
            tried=f"looking up the face model {name!r}",
            found=f"there are: {', '.join(catalogue)}",
            fix="List them with: familiar faces models",
        )
    return catalogue[name]


def is_installed(models: Path, model: FaceModel) -> bool:
    """Whether its file is in `models` and as long as it should be; its hash is checked where it is loaded."""
    try:
        return (models / model.file_name).stat().st_size == model.size
    except OSError:
        return False


def read_model(models: Path, model: FaceModel) -> bytes:
    """The verified content of its file in `models`."""
    path = models / model.file_name
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise NotReadyError(
            tried=f"loading the face model {model.name}",
            found="it was not downloaded",
            fix=f"Run: familiar faces download {model.name} (or: familiar faces use {BUILT_IN})",
        ) from error
    except OSError as error:
        raise StorageError(
            tried=f"loading the face model {path}",
            found=error.strerror or str(error),
            fix="Check the disk and the permissions of that file.",
        ) from error
    found = hashlib.sha256(content).hexdigest()
    if found != model.sha256:
        raise CorruptArtifactError(
            tried=f"loading the face model {path}",
            found=f"its SHA-256 is {found[:16]}…, not {model.sha256[:16]}…",
            fix=f"Run: familiar faces download {model.name} (or: familiar faces use {BUILT_IN})",
        )
    return content


def download(
    models: Path,
    model: FaceModel,
    *,
    on_bytes: Callable[[int, int], None] = lambda done, total: None,
) -> Path:
    """Fetch the model from its address into `models`; `on_bytes` is told how far it is.

    Whatever comes is refused unless it is to the byte what was published. A file that was there before stays then.
    """
    tried = f"downloading the face model {model.name} from {model.url}"
    advice = (
        f"Try again, or fetch the file elsewhere and run: familiar faces download {model.name} --from FILE"
    )
    request = urllib.request.Request(model.url, headers={"User-Agent": "familiar-assistant"})
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
            blocks = iter(lambda: answer.read(_BLOCK_BYTES), b"")
            return _install(models, model, blocks, tried, advice, on_bytes)
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", None) or error
        raise FamiliarError(tried=tried, found=str(reason) or type(error).__name__, fix=advice) from error


def install_file(models: Path, model: FaceModel, source: Path) -> Path:
    """Take the model from a file that was fetched elsewhere, by the same hash."""
    tried = f"installing the face model {model.name} from {source}"
    advice = f"Give the file {model.file_name} as published at {model.url}"
    try:
        with source.open("rb") as file:
            blocks = iter(lambda: file.read(_BLOCK_BYTES), b"")
            return _install(models, model, blocks, tried, advice)
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise UsageError(tried=tried, found=error.strerror or str(error), fix=advice) from error


def _install(
    models: Path,
    model: FaceModel,
    blocks: Iterator[bytes],
    tried: str,
    advice: str,
    on_bytes: Callable[[int, int], None] = lambda done, total: None,
) -> Path:
    """Write what comes to the model's place once all of it is there and right."""
    content = bytearray()
    for block in blocks:
        content += block
        on_bytes(len(content), model.size)
        if len(content) > model.size:
            break
    found = hashlib.sha256(content).hexdigest()
    if len(content) != model.size:
        amount = f"more than {model.size}" if len(content) > model.size else str(len(content))
        raise CorruptArtifactError(tried=tried, found=f"{amount} bytes, not {model.size}", fix=advice)
    if found != model.sha256:
        raise CorruptArtifactError(
            tried=tried, found=f"the SHA-256 {found[:16]}…, not {model.sha256[:16]}…", fix=advice
        )
    path = models / model.file_name
    try:
        write_atomically(path, bytes(content))
    except OSError as error:
        raise StorageError(
            tried=tried,
            found=f"writing {path}: {error.strerror or error}",
            fix="Check the disk's free space and the permissions of that folder.",
        ) from error
    return path


def chosen_models(models: Path, catalogue: Mapping[str, FaceModel] = CATALOGUE) -> dict[Task, FaceModel]:
    """The downloaded models that are used, by what for; what is not there is done by the models that ship."""
    path = models / CHOICE_NAME
    try:
        names = json.loads(path.read_text("utf-8"))["use"]
        return {catalogue[name].task: catalogue[name] for name in names}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CorruptArtifactError(
            tried=f"reading which face models are used from {path}",
            found=f"{type(error).__name__}: {error}",
            fix=f"Choose again with: familiar faces use {BUILT_IN}",
        ) from error


def choose_models(
    models: Path, names: Sequence[str], catalogue: Mapping[str, FaceModel] = CATALOGUE
) -> dict[Task, FaceModel]:
    """Use these downloaded models from now on, and for all else what ships; their files are verified first.

    `names` is one of each task at most, or `BUILT_IN` alone.
    """
    wanted = _wanted(names, catalogue)
    for model in wanted:
        read_model(models, model)
    models.mkdir(mode=0o700, parents=True, exist_ok=True)
    content = json.dumps({"use": [model.name for model in wanted]}) + "\n"
    write_atomically(models / CHOICE_NAME, content.encode())
    return {model.task: model for model in wanted}


def _wanted(names: Iterable[str], catalogue: Mapping[str, FaceModel]) -> list[FaceModel]:
    unique = list(dict.fromkeys(names))
    if unique == [BUILT_IN]:
        return []
    if not unique or BUILT_IN in unique:
        raise UsageError(
            tried=f"using the face models {' '.join(unique)!r}",
            found=f"{BUILT_IN} goes alone" if unique else "none was named",
            fix=f"Name one or more of {', '.join(catalogue)}, or {BUILT_IN} alone.",
        )
    wanted = [find_model(name, catalogue) for name in unique]
    tasks = [model.task for model in wanted]
    if len(set(tasks)) != len(tasks):
        raise UsageError(
            tried=f"using the face models {' '.join(unique)!r}",
            found="two of them do the same",
            fix="Name one for each task.",
        )
    return wanted
