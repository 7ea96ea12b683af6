"""Birds, fish, rabbits and horses, as parametric solids that look along +z."""

from __future__ import annotations

import numpy as np

from scripts.render.geometry.kit import Draw, Kit, Pose, Traits
from scripts.render.subjects.coats import add_eyes, coat_word, draw_coat


def bird(d: Draw, pose: Pose, k: Kit) -> Traits:
    """A perching bird: beak, folded wings, tail, coloured breast."""
    color = d.color(
        "color",
        ("red", "blue", "yellow", "green", "brown", "black", "white", "grey", "light blue", "orange", "teal"),
    )
    color2 = d.color(
        "color2", ("red", "yellow", "white", "orange", "black", "blue", "beige"), unlike=(color,)
    )
    main = k.material(d.tint("color", color), "fur")
    breast = k.material(d.tint("color2", color2), "fur")
    wing_color = d.color("wing color", (color, color, "black", "brown", "blue", "grey"))
    wing = k.material(
        d.tint("wing", wing_color) * np.float32(0.72),
        "fur",
        color2=d.tint("color2", color2),
        scale=9.0,
        axis=1,
        pattern=d.pick("wing pattern", ("plain", "stripes")),
        cover=0.22,
    )
    beak = k.material(d.pick("beak", ("orange", "yellow", "black")), "rubber")
    fat, bill, long_tail = d.number("fat", 0.85, 1.2), d.number("bill", 0.7, 1.6), d.number("tail", 0.7, 1.3)
    k.limb((0, 0.38, -0.10), (0, 0.47, 0.10), 0.175 * fat, 0.165 * fat, main)
    k.limb((0, 0.55, 0.12), (0, 0.70, 0.16), 0.12, 0.115, main, blend=0.09)
    k.add(
        "box",
        (0.07, 0.018, 0.2 * long_tail, 0.018),
        wing,
        (0, 0.31, -0.26 - 0.16 * long_tail),
        turn=(-22, 0, 0),
        blend=0.05,
    )
    k.ball((0.05, 0.14, 0.26), wing, (0.155 * fat, 0.43, -0.08), turn=(-24, 8, 0), mirror=True, blend=0.01)
    k.joint((0, 0.64, 0.14), x=pose.head_tilt, y=pose.head_turn * 1.2)
    k.ball((0.128, 0.125, 0.13), main, (0, 0.735, 0.17), blend=0.06)
    k.limb((0, 0.725, 0.27), (0, 0.705, 0.30 + 0.10 * bill), 0.045, 0.010, beak)
    add_eyes(k, (0.088, 0.765, 0.245), 0.026)
    crest = d.chance("crest", 0.35)
    if crest:
        k.limb((0, 0.84, 0.15), (0, 0.97, 0.04), 0.045, 0.012, main, blend=0.03)
    cap = d.chance("cap", 0.3)
    if cap:
        k.paint("half_space", (0, -1, 0, -0.775), breast)
    k.rest()
    k.paint("ellipsoid", (0.15, 0.24, 0.16), breast, (0, 0.44, 0.25))
    legs = k.material(d.pick("legs", ("orange", "brown", "grey")), "matte")
    k.limb((0.07, 0.28, 0.02), (0.07, 0.03, 0.04), 0.02, 0.016, legs, mirror=True)
    k.limb((0.07, 0.02, -0.04), (0.08, 0.02, 0.13), 0.018, 0.014, legs, mirror=True)
    extras = [f"with a {color2} breast"] + (["with a crest"] if crest else [])
    return Traits(color, color2, "plain", "feathered", tuple(extras))


def fish(d: Draw, pose: Pose, k: Kit) -> Traits:
    """A plump toy-like fish resting on its lower fin."""
    color = d.color("color", ("orange", "red", "blue", "yellow", "light blue", "purple", "silver", "green"))
    pattern = d.pick("pattern", ("plain", "stripes", "stripes", "spots"))
    color2 = (
        d.color("color2", ("white", "black", "yellow", "blue"), unlike=(color,)) if pattern != "plain" else ""
    )
    main = k.material(
        d.tint("color", color),
        "glossy",
        color2=d.tint("color2", color2) if color2 else None,
        pattern=pattern,
        axis=2,
        scale=3.6 if pattern == "stripes" else 2.2,
        cover=0.42,
        phase=d.number("phase", 0, 1),
    )
    fin = k.material(d.tint("color", color) * np.float32(0.7), "rubber")
    deep, long = d.number("deep", 0.85, 1.2), d.number("long", 0.9, 1.2)
    k.ball((0.15, 0.26 * deep, 0.42 * long), main, (0, 0.40, 0.03))
    z = 0.36 * long
    k.add(
        "prism",
        (((0.0, 0.0), (-0.26, 0.24), (-0.18, 0.0), (-0.26, -0.24)), 0.02, 0.02),
        fin,
        (0, 0.40, -z),
        turn=(0, -90, 0),
        blend=0.06,
    )
    k.add(
        "prism",
        (((0.22, 0.0), (-0.05, 0.20), (-0.24, 0.16), (-0.22, 0.0)), 0.015, 0.015),
        fin,
        (0, 0.58 * deep + 0.03, 0.0),
        turn=(0, -90, 0),
        blend=0.03,
    )
    k.add(
        "prism",
        (((0.10, 0.1), (0.0, -0.22), (-0.16, -0.22), (-0.12, 0.1)), 0.03, 0.015),
        fin,
        (0, 0.235, 0.02),
        turn=(0, -90, 0),
        blend=0.03,
    )
    k.ball((0.03, 0.07, 0.11), fin, (0.155, 0.36, 0.04), turn=(0, 24, 0), mirror=True)
    white = k.material("white", "glossy")
    k.ball(0.055, white, (0.095, 0.47, 0.03 + 0.27 * long), mirror=True)
    k.ball(0.032, k.material("black", "glossy"), (0.128, 0.475, 0.05 + 0.275 * long), mirror=True)
    return Traits(color, color2, pattern, "shiny")


def rabbit(d: Draw, pose: Pose, k: Kit) -> Traits:
    """A sitting rabbit with long ears and a white tail."""
    main, coat, color, color2 = draw_coat(
        d, k, ("plain", "patches", "chest"), ("brown", "white", "grey", "beige", "black")
    )
    second = k.material(d.tint("color2", color2), "fur") if color2 else main
    pink = k.material(np.array([0.6, 0.25, 0.25], np.float32), "skin")
    ear, fat = d.number("ear", 0.85, 1.25), d.number("fat", 0.9, 1.15)
    k.ball((0.20 * fat, 0.21, 0.27), main, (0, 0.23, -0.08))
    k.limb((0, 0.32, 0.08), (0, 0.42, 0.12), 0.13, 0.11, main, blend=0.10)
    k.ball((0.09, 0.14, 0.16), main, (0.15 * fat, 0.15, -0.12), mirror=True, blend=0.05)
    k.ball((0.06, 0.045, 0.14), main, (0.15, 0.045, 0.02), mirror=True, blend=0.03)
    k.limb((0.07, 0.24, 0.14), (0.07, 0.05, 0.20), 0.06, 0.042, main, mirror=True, blend=0.04)
    k.ball(0.085, k.material("white", "fur"), (0, 0.20, -0.36))
    k.joint((0, 0.44, 0.12), x=pose.head_tilt, y=pose.head_turn)
    k.ball((0.125, 0.12, 0.15), main, (0, 0.50, 0.17), blend=0.06)
    k.limb(
        (0.055, 0.60, 0.12),
        (0.095, 0.62 + 0.30 * ear, 0.05),
        0.042,
        0.042,
        main,
        mirror=True,
        blend=0.03,
        flat_z=0.8,
    )
    k.limb((0.062, 0.66, 0.145), (0.094, 0.60 + 0.28 * ear, 0.085), 0.02, 0.022, pink, mirror=True)
    k.ball((0.02, 0.015, 0.014), pink, (0, 0.495, 0.315))
    add_eyes(k, (0.098, 0.535, 0.245), 0.027)
    k.rest()
    if coat == "chest":
        k.paint("ellipsoid", (0.12, 0.2, 0.16), second, (0, 0.30, 0.22))
    extras = (f"with a {color2} chest",) if coat == "chest" else ()
    return Traits(color, color2, coat_word(coat, color2), "furry", extras)


def horse(d: Draw, pose: Pose, k: Kit) -> Traits:
    """A horse with mane and tail."""
    main, coat, color, color2 = draw_coat(
        d, k, ("plain", "patches", "socks"), ("brown", "black", "white", "grey", "beige", "golden")
    )
    second = k.material(d.tint("color2", color2), "fur") if color2 else main
    mane = k.material(
        d.tint("mane", d.color("mane color", ("black", "brown", "white", "beige"), unlike=(color,))), "fur"
    )
    hoof = k.material("black", "rubber")
    k.limb((0, 0.60, -0.27), (0, 0.60, 0.22), 0.155, 0.15, main)
    swing = 0.06 * np.sin(np.radians(pose.limb * 6))
    for z, s in ((0.22, swing), (-0.28, -swing)):
        k.limb((0.085, 0.56, z), (0.085, 0.30, z + s * 0.5), 0.085, 0.048, main, mirror=True, blend=0.05)
        k.limb((0.085, 0.30, z + s * 0.5), (0.085, 0.06, z + s), 0.046, 0.036, main, mirror=True, blend=0.02)
        k.add("cylinder", (0.05, 0.035, 0.01), hoof, (0.085, 0.035, z + s + 0.01), mirror=True)
    k.limb((0, 0.66, 0.26), (0, 0.98, 0.44), 0.125, 0.085, main, blend=0.09)
    k.limb((0, 1.00, 0.44), (0, 0.84, 0.66), 0.095, 0.062, main, blend=0.05)
    k.limb((0.045, 1.05, 0.41), (0.06, 1.16, 0.41), 0.035, 0.008, main, mirror=True, blend=0.02)
    k.add("tube", (((0, 1.07, 0.42), (0, 0.95, 0.30), (0, 0.76, 0.16)), 0.05, 0.05), mane, blend=0.02)
    k.add("tube", (((0, 0.70, -0.40), (0, 0.56, -0.52), (0, 0.30, -0.54)), 0.05, 0.06), mane, blend=0.03)
    add_eyes(k, (0.078, 0.985, 0.52), 0.022)
    if coat == "socks":
        k.paint("half_space", (0, 1, 0, 0.27), second)
        k.paint("ellipsoid", (0.03, 0.12, 0.2), second, (0, 0.98, 0.60))
    return Traits(
        color,
        color2,
        coat_word(coat, color2),
        "furry",
        (f"with {color2} legs",) if coat == "socks" and color2 else (),
    )
