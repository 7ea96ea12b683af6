"""Says in one text by which models and detectors photos are looked at, to tell when they have to be looked at again.

Runs no model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from personalizer.analysis.detect import REGION_DETECTOR

if TYPE_CHECKING:
    from personalizer.analysis.analyzer import PhotoAnalyser


def analysis_version(analyser: PhotoAnalyser) -> str:
    """The models and detectors of `analyser` with their versions."""
    detector = analyser.face_detector.name
    return "|".join(
        (":".join(analyser.object_model), REGION_DETECTOR, detector, ":".join(analyser.face_model))
    )
