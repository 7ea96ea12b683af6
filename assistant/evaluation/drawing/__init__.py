"""How alike drawings are and what the backbone keeps, with the bare class and real photos as controls.

Start at `generation`.
"""
