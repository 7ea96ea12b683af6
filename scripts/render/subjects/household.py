"""Things around the house: mug, teapot, lamp, chair, vase, clock and others, as parametric solids.

Things face +z; knows shapes only.
"""

from __future__ import annotations

import numpy as np

from scripts.render.geometry.kit import Draw, Kit, Pose, Traits, surface
from scripts.render.subjects.toys import BRIGHT

DARK = np.array([0.008, 0.008, 0.01], np.float32)
PATTERNS = ("plain", "stripes", "dots", "checks")


def mug(d: Draw, pose: Pose, k: Kit) -> Traits:
    """A mug with a handle; open at the top."""
    color = d.color("color")
    main, pattern, color2 = surface(d, k, color, "glossy", PATTERNS)
    inner = k.material(d.color("inner", ("white", "white", color)), "glossy")
    drink = k.material(np.array([0.06, 0.025, 0.01], np.float32), "glossy")
    wide, tall, flare = (
        d.number("wide", 0.85, 1.15),
        d.number("tall", 0.85, 1.12),
        d.number("flare", -0.03, 0.05),
    )
    r, h = 0.27 * wide, 0.62 * tall
    outer = ((0, 0.02), (r - flare - 0.03, 0.02), (r - flare, 0.06), (r + flare, h), (0, h))
    k.add("revolve", (outer, 0.012), main)
    k.add("torus", (0.155 * tall, 0.042), main, (r + 0.07, h * 0.5, 0), blend=0.03)
    cavity = ((0, 0.08), (r - flare - 0.04, 0.08), (r + flare - 0.035, h + 0.1), (0, h + 0.1))
    k.add("revolve", (cavity,), inner, op="cut")
    if d.chance("drink", 0.6):
        k.add("cylinder", (r - 0.03, 0.02, 0.005), drink, (0, h * 0.82, 0))
    return Traits(color, color2, pattern, "ceramic")


def teapot(d: Draw, pose: Pose, k: Kit) -> Traits:
    """A teapot with spout, handle and lid."""
    color = d.color("color")
    metal = d.chance("metal", 0.2)
    if metal:
        color = "silver"
    main, pattern, color2 = surface(
        d, k, color, "metal" if metal else "glossy", ("plain", "plain", "plain") if metal else PATTERNS
    )
    fat, tall = d.number("fat", 0.9, 1.12), d.number("tall", 0.85, 1.1)
    knob = k.material(d.color("knob", (color, "white", "black", "golden")), "glossy")
    k.ball((0.31 * fat, 0.26 * tall, 0.31 * fat), main, (0, 0.28 * tall, 0))
    k.add("half_space", (0, 1, 0, 0.01), main, op="cut")
    k.add(
        "tube", (((0.24, 0.22, 0), (0.40, 0.34, 0), (0.47, 0.52 * tall, 0)), 0.075, 0.042), main, blend=0.05
    )
    k.add("torus", (0.15 * tall, 0.034), main, (-0.33 * fat, 0.31 * tall, 0), blend=0.04)
    k.add("cylinder", (0.17, 0.02, 0.018), main, (0, 0.53 * tall, 0), blend=0.02)
    k.ball((0.15, 0.05, 0.15), main, (0, 0.54 * tall, 0), blend=0.02)
    k.ball(0.045, knob, (0, 0.63 * tall, 0))
    return Traits(color, color2, pattern, "metal" if metal else "ceramic")


def lamp(d: Draw, pose: Pose, k: Kit) -> Traits:
    """A table lamp with a shade."""
    color = d.color("color", (*BRIGHT, "white", "beige"))
    pattern = d.pick("pattern", ("plain", "plain", "stripes", "dots"))
    color2 = (
        d.color("color2", ("white", "black", "yellow", "red"), unlike=(color,)) if pattern != "plain" else ""
    )
    shade = k.material(
        d.tint("color", color),
        "matte",
        color2=d.tint("color2", color2) if color2 else None,
        glow=0.35,
        pattern="rays" if pattern == "stripes" else pattern,
        scale=9.0 if pattern == "stripes" else 6.5,
        cover=0.5,
    )
    foot = k.material(
        d.color("foot", ("brown", "black", "silver", "golden", "white")),
        d.pick("foot finish", ("metal", "glossy", "wood")),
    )
    tall, wide = d.number("tall", 0.9, 1.1), d.number("wide", 0.85, 1.15)
    y = 0.74 * tall
    k.add("cone", (0.30 * wide, d.number("shade top", 0.12, 0.24), 0.17, 0.012), shade, (0, y, 0))
    k.add("cylinder", (0.17, 0.025, 0.02), foot, (0, 0.025, 0))
    if d.chance("bulb foot", 0.5):
        k.ball((0.13, 0.17, 0.13), foot, (0, 0.22, 0))
    k.limb((0, 0.04, 0), (0, y - 0.1, 0), 0.025, 0.025, foot, blend=0.04)
    return Traits(color, color2, pattern, "", ())


def chair(d: Draw, pose: Pose, k: Kit) -> Traits:
    """A chair with four legs and a back, or a stool."""
    wooden = d.chance("wooden", 0.5)
    color = d.color("color", ("brown", "golden", "beige", "black") if wooden else (*BRIGHT, "white", "black"))
    main = k.material(d.tint("color", color), "wood" if wooden else "glossy")
    wide, tall = d.number("wide", 0.9, 1.15), d.number("tall", 0.88, 1.1)
    w, seat = 0.23 * wide, 0.44 * tall
    k.add("box", (w + 0.02, 0.03, 0.24, 0.02), main, (0, seat, 0))
    for z in (0.20, -0.20):
        k.limb((w - 0.02, seat, z), (w, 0.02, z * 1.1), 0.03, 0.024, main, mirror=True)
    k.limb((w - 0.02, seat, -0.21), (w - 0.02, seat + 0.50, -0.28), 0.028, 0.026, main, mirror=True)
    if d.chance("slats", 0.5):
        for i in range(3):
            y = seat + 0.17 + 0.14 * i
            k.add("box", (w, 0.038, 0.015, 0.012), main, (0, y, -0.215 - 0.02 * i), turn=(-8, 0, 0))
    else:
        k.add("box", (w + 0.01, 0.18, 0.02, 0.018), main, (0, seat + 0.34, -0.26), turn=(-8, 0, 0))
    extras: tuple[str, ...] = ()
    if d.chance("cushion", 0.45):
        cushion = d.color("cushion color", BRIGHT, unlike=(color,))
        k.add(
            "box",
            (w - 0.01, 0.045, 0.21, 0.04),
            k.material(d.tint("cushion", cushion), "matte"),
            (0, seat + 0.06, 0.01),
        )
        extras = (f"with {'an' if cushion[0] in 'aeiou' else 'a'} {cushion} cushion",)
    return Traits(color, "", "plain", "wooden" if wooden else "plastic", extras)


def bottle(d: Draw, pose: Pose, k: Kit) -> Traits:
    """A bottle with a label and a cap."""
    color = d.color(
        "color", ("green", "blue", "brown", "red", "white", "light blue", "black", "orange", "pink")
    )
    main = k.material(d.tint("color", color), "glossy")
    label_color = d.color("color2", ("white", "yellow", "red", "beige", "blue"), unlike=(color,))
    label = k.material(
        d.tint("color2", label_color),
        "matte",
        color2=d.tint("color", color),
        pattern=d.pick("label", ("plain", "stripes")),
        scale=9.0,
        cover=0.3,
    )
    cap = k.material(d.color("cap", ("black", "silver", "red", "golden", "white")), "metal")
    wide, shoulder = d.number("wide", 0.85, 1.25), d.number("shoulder", 0.55, 0.68)
    r, neck = 0.17 * wide, 0.055
    profile = (
        (0, 0.02),
        (r - 0.02, 0.02),
        (r, 0.05),
        (r, shoulder),
        (neck, shoulder + 0.2),
        (neck, 0.98),
        (0, 0.98),
    )
    k.add("revolve", (profile, 0.015), main)
    k.add("cylinder", (r + 0.022, 0.14, 0.008), label, (0, shoulder * 0.55, 0))
    k.add("cylinder", (neck + 0.025, 0.045, 0.012), cap, (0, 1.0, 0))
    return Traits(
        color,
        "",
        "plain",
        "glass",
        (f"with {'an' if label_color[0] in 'aeiou' else 'a'} {label_color} label",),
    )


def can(d: Draw, pose: Pose, k: Kit) -> Traits:
    """A drinks can."""
    color = d.color("color")
    main, pattern, color2 = surface(d, k, color, "metal", PATTERNS)
    steel = k.material("silver", "metal")
    r, h = 0.21, d.number("tall", 0.32, 0.42)
    k.add("cylinder", (r, h, 0.02), main, (0, h, 0))
    k.add("cone", (r, r - 0.035, 0.03, 0.008), steel, (0, 2 * h + 0.015, 0))
    k.add("cylinder", (r - 0.05, 0.03, 0.005), steel, (0, 2 * h + 0.06, 0), op="cut")
    k.add("box", (0.035, 0.008, 0.07, 0.006), steel, (0, 2 * h + 0.035, 0.03))
    return Traits(color, color2, pattern, "metal")


def flower_pot(d: Draw, pose: Pose, k: Kit) -> Traits:
    """A potted plant: flowers, a cactus or leaves."""
    kind = d.pick("plant", ("flowers", "flowers", "cactus", "leaves"))
    pot_color = d.color("color", ("brown", "orange", "white", "blue", "red", "grey", "teal", "yellow"))
    pot, pattern, color2 = surface(d, k, pot_color, "rubber", ("plain", "plain", "stripes", "dots"))
    green, soil = (
        k.material(d.tint("green", "green"), "matte"),
        k.material(np.array([0.05, 0.03, 0.02], np.float32), "matte"),
    )
    k.add("cone", (0.16, 0.23, 0.18, 0.015), pot, (0, 0.19, 0))
    k.add("cylinder", (0.255, 0.035, 0.015), pot, (0, 0.36, 0))
    k.add("cylinder", (0.20, 0.04, 0.005), soil, (0, 0.37, 0))
    if kind == "cactus":
        rib = k.material(
            d.tint("green", "green"),
            "matte",
            color2=d.tint("green", "green") * np.float32(0.5),
            pattern="rays",
            scale=10.0,
        )
        k.limb((0, 0.40, 0), (0, 0.86, 0), 0.125, 0.115, rib)
        k.add("tube", (((0.08, 0.55, 0), (0.25, 0.58, 0), (0.26, 0.76, 0)), 0.06, 0.055), green, blend=0.03)
        k.add(
            "tube", (((-0.08, 0.64, 0), (-0.22, 0.68, 0), (-0.23, 0.82, 0)), 0.05, 0.045), green, blend=0.03
        )
        words = "with a cactus"
    elif kind == "leaves":
        for i in range(6):
            a = i * 2.4 + 0.4
            h = 0.30 + 0.05 * i
            k.ball(
                (0.055, h * 0.62, 0.13),
                green,
                (np.sin(a) * 0.14, 0.40 + h * 0.5, np.cos(a) * 0.14),
                turn=(np.cos(a) * 24, np.degrees(a), 0),
                blend=0.01,
            )
        words = "with green leaves"
    else:
        flower = d.color("flower", ("red", "yellow", "pink", "purple", "white", "orange"))
        petal, heart = (
            k.material(d.tint("flower", flower), "matte"),
            k.material("yellow" if flower != "yellow" else "brown", "matte"),
        )
        k.ball((0.22, 0.12, 0.22), green, (0, 0.46, 0))
        for i in range(4):
            a = i * 1.7 + 0.5
            top = (np.sin(a) * 0.17, 0.68 + 0.09 * (i % 2) + 0.03 * i, np.cos(a) * 0.17)
            k.limb((0, 0.4, 0), top, 0.018, 0.015, green)
            k.ball((0.12, 0.06, 0.12), petal, top)
            k.ball(0.05, heart, (top[0] * 1.12, top[1] + 0.05, top[2] * 1.12))
        words = f"with {flower} flowers"
    return Traits(pot_color, color2, pattern, "", (words,))


def clock(d: Draw, pose: Pose, k: Kit) -> Traits:
    """An alarm clock with bells, feet and hands."""
    color = d.color("color", (*BRIGHT, "black", "silver", "golden"))
    main = k.material(d.tint("color", color), "metal" if color in ("silver", "golden") else "glossy")
    face, black = k.material("white", "matte"), k.material(DARK, "matte")
    k.add("cylinder", (0.33, 0.10, 0.03), main, (0, 0.42, 0), turn=(90, 0, 0))
    k.add("cylinder", (0.275, 0.10, 0.01), face, (0, 0.42, 0.012), turn=(90, 0, 0))
    for i in range(12):
        a = i * np.pi / 6
        k.add(
            "box",
            (0.012, 0.026, 0.006, 0.004),
            black,
            (0.235 * np.sin(a), 0.42 + 0.235 * np.cos(a), 0.113),
            turn=(0, 0, -30.0 * i),
        )
    for length, width, angle in (
        (0.13, 0.02, d.number("hour", 0, 360)),
        (0.20, 0.014, d.number("minute", 0, 360)),
    ):
        s, c = np.sin(np.radians(angle)), np.cos(np.radians(angle))
        k.limb((0, 0.42, 0.118), (length * s, 0.42 + length * c, 0.118), width, width * 0.7, black)
    if d.chance("bells", 0.7):
        k.ball((0.115, 0.085, 0.10), main, (0.19, 0.77, 0), turn=(0, 0, -32), mirror=True)
        k.limb((0, 0.74, 0), (0, 0.86, 0), 0.016, 0.022, main)
    k.limb((0.16, 0.18, 0), (0.24, 0.025, 0), 0.03, 0.024, main, mirror=True)
    return Traits(color, "", "plain", "", ())


def vase(d: Draw, pose: Pose, k: Kit) -> Traits:
    """A vase, sometimes with flowers."""
    color = d.color("color")
    main, pattern, color2 = surface(d, k, color, "glossy", PATTERNS)
    belly, neck, tall = (
        d.number("belly", 0.20, 0.32),
        d.number("neck", 0.07, 0.15),
        d.number("tall", 0.6, 0.85),
    )
    lip = neck + d.number("lip", 0.02, 0.08)
    profile = (
        (0, 0.02),
        (0.13, 0.02),
        (belly * 0.85, tall * 0.2),
        (belly, tall * 0.4),
        (belly * 0.8, tall * 0.62),
        (neck, tall * 0.82),
        (lip, tall),
        (0, tall),
    )
    k.add("revolve", (profile, 0.025), main)
    k.add("cylinder", (lip - 0.03, 0.06, 0.01), k.material("black", "matte"), (0, tall + 0.02, 0), op="cut")
    extras: tuple[str, ...] = ()
    if d.chance("flowers", 0.4):
        flower = d.color("flower", ("red", "yellow", "pink", "purple", "white", "orange"))
        petal, green = k.material(d.tint("flower", flower), "matte"), k.material("green", "matte")
        for i in range(3):
            a = i * 2.1 + 0.6
            top = (np.sin(a) * 0.16, tall + 0.24 + 0.05 * i, np.cos(a) * 0.12)
            k.limb((0, tall - 0.05, 0), top, 0.015, 0.013, green)
            k.ball((0.09, 0.075, 0.09), petal, top)
        extras = (f"with {flower} flowers",)
    return Traits(color, color2, pattern, "ceramic", extras)


def candle(d: Draw, pose: Pose, k: Kit) -> Traits:
    """A burning candle on a small plate."""
    color = d.color("color", ("white", "red", "beige", "yellow", "green", "blue", "purple", "pink"))
    main, pattern, color2 = surface(d, k, color, "skin", ("plain", "plain", "stripes"))
    plate = k.material(d.color("plate", ("golden", "silver", "white", "black")), "metal")
    flame = k.material(np.array([1.0, 0.62, 0.15], np.float32), "matte", glow=2.2)
    r, tall = d.number("r", 0.10, 0.17), d.number("tall", 0.5, 0.75)
    k.add("cylinder", (r, tall * 0.5, 0.03), main, (0, 0.05 + tall * 0.5, 0))
    k.add("cylinder", (r + 0.13, 0.025, 0.02), plate, (0, 0.025, 0))
    k.limb((0, tall + 0.04, 0), (0, tall + 0.10, 0), 0.01, 0.01, k.material("black"))
    k.limb((0, tall + 0.13, 0), (0, tall + 0.24, 0), 0.042, 0.006, flame)
    return Traits(color, color2, pattern, "", ())
