"""English in, structure out. Knows words and names; no library and no tool.

Start at `parse.parse`; `questions.understand` says what a question asks for.
"""
