"""Toys and figures: plush bear, rubber duck, robot, car, boat, ball, person, snowman, as parametric solids.

Toys look along +z; knows shapes only.
"""

from __future__ import annotations

import numpy as np

from scripts.render.geometry.kit import Draw, Kit, Pose, Traits, surface
from scripts.render.geometry.materials import similar

BRIGHT = ("red", "orange", "yellow", "green", "teal", "light blue", "blue", "purple", "pink")
DARK = np.array([0.008, 0.008, 0.01], np.float32)


def plush_bear(d: Draw, pose: Pose, k: Kit) -> Traits:
    """A sitting teddy bear, often with a bow or a scarf."""
    color = d.color(
        "color", ("brown", "beige", "white", "pink", "grey", "golden", "light blue", "black", "purple")
    )
    main = k.material(d.tint("color", color), "plush")
    light = k.material(np.clip(d.tint("color", color) * np.float32(1.7) + np.float32(0.12), 0, 0.9), "plush")
    black = k.material(DARK, "glossy")
    head, fat, ear = d.number("head", 0.92, 1.12), d.number("fat", 0.9, 1.15), d.number("ear", 0.85, 1.25)
    k.ball((0.225 * fat, 0.25, 0.20 * fat), main, (0, 0.27, 0))
    arm = 0.03 * np.sin(np.radians(pose.limb * 5))
    k.limb((0.19, 0.40, 0.05), (0.33, 0.24 + arm * 3, 0.17), 0.085, 0.085, main, mirror=True, blend=0.04)
    k.limb((0.14, 0.10, 0.10), (0.22, 0.10, 0.33), 0.11, 0.105, main, mirror=True, blend=0.05)
    k.ball((0.075, 0.075, 0.025), light, (0.225, 0.105, 0.425), mirror=True)
    k.ball((0.13, 0.15, 0.05), light, (0, 0.27, 0.165 * fat))
    k.joint((0, 0.52, 0), x=pose.head_tilt, y=pose.head_turn, z=pose.limb * 0.4)
    k.ball((0.215 * head, 0.195 * head, 0.185 * head), main, (0, 0.66, 0.02), blend=0.03)
    k.ball(0.075 * ear, main, (0.165 * head, 0.82, 0.0), mirror=True, blend=0.02, flat_z=0.6)
    k.ball(0.045 * ear, light, (0.168 * head, 0.82, 0.035), mirror=True, flat_z=0.5)
    k.ball((0.092, 0.072, 0.07), light, (0, 0.605, 0.175 * head), blend=0.02)
    k.ball((0.035, 0.025, 0.022), black, (0, 0.64, 0.245 * head))
    k.ball(0.028, black, (0.085, 0.705, 0.178 * head), mirror=True)
    k.rest()
    extras: tuple[str, ...] = ()
    wear = d.pick("wear", ("none", "bow", "scarf", "bow"))
    if wear != "none":
        wear_color = d.color("wear color", BRIGHT, unlike=(color,))
        cloth = k.material(d.tint("wear", wear_color), "matte")
        if wear == "bow":
            k.ball((0.085, 0.06, 0.04), cloth, (0.085, 0.475, 0.185), turn=(0, 0, 18), mirror=True)
            k.ball(0.036, cloth, (0, 0.475, 0.205))
        else:
            k.add("torus", (0.155, 0.048), cloth, (0, 0.49, 0.015), turn=(88, 0, 0))
            k.add("box", (0.05, 0.12, 0.022, 0.02), cloth, (0.09, 0.37, 0.20), turn=(-8, 0, 8))
        extras = (f"with a {wear_color} {wear}",)
    return Traits(color, "", "plain", "plush", extras)


def rubber_duck(d: Draw, pose: Pose, k: Kit) -> Traits:
    """A bath duck; some wear a hat or sunglasses."""
    color = d.color(
        "color", ("yellow", "yellow", "yellow", "pink", "light blue", "green", "purple", "white", "red")
    )
    pattern = d.pick("pattern", ("plain", "plain", "plain", "dots"))
    color2 = (
        d.color("color2", ("white", "red", "blue", "green"), unlike=(color,)) if pattern != "plain" else ""
    )
    main = k.material(
        d.tint("color", color),
        "rubber",
        color2=d.tint("color2", color2) if color2 else None,
        pattern=pattern,
        scale=6.0,
        cover=0.5,
    )
    beak = k.material("red" if color == "orange" else "orange", "rubber")
    black = k.material(DARK, "glossy")
    head, fat = d.number("head", 0.9, 1.12), d.number("fat", 0.92, 1.12)
    k.ball((0.27 * fat, 0.215, 0.33), main, (0, 0.215, 0))
    k.limb((0, 0.30, -0.24), (0, 0.43, -0.40), 0.12, 0.035, main, blend=0.08)
    k.ball((0.06, 0.11, 0.19), main, (0.26 * fat, 0.26, -0.04), turn=(-20, 6, 0), mirror=True, blend=0.03)
    k.ball(0.20 * head, main, (0, 0.58, 0.14), blend=0.07)
    z = 0.14 + 0.19 * head
    k.ball((0.10, 0.030, 0.10), beak, (0, 0.565, z + 0.03), turn=(-10, 0, 0), blend=0.01)
    k.ball((0.08, 0.024, 0.075), beak, (0, 0.525, z + 0.02), turn=(12, 0, 0), blend=0.01)
    k.ball(0.034, black, (0.085, 0.655, 0.125 + 0.165 * head), mirror=True)
    extras: tuple[str, ...] = ()
    wear = d.pick("wear", ("none", "none", "hat", "scarf", "sunglasses"))
    if wear != "none":
        wear_color = "black" if wear == "sunglasses" else d.color("wear color", BRIGHT, unlike=(color,))
        cloth = k.material(d.tint("wear", wear_color), "glossy" if wear == "sunglasses" else "matte")
        if wear == "hat":
            k.add("cylinder", (0.19, 0.018, 0.016), cloth, (0, 0.735, 0.12), turn=(-8, 0, 0))
            k.add("cone", (0.125, 0.11, 0.085, 0.02), cloth, (0, 0.82, 0.11), turn=(-8, 0, 0))
        elif wear == "scarf":
            k.add("torus", (0.155, 0.042), cloth, (0, 0.42, 0.115), turn=(84, 0, 0))
        else:
            k.ball((0.07, 0.05, 0.02), cloth, (0.08, 0.645, 0.15 + 0.185 * head), mirror=True)
            k.add("box", (0.16, 0.012, 0.012, 0.01), cloth, (0, 0.665, 0.15 + 0.18 * head))
        extras = ("wearing sunglasses",) if wear == "sunglasses" else (f"with a {wear_color} {wear}",)
    return Traits(color, color2, pattern, "rubber", extras)


def robot(d: Draw, pose: Pose, k: Kit) -> Traits:
    """A toy robot: boxy head with round eyes, antenna, chest panel."""
    color = d.color(
        "color",
        (
            "red",
            "orange",
            "yellow",
            "green",
            "teal",
            "light blue",
            "blue",
            "purple",
            "silver",
            "grey",
            "white",
        ),
    )
    color2 = d.color(
        "color2", ("red", "yellow", "blue", "white", "orange", "black", "green"), unlike=similar(color)
    )
    finish = d.pick("finish", ("metal", "glossy", "matte"))
    main = k.material(d.tint("color", color), finish)
    second = k.material(d.tint("color2", color2), finish)
    dark, steel = k.material("black", "rubber"), k.material("silver", "metal")
    eye = k.material(d.pick("eye", ("yellow", "light blue", "green", "red")), "glossy", glow=0.5)
    wide, tall, head = d.number("wide", 0.85, 1.2), d.number("tall", 0.85, 1.1), d.number("head", 0.85, 1.15)
    top = 0.26 + 0.34 * tall
    k.add("box", (0.19 * wide, 0.17 * tall, 0.13, 0.03), main, (0, 0.26 + 0.17 * tall, 0))
    k.add("box", (0.11 * wide, 0.075, 0.02, 0.015), second, (0, 0.28 + 0.18 * tall, 0.125))
    k.ball(0.026, eye, (0.055 * wide, 0.30 + 0.18 * tall, 0.145), mirror=True)
    k.add("box", (0.05, 0.012, 0.012, 0.008), steel, (0, 0.25 + 0.18 * tall, 0.145))
    lift = pose.limb * 1.6
    k.limb(
        (0.22 * wide, top - 0.08, 0),
        (0.30 * wide, top - 0.24, 0.05 + lift * 0.004),
        0.05,
        0.045,
        steel,
        mirror=True,
    )
    k.ball(0.072, second, (0.31 * wide, top - 0.28, 0.07 + lift * 0.004), mirror=True)
    k.limb((0.09 * wide, 0.26, 0), (0.10 * wide, 0.08, 0), 0.05, 0.05, steel, mirror=True)
    k.add("box", (0.085, 0.05, 0.12, 0.03), second, (0.10 * wide, 0.05, 0.03), mirror=True)
    k.joint((0, top, 0), x=pose.head_tilt, y=pose.head_turn)
    k.add("cylinder", (0.055, 0.04, 0.01), steel, (0, top + 0.02, 0))
    if d.chance("round head", 0.3):
        k.ball((0.17 * head, 0.14, 0.14), main, (0, top + 0.17, 0))
        front = 0.125
    else:
        k.add("box", (0.165 * head, 0.125, 0.12, 0.035), main, (0, top + 0.17, 0))
        front = 0.118
    k.ball((0.047, 0.047, 0.03), dark, (0.075 * head, top + 0.195, front), mirror=True)
    k.ball(0.034, eye, (0.075 * head, top + 0.195, front + 0.016), mirror=True)
    k.add("box", (0.075, 0.016, 0.014, 0.01), dark, (0, top + 0.10, front))
    k.limb((0, top + 0.28, 0), (0, top + 0.38, 0), 0.013, 0.013, steel)
    k.ball(0.034, second, (0, top + 0.39, 0))
    k.add(
        "cylinder", (0.05, 0.025, 0.012), second, (0.17 * head, top + 0.17, 0), turn=(0, 0, 90), mirror=True
    )
    material = {"metal": "metal", "glossy": "plastic", "matte": "plastic"}[finish]
    return Traits(color, color2, "plain", material, (f"with {color2} hands and feet",))


def car(d: Draw, pose: Pose, k: Kit) -> Traits:
    """A toy car; sometimes a pickup or a van."""
    color = d.color("color", (*BRIGHT, "white", "black", "silver"))
    kind = d.pick("body", ("saloon", "van", "pickup", "beetle"))
    pattern = d.pick("pattern", ("plain", "plain", "stripes"))
    color2 = (
        d.color("color2", ("white", "black", "yellow", "red"), unlike=(color,))
        if pattern == "stripes"
        else ""
    )
    main = k.material(
        d.tint("color", color),
        "glossy",
        color2=d.tint("color2", color2) if color2 else None,
        pattern=pattern,
        axis=0,
        scale=1.2,
        cover=0.14,
    )
    glass, tyre = (
        k.material(np.array([0.03, 0.05, 0.07], np.float32), "glossy"),
        k.material("black", "rubber"),
    )
    hub, lamp = (
        k.material("silver", "metal"),
        k.material(np.array([0.9, 0.85, 0.6], np.float32), "glossy", glow=0.3),
    )
    k.add("box", (0.24, 0.10, 0.50, 0.07), main, (0, 0.20, 0))
    if kind == "van":
        k.add("box", (0.225, 0.17, 0.40, 0.06), main, (0, 0.40, -0.08), blend=0.03)
        k.add("box", (0.229, 0.07, 0.33, 0.03), glass, (0, 0.44, -0.06))
        k.add("box", (0.19, 0.075, 0.30, 0.03), glass, (0, 0.44, 0.03))
    elif kind == "pickup":
        k.add("box", (0.215, 0.14, 0.17, 0.06), main, (0, 0.38, 0.08), blend=0.03)
        k.add("box", (0.219, 0.07, 0.12, 0.03), glass, (0, 0.41, 0.08))
        k.add("box", (0.18, 0.07, 0.178, 0.03), glass, (0, 0.41, 0.08))
        k.add("box", (0.18, 0.10, 0.18, 0.02), tyre, (0, 0.32, -0.29), op="cut")
    else:
        length = 0.30 if kind == "saloon" else 0.36
        k.ball((0.225, 0.24, length), main, (0, 0.28, -0.03), blend=0.04)
        k.ball((0.232, 0.17, length - 0.08), glass, (0, 0.35, -0.03))
        k.ball((0.17, 0.19, length + 0.004), glass, (0, 0.33, -0.03))
        k.add("box", (0.3, 0.05, 0.022, 0.01), main, (0, 0.42, -0.04))
        k.ball((0.175, 0.05, length * 0.62), main, (0, 0.495, -0.03), blend=0.02)
    for z in (0.30, -0.30):
        k.add("cylinder", (0.12, 0.055, 0.02), tyre, (0.22, 0.12, z), turn=(0, 0, 90), mirror=True)
        k.add("cylinder", (0.062, 0.062, 0.01), hub, (0.22, 0.12, z), turn=(0, 0, 90), mirror=True)
    k.ball((0.05, 0.045, 0.02), lamp, (0.16, 0.22, 0.495), mirror=True)
    k.add("box", (0.2, 0.025, 0.02, 0.015), hub, (0, 0.13, 0.50))
    return Traits(color, color2, pattern, "toy")


def boat(d: Draw, pose: Pose, k: Kit) -> Traits:
    """A toy sailing boat."""
    color = d.color("color", (*BRIGHT, "white", "brown"))
    sail_color = d.color(
        "color2", ("white", "white", "red", "yellow", "light blue", "orange"), unlike=(color,)
    )
    hull = k.material(d.tint("color", color), "glossy")
    sail = k.material(d.tint("color2", sail_color), "matte")
    wood = k.material("golden", "wood")
    k.ball((0.19, 0.24, 0.50), hull, (0, 0.26, 0))
    k.add("half_space", (0, -1, 0, -0.27), wood, op="cut")
    k.add("box", (0.11, 0.02, 0.34, 0.02), wood, (0, 0.25, 0))
    k.add("half_space", (0, 1, 0, 0.012), hull, op="cut")
    k.limb((0, 0.2, 0.06), (0, 1.12, 0.06), 0.018, 0.014, wood)
    k.add(
        "prism",
        (((0.0, 0.0), (0.40, 0.0), (0.0, 0.72)), 0.008, 0.008),
        sail,
        (0, 0.34, 0.02),
        turn=(0, 90, 0),
    )
    k.add(
        "prism",
        (((0.0, 0.0), (0.32, 0.0), (0.0, 0.58)), 0.008, 0.008),
        sail,
        (0, 0.32, 0.10),
        turn=(0, -90, 0),
    )
    return Traits(
        color, "", "plain", "toy", (f"with {'an' if sail_color[0] in 'aeiou' else 'a'} {sail_color} sail",)
    )


def ball(d: Draw, pose: Pose, k: Kit) -> Traits:
    """A play ball, plain or patterned."""
    color = d.color("color", (*BRIGHT, "white", "black", "brown"))
    main, pattern, color2 = _ball_surface(d, k, color)
    k.ball(0.36, main, (0, 0.36, 0))
    return Traits(color, color2, pattern, "rubber")


def _ball_surface(d: Draw, k: Kit, color: str) -> tuple[int, str, str]:
    pattern = d.pick("pattern", ("plain", "stripes", "rays", "dots", "checks", "patches"))
    color2 = (
        ""
        if pattern == "plain"
        else d.color("color2", ("white", "black", "yellow", "red", "blue"), unlike=similar(color))
    )
    second = d.tint("color2", color2) if color2 else None
    scale = {"stripes": 4.0, "rays": 4.0, "dots": 5.0, "checks": 2.6, "patches": 3.0}.get(pattern, 1.0)
    index = k.material(
        d.tint("color", color),
        d.pick("finish", ("glossy", "rubber", "matte")),
        color2=second,
        pattern=pattern,
        scale=scale,
        phase=0.3,
        cover=0.5,
    )
    return index, {"rays": "stripes"}.get(pattern, pattern), color2


def person(d: Draw, pose: Pose, k: Kit) -> Traits:
    """A stylised figure of a person in a coloured shirt."""
    color = d.color("color", (*BRIGHT, "white", "grey"))
    shirt, pattern, color2 = surface(d, k, color, "matte", ("plain", "plain", "stripes", "dots"))
    skin_rgb = [(0.78, 0.50, 0.36), (0.62, 0.36, 0.22), (0.36, 0.18, 0.10), (0.16, 0.075, 0.04)][
        int(d.number("skin", 0, 3.99))
    ]
    skin = k.material(np.array(skin_rgb, np.float32), "skin")
    hair_color = d.pick("hair", ("black", "brown", "golden", "grey", "orange"))
    hair = k.material(hair_color, "fur")
    trousers = k.material(d.color("trousers", ("blue", "black", "grey", "brown", "beige")), "matte")
    shoe, black = k.material("black", "rubber"), k.material(DARK, "glossy")
    k.ball((0.165, 0.235, 0.12), shirt, (0, 0.58, 0))
    k.limb(
        (0.15, 0.71, 0), (0.26, 0.46 + pose.limb * 0.006, 0.08), 0.062, 0.05, shirt, mirror=True, blend=0.05
    )
    k.ball(0.055, skin, (0.275, 0.425 + pose.limb * 0.006, 0.09), mirror=True)
    skirt = d.chance("skirt", 0.35)
    if skirt:
        k.add("cone", (0.24, 0.12, 0.12, 0.03), trousers, (0, 0.36, 0))
        k.limb((0.07, 0.28, 0), (0.08, 0.06, 0), 0.055, 0.045, skin, mirror=True)
    else:
        k.limb((0.075, 0.40, 0), (0.09, 0.07, 0), 0.085, 0.06, trousers, mirror=True)
    k.ball((0.06, 0.045, 0.10), shoe, (0.09, 0.045, 0.04), mirror=True)
    k.limb((0, 0.78, 0), (0, 0.86, 0.01), 0.055, 0.055, skin)
    k.joint((0, 0.84, 0), x=pose.head_tilt, y=pose.head_turn)
    k.ball((0.15, 0.17, 0.15), skin, (0, 1.0, 0.01))
    k.ball((0.165, 0.15, 0.16), hair, (0, 1.07, -0.035))
    if d.chance("long hair", 0.45):
        k.limb((0.13, 1.04, -0.05), (0.15, 0.82, -0.03), 0.055, 0.045, hair, mirror=True, blend=0.04)
    k.ball(0.02, black, (0.055, 1.01, 0.145), mirror=True)
    k.ball((0.022, 0.028, 0.026), skin, (0, 0.975, 0.165))
    k.ball((0.042, 0.012, 0.015), k.material("red", "skin"), (0, 0.92, 0.138))
    return Traits(
        color, color2, pattern, "", ("with " + {"golden": "blond"}.get(hair_color, hair_color) + " hair",)
    )


def snowman(d: Draw, pose: Pose, k: Kit) -> Traits:
    """A snowman with a scarf and a hat."""
    snow = k.material(np.array([0.86, 0.89, 0.93], np.float32), "matte")
    scarf_color = d.color("scarf", BRIGHT)
    scarf = k.material(d.tint("scarf", scarf_color), "matte")
    black, carrot = k.material(DARK, "rubber"), k.material("orange", "matte")
    fat = d.number("fat", 0.9, 1.1)
    k.ball(0.29 * fat, snow, (0, 0.27 * fat, 0))
    k.ball(0.21 * fat, snow, (0, 0.66 * fat, 0), blend=0.04)
    k.ball(0.155, snow, (0, 0.97 * fat, 0), blend=0.03)
    k.add("torus", (0.125, 0.045), scarf, (0, 0.835 * fat, 0), turn=(90, 0, 0))
    k.add("box", (0.045, 0.13, 0.02, 0.02), scarf, (0.07, 0.70 * fat, 0.20), turn=(-10, 0, 8))
    y = 0.97 * fat
    k.limb((0, y, 0.14), (0, y - 0.02, 0.30), 0.032, 0.006, carrot)
    k.ball(0.021, black, (0.055, y + 0.05, 0.135), mirror=True)
    for dy in (0.55, 0.66, 0.75):
        k.ball(0.022, black, (0, dy * fat, 0.205 * fat))
    k.add("cylinder", (0.17, 0.015, 0.012), black, (0, y + 0.12, 0))
    k.add("cylinder", (0.105, 0.09, 0.015), black, (0, y + 0.21, 0))
    return Traits(
        "white", "", "plain", "", (f"with {'an' if scarf_color[0] in 'aeiou' else 'a'} {scarf_color} scarf",)
    )
