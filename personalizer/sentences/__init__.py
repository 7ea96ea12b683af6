"""The meaning of sentences as vectors, in English, German, Spanish and more. Start reading at `embed.py`.

"what scares Bo?" → a row that is close to that of "is afraid of thunder". Knows no library and no concept.
"""
