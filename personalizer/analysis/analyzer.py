"""Everything that is found in one photo: the whole picture, a region and faces, each with its vector.

The same code serves scanning and photos that are not in any library. Knows no storage.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from PIL import Image

from personalizer.analysis.detect import propose_region, whole_photo
from personalizer.analysis.embed import ObjectEmbedder
from personalizer.faces.detector import FaceDetector, FaceDetectorConfig
from personalizer.faces.downloads import chosen_models
from personalizer.faces.embedder import FaceEmbedder
from personalizer.faces.mtcnn import FaceCascade
from personalizer.faces.sface import SFaceEmbedder
from personalizer.faces.yunet import YuNet
from personalizer.photos.decode import DecodedPhoto
from personalizer.schemas import BoundingBox, Embedding, NewDetection

Analysis = list[tuple[NewDetection, Embedding]]


class PhotoAnalyser:
    """Holds the models; one per process is enough. Not for use by several threads at once."""

    def __init__(self, models: Path, *, threads: int = 1, faces: bool = True) -> None:
        self.looks_for_faces = faces
        self.objects = ObjectEmbedder(models, threads=threads)
        chosen = chosen_models(models)
        self.face_detector = (
            FaceDetector(
                FaceDetectorConfig(sure=YuNet.sure), YuNet(models, threads=threads, model=chosen["detection"])
            )
            if "detection" in chosen
            else FaceDetector(finder=FaceCascade(threads=threads))
        )
        self.faces: FaceEmbedder | SFaceEmbedder = (
            SFaceEmbedder(models, threads=threads, chosen=chosen["recognition"])
            if "recognition" in chosen
            else FaceEmbedder()
        )

    def load(self) -> None:
        """Convert (once per machine) and load the object network now instead of at the first photo."""
        self.objects.load()

    def analyse(self, photo: DecodedPhoto | Image.Image) -> Analysis:
        """The whole photo, one proposed region, then faces from large to small, where they may be looked for.

        Boxes are in pixels of the original upright photo, also where `photo.image` is a reduced copy; for a
        bare RGB picture they are in its own pixels.
        """
        image, scale = (photo.image, photo.scale) if isinstance(photo, DecodedPhoto) else (photo, 1.0)
        size = (photo.width_px, photo.height_px) if isinstance(photo, DecodedPhoto) else photo.size
        whole = self.objects.view([image])[0]
        region = propose_region(whole.activation, image.size)
        found: Analysis = [
            (whole_photo(size), whole.embedding),
            (_scaled(region, scale), self.objects.embed(_crop(image, region.box))),
        ]
        for face in self.face_detector.detect(image) if self.looks_for_faces else ():
            found.append((_scaled(face, scale), self.faces.embed(image, face.box)))
        return found

    @property
    def object_model(self) -> tuple[str, str]:
        """Model and version of the vectors of kind `photo` and `object`."""
        return self.objects.model, self.objects.version

    @property
    def face_model(self) -> tuple[str, str]:
        """Model and version of the vectors of kind `face`."""
        return self.faces.model, self.faces.version


def _crop(image: Image.Image, box: BoundingBox) -> Image.Image:
    """The box, made as square as the picture allows, so that squashing distorts it less."""
    side = max(box.width_px, box.height_px)
    width, height = min(side, image.width), min(side, image.height)
    left = min(max((box.left + box.right - width) / 2, 0.0), image.width - width)
    top = min(max((box.top + box.bottom - height) / 2, 0.0), image.height - height)
    right, bottom = max(left + width, left + 1), max(top + height, top + 1)
    return image.crop((int(left), int(top), round(right), round(bottom)))


def _scaled(detection: NewDetection, scale: float) -> NewDetection:
    box = detection.box
    enlarged = BoundingBox(box.left * scale, box.top * scale, box.right * scale, box.bottom * scale)
    return dataclasses.replace(detection, box=enlarged)
