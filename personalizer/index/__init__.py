"""The vector index. The only room that knows Chroma; what is in it can be deleted at any time and made again.

Start at `chroma.VectorStore`; `process.IndexProcess` runs it in a child.
"""
