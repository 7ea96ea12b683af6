"""How a trained prefix and a backbone become files, and how those files run. Knows no library, agent or screen.

`onnx` writes, `runtime` runs; `installed` says which exports a home has.
"""
