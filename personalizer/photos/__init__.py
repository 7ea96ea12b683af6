"""Bytes of one file → pixels, EXIF and what lies beside it. Knows formats and limits; no library and no model.

Start at `decode.load_photo`; `places.place_near` names the place of coordinates.
"""
