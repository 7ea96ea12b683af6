"""The vector index, and the only room that uses Chroma. The index can be deleted at any time and rebuilt.

Start at `chroma.VectorStore`; `process.IndexProcess` runs it in a child.
"""
