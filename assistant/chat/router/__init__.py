"""Which tool a request goes to. Knows words and the names of the library; runs nothing.

Start at `route.route`.
"""
