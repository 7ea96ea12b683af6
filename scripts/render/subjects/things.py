"""Things one carries, wears, eats or plays: backpack, sneaker, fruit, hat, guitar, as parametric solids.

Things face +z; knows shapes only.
"""

from __future__ import annotations

import numpy as np

from scripts.render.geometry.kit import Draw, Kit, Pose, Traits, surface
from scripts.render.geometry.materials import similar

DARK = np.array([0.008, 0.008, 0.01], np.float32)
PATTERNS = ("plain", "stripes", "dots", "checks")


def backpack(d: Draw, pose: Pose, k: Kit) -> Traits:
    """A backpack with a front pocket, straps and a top loop."""
    color = d.color("color")
    main, pattern, color2 = surface(d, k, color, "matte", PATTERNS)
    trim_color = color2 or d.color(
        "trim", ("black", "brown", "grey", "yellow", "red", "white"), unlike=(color,)
    )
    trim = k.material(d.tint("trim", trim_color), "matte")
    steel = k.material("silver", "metal")
    wide, tall = d.number("wide", 0.9, 1.12), d.number("tall", 0.9, 1.12)
    k.add("box", (0.29 * wide, 0.38 * tall, 0.15, 0.12), main, (0, 0.39 * tall, 0))
    k.ball((0.275 * wide, 0.17, 0.145), main, (0, 0.68 * tall, 0), blend=0.08)
    k.add("box", (0.21 * wide, 0.16 * tall, 0.07, 0.05), main, (0, 0.24 * tall, 0.16), blend=0.015)
    k.add("box", (0.215 * wide, 0.016, 0.075, 0.012), trim, (0, 0.385 * tall, 0.16))
    k.add("box", (0.022, 0.05, 0.02, 0.01), steel, (0, 0.355 * tall, 0.235))
    k.add("box", (0.245 * wide, 0.013, 0.155, 0.012), trim, (0, 0.60 * tall, 0))
    k.limb(
        (0.16 * wide, 0.70 * tall, -0.13), (0.19 * wide, 0.40 * tall, -0.26), 0.035, 0.038, trim, mirror=True
    )
    k.limb((0.19 * wide, 0.40 * tall, -0.26), (0.22 * wide, 0.06, -0.12), 0.038, 0.03, trim, mirror=True)
    k.add("torus", (0.075, 0.02), trim, (0, 0.83 * tall, -0.03))
    k.ball((0.055, 0.13 * tall, 0.09), trim, (0.285 * wide, 0.20 * tall, 0), mirror=True)
    return Traits(color, color2, pattern, "fabric", () if color2 else (f"with {trim_color} straps",))


def sneaker(d: Draw, pose: Pose, k: Kit) -> Traits:
    """A sports shoe with sole, toe cap, tongue, laces and side stripes."""
    color = d.color("color")
    accent_color = d.color("color2", unlike=similar(color))
    main = k.material(d.tint("color", color), "matte")
    accent = k.material(d.tint("color2", accent_color), "matte")
    sole_color = d.color("sole", ("white", "white", "black", "beige"), unlike=(color,))
    sole, lace = (
        k.material(sole_color, "rubber"),
        k.material(d.color("lace", ("white", "black", "yellow"), unlike=(color,)), "matte"),
    )
    inner = k.material("black", "matte")
    high, high_word = (0.14, True) if d.chance("high", 0.35) else (0.0, False)
    k.limb((0, 0.17, -0.26), (0, 0.14, 0.28), 0.150, 0.115, main)
    k.limb((0, 0.22, -0.24), (0, 0.37 + high, -0.28), 0.145, 0.125, main, blend=0.06)
    k.limb((0, 0.30, -0.12), (0, 0.18, 0.20), 0.110, 0.09, main, blend=0.05)
    k.ball((0.088, 0.2, 0.115), inner, (0, 0.50 + high, -0.28), op="cut")
    k.limb((0, 0.44 + high, -0.16), (0, 0.27, 0.06), 0.058, 0.058, accent, blend=0.02)
    k.ball((0.128, 0.085, 0.13), sole if d.chance("toe cap", 0.5) else main, (0, 0.125, 0.34), blend=0.02)
    k.add("cylinder", (0.155, 0.055, 0.025), sole, (0, 0.057, 0.31), flat_z=1.25)
    k.add("cylinder", (0.152, 0.055, 0.025), sole, (0, 0.057, -0.26), blend=0.02)
    k.add("box", (0.130, 0.055, 0.30, 0.025), sole, (0, 0.057, 0.02), blend=0.05)
    for z, low_y in ((-0.10, 0.462), (-0.03, 0.410), (0.04, 0.362), (0.11, 0.322)):
        y = low_y + high * (0.8 if z < 0 else 0.36)
        k.limb((0, y, z), (0.085, y - 0.05, z - 0.01), 0.018, 0.017, lace, mirror=True)
        k.limb((0, y, z), (0.085, y - 0.05, z + 0.05), 0.014, 0.014, lace, mirror=True)
    for i in range(3):
        z = -0.05 + 0.075 * i
        k.limb((0.134, 0.12, z + 0.05), (0.098, 0.28, z - 0.03), 0.017, 0.017, accent, mirror=True)
    k.add("box", (0.04, 0.07, 0.02, 0.015), accent, (0, 0.36 + high, -0.415))
    return Traits(
        color,
        accent_color,
        "plain",
        "",
        (f"with {accent_color} stripes", *(("with a high top",) if high_word else ())),
    )


def book(d: Draw, pose: Pose, k: Kit) -> Traits:
    """A book, standing or lying, with a title block."""
    color = d.color("color")
    main, pattern, color2 = surface(d, k, color, "matte", ("plain", "plain", "stripes", "dots"), axis=1)
    pages = k.material(
        np.array([0.86, 0.82, 0.70], np.float32),
        "matte",
        color2=np.array([0.6, 0.56, 0.46], np.float32),
        pattern="stripes",
        axis=2,
        scale=60.0,
        cover=0.3,
    )
    title = k.material(
        d.tint("title", d.color("title color", ("white", "yellow", "black", "golden"), unlike=(color,))),
        "matte",
    )
    thick, tall = d.number("thick", 0.05, 0.12), d.number("tall", 0.36, 0.48)
    w = 0.30
    k.add("box", (w, tall, thick, 0.01), main, (0, tall, 0))
    k.add("box", (w, tall + 0.1, thick - 0.02, 0.005), pages, (0.03, tall, 0), op="cut")
    k.add("box", (w - 0.03, tall - 0.02, thick - 0.012, 0.005), pages, (-0.005, tall, 0))
    k.add("box", (0.17, 0.06, 0.012, 0.005), title, (0.02, tall * 1.4, thick))
    k.add("box", (0.10, 0.02, 0.012, 0.005), title, (0.02, tall * 0.6, thick))
    return Traits(color, color2, pattern, "")


def apple(d: Draw, pose: Pose, k: Kit) -> Traits:
    """An apple with stem and leaf."""
    color = d.color("color", ("red", "green", "yellow"))
    blush = d.chance("blush", 0.4)
    rgb = d.tint("color", color)
    main = k.material(
        rgb,
        "rubber",
        color2=np.clip(rgb * np.array([0.7, 1.6, 0.8], np.float32) + 0.05, 0, 1).astype(np.float32)
        if blush
        else None,
        pattern="fade" if blush else "plain",
        axis=0,
        scale=3.0,
        phase=0.0,
    )
    stem, leaf = k.material("brown", "wood"), k.material("green", "matte")
    fat = d.number("fat", 0.92, 1.1)
    k.ball((0.36 * fat, 0.33, 0.36 * fat), main, (0, 0.35, 0))
    k.ball((0.25, 0.2, 0.25), main, (0, 0.20, 0), blend=0.08)
    k.ball((0.12, 0.09, 0.12), main, (0, 0.70, 0), op="cut")
    k.limb((0, 0.60, 0), (0.04, 0.80, 0), 0.022, 0.026, stem)
    if d.chance("leaf", 0.7):
        k.ball((0.13, 0.018, 0.06), leaf, (0.16, 0.80, 0.02), turn=(0, 0, 24))
    return Traits(color, "", "plain", "", ())


def banana(d: Draw, pose: Pose, k: Kit) -> Traits:
    """A banana lying on its side."""
    color = d.color("color", ("yellow", "yellow", "green"))
    main, tip = k.material(d.tint("color", color), "rubber"), k.material("brown", "matte")
    bend = d.number("bend", 0.8, 1.2)
    points = tuple(
        (0.52 * np.sin(a), 0.12, 0.42 * bend * (1 - np.cos(a)) - 0.1) for a in np.linspace(-1.15, 1.15, 6)
    )
    k.add("tube", (points[:4], 0.065, 0.12), main)
    k.add("tube", (points[3:], 0.12, 0.065), main, blend=0.02)
    x, y, z = points[-1]
    k.limb(points[-1], (x + 0.06, y + 0.03, z + 0.14), 0.05, 0.032, tip, blend=0.03)
    k.ball(0.045, tip, (-x - 0.01, y, z + 0.04))
    return Traits(color, "", "plain", "", ())


def orange(d: Draw, pose: Pose, k: Kit) -> Traits:
    """An orange."""
    main, stem = k.material(d.tint("color", "orange"), "rubber"), k.material("green", "matte")
    k.ball((0.34, 0.325, 0.34), main, (0, 0.325, 0))
    k.ball((0.045, 0.02, 0.045), stem, (0, 0.645, 0))
    if d.chance("leaf", 0.6):
        k.ball((0.14, 0.018, 0.07), stem, (0.13, 0.68, 0.03), turn=(0, 20, 20))
    return Traits("orange", "", "plain", "", ())


def hat(d: Draw, pose: Pose, k: Kit) -> Traits:
    """A hat with a brim and a band, or a cap."""
    color = d.color("color")
    main, pattern, color2 = surface(d, k, color, "matte", ("plain", "plain", "plain", "checks"), scale=3.0)
    band_color = color2 or d.color(
        "band", ("black", "red", "white", "blue", "yellow", "brown"), unlike=(color,)
    )
    band = k.material(d.tint("band", band_color), "matte")
    kind = d.pick("kind", ("brim", "top", "cap"))
    if kind == "cap":
        k.ball((0.30, 0.30, 0.32), main, (0, 0.10, 0))
        k.ball((0.25, 0.035, 0.28), band, (0, 0.06, 0.30))
        k.ball(0.035, band, (0, 0.40, 0))
        return Traits(
            color,
            color2,
            pattern,
            "",
            (f"with {'an' if band_color[0] in 'aeiou' else 'a'} {band_color} peak",),
        )
    brim, high = (0.46, 0.15) if kind == "brim" else (0.36, 0.24)
    k.add("cylinder", (brim, 0.022, 0.02), main, (0, 0.035, 0))
    k.add("cone", (0.25, 0.20 if kind == "brim" else 0.24, high, 0.05), main, (0, high + 0.06, 0), blend=0.03)
    k.add("cylinder", (0.268, 0.045, 0.01), band, (0, 0.11, 0))
    return Traits(
        color, color2, pattern, "", (f"with {'an' if band_color[0] in 'aeiou' else 'a'} {band_color} band",)
    )


def guitar(d: Draw, pose: Pose, k: Kit) -> Traits:
    """An acoustic or electric guitar standing upright."""
    color = d.color("color", ("brown", "golden", "orange", "red", "black", "blue", "white"))
    wood = color in ("brown", "golden", "orange")
    main = k.material(d.tint("color", color), "wood" if wood else "glossy")
    neck, black = k.material("brown", "wood"), k.material(DARK, "matte")
    k.add("cylinder", (0.27, 0.07, 0.03), main, (0, 0.28, 0), turn=(90, 0, 0))
    k.add("cylinder", (0.20, 0.07, 0.03), main, (0, 0.58, 0), turn=(90, 0, 0), blend=0.14)
    k.add("cylinder", (0.085, 0.02, 0.004), black, (0, 0.50, 0.062), turn=(90, 0, 0))
    k.add("box", (0.11, 0.022, 0.02, 0.01), black, (0, 0.26, 0.075))
    k.add("box", (0.036, 0.38, 0.022, 0.012), neck, (0, 0.98, 0.062))
    k.add("box", (0.06, 0.10, 0.02, 0.015), black, (0, 1.40, 0.05))
    return Traits(color, "", "plain", "wooden" if wood else "", ())


def umbrella(d: Draw, pose: Pose, k: Kit) -> Traits:
    """An open umbrella with coloured panels."""
    color = d.color("color")
    pattern = d.pick("pattern", ("plain", "stripes", "dots"))
    color2 = (
        d.color("color2", ("white", "black", "yellow", "red", "blue"), unlike=(color,))
        if pattern != "plain"
        else ""
    )
    cloth = k.material(
        d.tint("color", color),
        "matte",
        color2=d.tint("color2", color2) if color2 else None,
        pattern="rays" if pattern == "stripes" else pattern,
        scale=4.0 if pattern == "stripes" else 6.0,
        cover=0.5,
    )
    stick = k.material("brown", "wood")
    k.ball((0.52, 0.34, 0.52), cloth, (0, 0.72, 0))
    k.ball((0.50, 0.315, 0.50), cloth, (0, 0.69, 0), op="cut")
    k.add("half_space", (0, 1, 0, 0.74), cloth, op="cut")
    k.limb((0, 0.12, 0), (0, 1.12, 0), 0.017, 0.014, stick)
    k.add("tube", (((0, 0.12, 0), (0.02, 0.04, 0), (0.09, 0.03, 0), (0.12, 0.10, 0)), 0.026, 0.026), stick)
    return Traits(color, color2, pattern, "", ())


def mushroom(d: Draw, pose: Pose, k: Kit) -> Traits:
    """A mushroom with a spotted or plain cap."""
    color = d.color("color", ("red", "brown", "orange", "purple", "white"))
    spots = d.chance("spots", 0.6) and color != "white"
    cap = k.material(
        d.tint("color", color),
        "rubber",
        color2=np.array([0.85, 0.83, 0.78], np.float32),
        pattern="dots" if spots else "plain",
        axis=0,
        scale=5.5,
        cover=0.5,
    )
    stem = k.material(np.array([0.80, 0.75, 0.62], np.float32), "matte")
    wide = d.number("wide", 0.9, 1.15)
    k.ball((0.38 * wide, 0.30, 0.38 * wide), cap, (0, 0.48, 0))
    k.add("half_space", (0, 1, 0, 0.46), stem, op="cut")
    k.limb((0, 0.10, 0), (0, 0.46, 0), 0.14, 0.095, stem)
    return Traits(color, "white" if spots else "", "dots" if spots else "plain", "", ())


def house(d: Draw, pose: Pose, k: Kit) -> Traits:
    """A small model house with a roof, a door and windows."""
    color = d.color("color", ("white", "yellow", "red", "light blue", "beige", "green", "pink", "orange"))
    roof_color = d.color("color2", ("red", "brown", "grey", "black", "blue"), unlike=(color,))
    wall, roof = (
        k.material(d.tint("color", color), "matte"),
        k.material(
            d.tint("color2", roof_color),
            "matte",
            color2=d.tint("color2", roof_color) * np.float32(0.6),
            pattern="stripes",
            scale=13.0,
            cover=0.3,
        ),
    )
    door, glass = (
        k.material(d.color("door", ("brown", "red", "blue", "green")), "wood"),
        k.material((np.array([0.05, 0.08, 0.12], np.float32)), "glossy"),
    )
    wide, tall = d.number("wide", 0.9, 1.15), d.number("tall", 0.85, 1.1)
    w, h = 0.34 * wide, 0.26 * tall
    k.add("box", (w, h, 0.30, 0.01), wall, (0, h, 0))
    k.add("prism", (((-w - 0.07, 0.0), (w + 0.07, 0.0), (0.0, 0.36)), 0.34, 0.012), roof, (0, 2 * h, 0))
    k.add("box", (0.07, 0.14, 0.02, 0.008), door, (0, 0.14, 0.30))
    for x in (0.2,):
        k.add("box", (0.065, 0.065, 0.015, 0.006), glass, (x * wide, 2 * h - 0.17, 0.30), mirror=True)
    k.add("box", (0.015, 0.07, 0.07, 0.006), glass, (w, 2 * h - 0.18, 0), mirror=True)
    k.add("box", (0.05, 0.13, 0.05, 0.008), roof, (0.17, 2 * h + 0.26, -0.1))
    return Traits(
        color, "", "plain", "", (f"with {'an' if roof_color[0] in 'aeiou' else 'a'} {roof_color} roof",)
    )
