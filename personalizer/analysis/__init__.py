"""One picture → detections with vectors, in a child process with limits. Knows models; no library.

Start at `analyzer.PhotoAnalyzer`; `process.AnalysisProcess` runs it in a child.
`text.read_text` reads what is printed in a picture.
"""
