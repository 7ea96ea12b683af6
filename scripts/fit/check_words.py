"""Counts how often photos get a plain word, and how often it is right, on photos whose class is in their file's name.

    python -m scripts.fit.check_words --synsets imagenet_synsets.txt PHOTO…

Files are named as ImageNet's validation photos often are: `n02123394_Persian_cat.jpg`, WordNet's number first. The
calibration in `personalizer/analysis/labels.py` was fitted on every second class in the order of numbers, from the
first; with `--second-half` only the others are counted.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from personalizer.analysis.analyzer import PhotoAnalyzer
from personalizer.analysis.labels import SAID_BESIDE_FACES_FROM, SAID_FROM, narrowest, word_table
from personalizer.photos.decode import FOR_ANALYSIS, load_photo


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--synsets", type=Path, required=True)
    parser.add_argument("--second-half", action="store_true")
    options = parser.parse_args()
    classes = options.synsets.read_text().split()
    photos = sorted(options.photos, key=lambda path: path.name)
    analyzer, words = PhotoAnalyzer(), {word.word: set(word.classes) for word in word_table()}
    given = right = 0
    chosen = photos[1::2] if options.second_half else photos
    for path in chosen:
        analysis = analyzer.analyze(load_photo(path, FOR_ANALYSIS))
        beside_face = any(detection.kind == "face" for detection, _ in analysis.detections)
        least = SAID_BESIDE_FACES_FROM if beside_face else SAID_FROM
        label = narrowest([label for label in analysis.labels if label.confidence >= least])
        if label is not None:
            given += 1
            is_right = classes.index(path.name.split("_")[0]) in words[label.word]
            right += is_right
            if not is_right:
                print(f"wrong: {path.name}: {label.word} ({label.confidence})")
    print(f"{len(chosen)} photos: {given} given a word ({given / len(chosen):.0%}), {right} right")


if __name__ == "__main__":
    main()
