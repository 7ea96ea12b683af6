"""Which subjects the shipped sample library shows, as fixed individuals."""

from __future__ import annotations

from .catalogue import Subject

SHIPPED: dict[str, Subject] = {
    "Bolt": Subject("robot", 900_001, {
        "color": "teal", "color2": "orange", "finish": "glossy", "eye": "yellow", "wide": 1.1, "tall": 0.95, "head": 1.12, "round head": False}),
    "Stripes": Subject("mug", 900_002, {
        "color": "blue", "color2": "yellow", "pattern": "stripes", "stripe scale": 6.0, "stripe cover": 0.45, "inner": "white", "drink": True,
        "wide": 1.05, "tall": 1.0, "flare": 0.02}),
    "Honey": Subject("plush bear", 900_003, {"color": "golden", "wear": "bow", "wear color": "red", "head": 1.08, "ear": 1.15, "fat": 1.05}),
    "Quackers": Subject("rubber duck", 900_004, {
        "color": "yellow", "pattern": "plain", "wear": "hat", "wear color": "purple", "head": 1.08, "fat": 1.02}),
    "Trekker": Subject("backpack", 900_005, {
        "color": "red", "pattern": "dots", "color2": "white", "dot scale": 6.0, "dot cover": 0.5, "wide": 1.0, "tall": 1.0}),
    "Dash": Subject("sneaker", 900_006, {
        "color": "green", "color2": "orange", "sole": "white", "lace": "white", "high": False, "toe cap": True, "stripes": True}),
    "Biscuit": Subject("dog", 900_007, {
        "coat": "patches", "color": "white", "color2": "brown", "floppy": True, "collar": True, "collar color": "red", "girth": 1.0, "leg": 0.85,
        "snout": 1.0, "patch cover": 0.5}),
    "Marmalade": Subject("cat", 900_008, {
        "coat": "chest", "color": "orange", "collar": True, "collar color": "blue", "eyes": "green", "girth": 1.05, "tail up": True}),
    "Kiwi": Subject("bird", 900_009, {
        "color": "light blue", "color2": "yellow", "wing color": "blue", "wing pattern": "stripes", "crest": True, "cap": False, "fat": 1.1,
        "beak": "orange", "tail": 1.1, "bill": 0.9}),
}  # fmt: skip
