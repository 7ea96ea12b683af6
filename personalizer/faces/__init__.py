"""Face networks: pixels → boxes, landmarks and vectors. Knows no photo file and no library.

Start at `detector.FaceDetector` and `embedder.FaceEmbedder`.
"""
