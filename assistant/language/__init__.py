"""Words → structure. Start reading in `parse.py` (names and photos lifted out), then `questions.py` (what is asked).

`clauses.py` brings a question into plain English words, `named_questions.py` and `question_rules.py` hold the grammar.
"""
