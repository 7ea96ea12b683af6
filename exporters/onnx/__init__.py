"""A backbone in torch → ONNX files, checked against it. Knows tracing and quantization.

Start at `export.export_backbone`.
"""
