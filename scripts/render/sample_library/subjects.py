"""Who and what the sample library shows: fixed individuals, their places, the shot list and the distractors."""

from __future__ import annotations

from scripts.render.catalogue import Subject

SHIPPED: dict[str, Subject] = {
    "Bolt": Subject(
        "robot",
        900_001,
        {
            "color": "teal",
            "color2": "orange",
            "finish": "glossy",
            "eye": "yellow",
            "wide": 1.1,
            "tall": 0.95,
            "head": 1.12,
            "round head": False,
        },
    ),
    "Sunny": Subject(
        "mug",
        900_002,
        {
            "color": "blue",
            "color2": "yellow",
            "pattern": "stripes",
            "stripe scale": 6.0,
            "stripe cover": 0.45,
            "inner": "white",
            "drink": True,
            "wide": 1.05,
            "tall": 1.0,
            "flare": 0.02,
        },
    ),
    "Honey": Subject(
        "plush bear",
        900_003,
        {"color": "golden", "wear": "bow", "wear color": "red", "head": 1.08, "ear": 1.15, "fat": 1.05},
    ),
    "Quackers": Subject(
        "rubber duck",
        900_004,
        {
            "color": "yellow",
            "pattern": "plain",
            "wear": "hat",
            "wear color": "purple",
            "head": 1.08,
            "fat": 1.02,
        },
    ),
    "Trekker": Subject(
        "backpack",
        900_005,
        {
            "color": "red",
            "pattern": "dots",
            "color2": "white",
            "dot scale": 6.0,
            "dot cover": 0.5,
            "wide": 1.0,
            "tall": 1.0,
        },
    ),
    "Dash": Subject(
        "sneaker",
        900_006,
        {
            "color": "green",
            "color2": "orange",
            "sole": "white",
            "lace": "white",
            "high": False,
            "toe cap": True,
        },
    ),
    "Biscuit": Subject(
        "dog",
        900_007,
        {
            "coat": "patches",
            "color": "white",
            "color2": "brown",
            "floppy": True,
            "collar": True,
            "collar color": "red",
            "girth": 1.0,
            "leg": 0.85,
            "snout": 1.0,
            "patch cover": 0.5,
        },
    ),
    "Marmalade": Subject(
        "cat",
        900_008,
        {
            "coat": "chest",
            "color": "orange",
            "collar": True,
            "collar color": "blue",
            "eyes": "green",
            "girth": 1.05,
            "tail up": True,
        },
    ),
    "Kiwi": Subject(
        "bird",
        900_009,
        {
            "color": "light blue",
            "color2": "yellow",
            "wing color": "blue",
            "wing pattern": "stripes",
            "crest": True,
            "cap": False,
            "fat": 1.1,
            "beak": "orange",
            "tail": 1.1,
            "bill": 0.9,
        },
    ),
}

PLACES_OF: dict[str, tuple[str, ...]] = {
    "Bolt": ("desk", "rug", "table", "grass", "bed", "kitchen", "sofa", "street"),
    "Sunny": ("table", "kitchen", "desk", "grass", "bed", "rug", "beach", "sofa"),
    "Honey": ("bed", "rug", "sofa", "grass", "desk", "forest", "table", "snow"),
    "Quackers": ("bathroom", "beach", "kitchen", "grass", "bed", "table", "snow", "rug"),
    "Trekker": ("forest", "street", "grass", "snow", "bed", "rug", "beach", "sofa"),
    "Dash": ("street", "forest", "rug", "beach", "grass", "table", "bathroom", "bed"),
    "Biscuit": ("grass", "beach", "sofa", "snow", "forest", "rug", "street", "bed"),
    "Marmalade": ("sofa", "rug", "bed", "grass", "table", "street", "kitchen", "snow"),
    "Kiwi": ("forest", "table", "grass", "beach", "street", "snow", "desk", "rug"),
}

# (light, yaw, elevation, fill of the picture, offset, what stands in front or beside)
SHOTS: tuple[tuple[str, float, float, float, tuple[float, float], str], ...] = (
    ("day", -28, 15, 0.86, (0.05, 0.0), ""),
    ("warm", 58, 12, 0.76, (-0.18, 0.02), ""),
    ("day", 14, 36, 0.80, (0.0, 0.0), ""),
    ("soft", -66, 18, 0.52, (0.35, -0.12), ""),
    ("day", 32, 16, 0.80, (0.0, 0.0), "behind"),
    ("warm", -14, 11, 1.02, (0.06, 0.05), ""),
    ("day", 40, 20, 0.74, (-0.22, 0.0), ""),
    ("warm", -40, 14, 0.78, (0.12, 0.0), "next to"),
)
SMALL: dict[bool, tuple[str, ...]] = {
    True: ("apple", "book", "can", "candle", "orange"),
    False: ("ball", "potted plant", "ball", "bottle"),
}

OTHERS: tuple[tuple[Subject | None, str], ...] = (
    (Subject("mug", 910_001, {"color": "white", "color2": "red", "pattern": "dots"}), "kitchen"),
    (Subject("dog", 910_002, {"coat": "chest", "color": "black", "floppy": False, "collar": False}), "grass"),
    (Subject("cat", 910_003, {"coat": "tabby", "color": "grey", "collar": False}), "bed"),
    (
        Subject("bird", 910_004, {"color": "red", "color2": "black", "crest": False, "wing color": "brown"}),
        "snow",
    ),
    (Subject("plush bear", 910_005, {"color": "white", "wear": "scarf", "wear color": "green"}), "sofa"),
    (Subject("backpack", 910_006, {"color": "green", "pattern": "plain"}), "street"),
    (Subject("sneaker", 910_007, {"color": "white", "color2": "blue", "high": True}), "rug"),
    (
        Subject("robot", 910_008, {"color": "red", "color2": "white", "finish": "metal", "round head": True}),
        "table",
    ),
    (Subject("rubber duck", 910_009, {"color": "pink", "pattern": "plain", "wear": "none"}), "bathroom"),
    (
        Subject(
            "dog",
            910_010,
            {"coat": "plain", "color": "golden", "floppy": True, "collar color": "green", "collar": True},
        ),
        "beach",
    ),
    (Subject("mug", 910_011, {"color": "green", "pattern": "plain"}), "desk"),
    (Subject("car", 910_012, {"color": "red", "body": "van", "pattern": "plain"}), "street"),
    (Subject("teapot", 910_013), "kitchen"),
    (Subject("lamp", 910_014), "desk"),
    (Subject("chair", 910_015), "rug"),
    (Subject("ball", 910_016, {"pattern": "rays"}), "beach"),
    (Subject("book", 910_017), "bed"),
    (Subject("bottle", 910_018), "table"),
    (Subject("apple", 910_019), "kitchen"),
    (Subject("potted plant", 910_020), "table"),
    (Subject("hat", 910_021), "beach"),
    (Subject("clock", 910_022, {"bells": True}), "desk"),
    (Subject("guitar", 910_023), "sofa"),
    (Subject("vase", 910_024, {"flowers": True}), "table"),
    (Subject("rabbit", 910_025), "grass"),
    (Subject("horse", 910_026), "grass"),
    (None, "beach"),
    (None, "forest"),
    (None, "kitchen"),
    (None, "street"),
)
OTHERS_HELD_OUT = (1, 10, 11, 21, 25, 29)
GPS = {
    "beach": (41.378, 2.192),
    "snow": (47.268, 11.393),
    "street": (52.516, 13.378),
    "forest": (48.01, 8.11),
    "grass": (48.150, 11.591),
}
MONTHS = {"beach": (6, 8), "snow": (12, 12), "grass": (4, 9), "forest": (9, 11)}
