"""Scenes that cut-outs are pasted into. Start at `catalogue.py`; `../render_scenes.py` renders all of them."""
