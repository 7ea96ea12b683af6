"""A backbone in torch → ONNX files, checked against it. Knows tracing and quantization.

Start at `export.export_backbone`. `efficientnet.convert` does the same for the networks that look at pictures.
"""
