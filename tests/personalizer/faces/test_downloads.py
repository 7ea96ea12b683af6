"""What is downloaded for faces is to the byte what was published, and is only used where a person said so.

The real networks are not here: stand-ins with the same inputs and outputs are, and a server on this machine.
"""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image, ImageDraw

from personalizer.errors import (
    CorruptArtifactError,
    FamiliarError,
    NotReadyError,
    StorageError,
    UsageError,
)
from personalizer.faces import downloads as face_models
from personalizer.faces.downloads import (
    BUILT_IN,
    CATALOGUE,
    FaceModel,
    choose_models,
    chosen_models,
    download,
    install_file,
    is_installed,
    read_model,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "models"


class Server(http.server.ThreadingHTTPServer):
    """Answers with what `answers` has for a path, and remembers what was asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.asked: list[str] = []

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        status, headers, content = self.server.answers.get(self.path, (404, {}, b"no such file"))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    thread = threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield running
    running.shutdown()
    running.server_close()
    thread.join(5)


@pytest.fixture
def content(face_stand_ins: ModuleType) -> bytes:
    return face_stand_ins.CONTENTS["yunet"]


@pytest.fixture
def model(face_stand_ins: ModuleType, server: Server, content: bytes) -> FaceModel:
    server.answers["/yunet.onnx"] = (200, {}, content)
    return face_stand_ins.stand_in("yunet", server.url("/yunet.onnx"))


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_what_was_published_is_fetched_once_and_kept_private(
    server: Server, folder: Path, model: FaceModel, content: bytes
) -> None:
    assert server.asked == [] and not is_installed(folder, model)
    told: list[tuple[int, int]] = []
    path = download(folder, model, on_bytes=lambda done, total: told.append((done, total)))
    assert path.read_bytes() == content == read_model(folder, model)
    assert is_installed(folder, model) and left_in(folder) == [model.file_name]
    assert path.stat().st_mode & 0o777 == 0o600 and folder.stat().st_mode & 0o777 == 0o700
    assert told[-1] == (model.size, model.size) and server.asked == ["/yunet.onnx"]


def test_the_publisher_may_send_it_from_elsewhere(server: Server, folder: Path, model: FaceModel) -> None:
    server.answers["/moved"] = (302, {"Location": "/yunet.onnx"}, b"")
    download(folder, replace(model, url=server.url("/moved")))
    assert server.asked == ["/moved", "/yunet.onnx"] and is_installed(folder, model)


@pytest.mark.parametrize("installed", [False, True])
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda real: (200, {}, real[:-1] + bytes([real[-1] ^ 1])), "SHA-256"),
        (lambda real: (200, {}, real[:-1]), "bytes, not"),
        (lambda real: (200, {}, real + b"x"), "more than"),
        (lambda real: (200, {"Content-Length": str(len(real))}, real[: len(real) // 2]), "bytes"),
        (lambda real: (200, {}, b"<html>Sign in to this network</html>"), "bytes, not"),
        (lambda real: (404, {}, b"gone"), "Not Found"),
        (lambda real: (503, {}, b""), "Service Unavailable"),
    ],
    ids=["other byte", "shorter", "longer", "broken off", "a page", "gone", "out of order"],
)
def test_anything_else_is_refused_and_changes_nothing(
    server: Server, folder: Path, model: FaceModel, content: bytes, installed: bool, answer, said: str
) -> None:
    if installed:
        download(folder, model)
    server.answers["/yunet.onnx"] = answer(content)
    before = left_in(folder)
    with pytest.raises(FamiliarError, match=said) as caught:
        download(folder, model)
    assert "--from FILE" in caught.value.fix and model.url in caught.value.tried
    assert left_in(folder) == before
    if installed:
        assert read_model(folder, model) == content, "what was there still is"


def test_an_endless_answer_is_cut_off(server: Server, folder: Path, model: FaceModel) -> None:
    server.answers["/yunet.onnx"] = (200, {}, b"x" * (40 << 20))
    told: list[int] = []
    with pytest.raises(CorruptArtifactError, match="more than"):
        download(folder, model, on_bytes=lambda done, total: told.append(done))
    assert told[-1] < model.size + (2 << 20), "no more was read than tells"


def test_no_server(folder: Path, face_stand_ins: ModuleType) -> None:
    with pytest.raises(FamiliarError) as caught:
        download(folder, face_stand_ins.stand_in("yunet"))
    assert "refused" in caught.value.found and left_in(folder) == []


def test_a_file_fetched_elsewhere_is_checked_the_same(
    tmp_path: Path, folder: Path, server: Server, model: FaceModel, content: bytes
) -> None:
    file = tmp_path / "fetched"
    with pytest.raises(UsageError, match="No such file"):
        install_file(folder, model, file)
    with pytest.raises(UsageError, match="directory"):
        install_file(folder, model, tmp_path)
    file.write_bytes(content[:-1])
    with pytest.raises(CorruptArtifactError):
        install_file(folder, model, file)
    file.write_bytes(bytes(len(content)))
    with pytest.raises(CorruptArtifactError, match="SHA-256"):
        install_file(folder, model, file)
    assert left_in(folder) == []
    file.write_bytes(content)
    install_file(folder, model, file)
    assert read_model(folder, model) == content and server.asked == []


def test_no_room_for_it(tmp_path: Path, model: FaceModel) -> None:
    (tmp_path / "models").write_text("a file where the folder should be")
    with pytest.raises(StorageError):
        download(tmp_path / "models", model)


def test_a_file_that_was_damaged_later_is_not_loaded(folder: Path, model: FaceModel) -> None:
    with pytest.raises(NotReadyError, match="familiar faces download yunet"):
        read_model(folder, model)
    path = download(folder, model)
    damaged = bytearray(path.read_bytes())
    damaged[100] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(CorruptArtifactError, match="built-in"):
        read_model(folder, model)


def test_only_what_a_person_chose_is_used(folder: Path, face_stand_ins: ModuleType) -> None:
    known = {name: face_stand_ins.stand_in(name) for name in ("yunet", "sface")}
    assert chosen_models(folder, known) == {}
    with pytest.raises(NotReadyError):
        choose_models(folder, ["yunet"], known)
    assert chosen_models(folder, known) == {}, "nothing is used that is not there"
    folder.mkdir(exist_ok=True)
    for name, stand_in in known.items():
        (folder / stand_in.file_name).write_bytes(face_stand_ins.CONTENTS[name])
    assert chosen_models(folder, known) == {}, "and nothing because it is there"
    choose_models(folder, ["sface", "yunet"], known)
    assert chosen_models(folder, known) == {"detection": known["yunet"], "recognition": known["sface"]}
    choose_models(folder, ["sface"], known)
    assert chosen_models(folder, known) == {"recognition": known["sface"]}
    for wrong in ([], ["retina"], [BUILT_IN, "yunet"]):
        with pytest.raises(UsageError):
            choose_models(folder, wrong, known)
    choose_models(folder, [BUILT_IN], known)
    assert chosen_models(folder, known) == {}
    (folder / "face_models.json").write_text('{"use": ["retina"]}')
    with pytest.raises(CorruptArtifactError, match="built-in"):
        chosen_models(folder, known)


def test_the_catalogue_names_the_published_files() -> None:
    """As the Git LFS pointers of opencv/opencv_zoo have them."""
    published = {
        "yunet": ("8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4", 232589),
        "sface": ("0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79", 38696353),
    }
    assert {name: (model.sha256, model.size) for name, model in CATALOGUE.items()} == published
    for model in CATALOGUE.values():
        assert model.url.startswith("https://github.com/opencv/opencv_zoo/") and model.file_name in model.url


@pytest.fixture
def installed(folder: Path, face_stand_ins: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with both stand-ins, which the catalogue takes for the published ones."""
    known = {name: face_stand_ins.stand_in(name) for name in ("yunet", "sface")}
    folder.mkdir()
    for name, stand_in in known.items():
        (folder / stand_in.file_name).write_bytes(face_stand_ins.CONTENTS[name])
    for name, stand_in in known.items():
        monkeypatch.setitem(face_models.CATALOGUE, name, stand_in)  # type: ignore[arg-type]
    return folder


@pytest.mark.parametrize(
    ("size", "places"),
    [((640, 640), [(100, 200)]), ((1280, 960), [(288, 224), (928, 480)]), ((320, 160), [(60, 40)])],
)
def test_yunets_answers_become_boxes_and_points(
    face_stand_ins: ModuleType, installed: Path, size: tuple[int, int], places: list[tuple[int, int]]
) -> None:
    from personalizer.faces.yunet import YuNet

    side = face_stand_ins.FACE_PX * max(size) / 640
    picture = Image.new("RGB", size, (20, 60, 40))
    for left, top in places:
        ImageDraw.Draw(picture).rectangle((left, top, left + side - 1, top + side - 1), fill=(255, 0, 0))
    found = YuNet(installed, model=face_stand_ins.stand_in("yunet")).find(np.asarray(picture))
    assert len(found.boxes) == len(places) and (found.probabilities > 0.8).all()
    order = np.argsort(found.boxes[:, 0])
    # The coarsest grid has cells of 32 of the network's pixels.
    tolerance = 17 * max(size) / 640
    for box, points, (left, top) in zip(found.boxes[order], found.points[order], places, strict=True):
        assert np.abs(box - [left, top, left + side, top + side]).max() <= tolerance
        assert box[2] - box[0] == pytest.approx(side, rel=1e-3)
        middle = (box[:2] + box[2:]) / 2
        np.testing.assert_allclose(points[2], middle, atol=0.5)
        np.testing.assert_allclose(points[0], middle - side / 4, atol=0.5)
        np.testing.assert_allclose(points[4], middle + side / 4, atol=0.5)


def test_nothing_red_is_no_face(face_stand_ins: ModuleType, installed: Path) -> None:
    from personalizer.faces.yunet import YuNet

    network = YuNet(installed, model=face_stand_ins.stand_in("yunet"))
    for size in ((1, 1), (3, 900), (640, 480)):
        # Blue would be red if the channels were the other way round.
        found = network.find(np.asarray(Image.new("RGB", size, (0, 0, 255))))
        assert found.boxes.shape == (0, 4) and found.points.shape == (0, 5, 2)


def test_sface_sees_the_face_upright(
    face_stand_ins: ModuleType, installed: Path, portrait: Image.Image
) -> None:
    from personalizer.faces.detector import FaceDetector
    from personalizer.faces.sface import SFaceEmbedder

    embedder = SFaceEmbedder(installed, chosen=face_stand_ins.stand_in("sface"))
    [face] = FaceDetector().detect(portrait)
    straight = embedder.embed(portrait, face.box)
    assert straight.vector.shape == (128,) and straight.model == "sface"
    assert np.linalg.norm(straight.vector) == pytest.approx(0.6 / 1.128, rel=1e-3)
    half = portrait.resize((portrait.width // 2, portrait.height // 2), Image.Resampling.BICUBIC)
    flipped = portrait.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    apart = {}
    for name, other in (("tilted", portrait.rotate(14, Image.Resampling.BICUBIC)), ("half", half)):
        [found] = FaceDetector().detect(other)
        apart[name] = np.linalg.norm(embedder.embed(other, found.box).vector - straight.vector)
    [mirrored] = FaceDetector().detect(flipped)
    apart["mirrored"] = np.linalg.norm(embedder.embed(flipped, mirrored.box).vector - straight.vector)
    assert apart["half"] < 0.08 and apart["tilted"] < 0.12
    assert apart["mirrored"] > 2 * max(apart["half"], apart["tilted"]), "else it would see nothing"


def test_alignment_puts_the_eyes_where_they_belong() -> None:
    from personalizer.faces.sface import _PLACES, _alignment

    angle, scale = np.radians(33), 2.7
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = (_PLACES @ turn.T + [410, -20]).astype(np.float32)
    matrix = _alignment(points)
    np.testing.assert_allclose(points @ matrix[:, :2].T + matrix[:, 2], _PLACES, atol=1e-2)


def test_the_choice_is_part_of_what_photos_were_looked_at_by(installed: Path, portrait: Image.Image) -> None:
    from personalizer.analysis.analyzer import PhotoAnalyzer, analysis_version

    shipped = PhotoAnalyzer(installed)
    versions = {analysis_version(shipped)}
    choose_models(installed, ["sface"])
    with_sface = PhotoAnalyzer(installed)
    versions.add(analysis_version(with_sface))
    [face] = with_sface.face_detector.detect(portrait)
    embedding = with_sface.faces.embed(portrait, face.box)
    assert (embedding.model, embedding.version) == with_sface.face_model != shipped.face_model
    choose_models(installed, ["sface", "yunet"])
    both = PhotoAnalyzer(installed)
    versions.add(analysis_version(both))
    assert len(versions) == 3
    red = Image.new("RGB", (640, 640))
    ImageDraw.Draw(red).rectangle((200, 200, 327, 327), fill=(255, 0, 0))
    [seen] = both.face_detector.detect(red)
    assert seen.detector == both.face_detector.name and "yunet" in seen.detector
    assert shipped.face_detector.detect(red) == []
    choose_models(installed, [BUILT_IN])
    assert analysis_version(PhotoAnalyzer(installed)) in versions
