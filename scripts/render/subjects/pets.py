"""Dogs and cats with distinctive coats, as parametric solids that look along +z."""

from __future__ import annotations

import numpy as np

from scripts.render.geometry.kit import Draw, Kit, Pose, Traits
from scripts.render.subjects.coats import COATS, add_eyes, coat_word, draw_coat


def dog(d: Draw, pose: Pose, k: Kit) -> Traits:
    """A dog: snout, drop or prick ears, wagging tail, perhaps a collar."""
    main, coat, color, color2 = draw_coat(
        d, k, ("plain", "patches", "patches", "spots", "saddle", "chest", "chest", "socks"), COATS
    )
    second = k.material(d.tint("color2", color2), "fur") if color2 else main
    nose = k.material(np.array([0.012, 0.011, 0.012], np.float32), "glossy")
    size, leg = d.number("girth", 0.85, 1.2), d.number("leg", 0.75, 1.1)
    snout, floppy = d.number("snout", 0.75, 1.25), d.chance("floppy", 0.6)
    ear = d.number("ear", 0.85, 1.25)
    hip = 0.40 * leg + 0.06
    r = 0.155 * size
    if pose.sit:
        k.limb((0, 0.20, -0.24), (0, 0.50, 0.06), r * 1.18, r * 1.0, main)
        neck_base = (0.0, 0.54, 0.08)
        k.limb((0.10, 0.42, 0.12), (0.10, 0.05, 0.20), 0.075, 0.05, main, mirror=True, blend=0.06)
        k.ball((0.06, 0.045, 0.08), main, (0.10, 0.045, 0.23), mirror=True, blend=0.03)
        k.ball((0.09, 0.14, 0.17), main, (0.155 * size, 0.16, -0.16), mirror=True, blend=0.05)
        k.ball((0.06, 0.05, 0.12), main, (0.19, 0.05, 0.02), mirror=True, blend=0.04)
        tail = ((0.0, 0.08, -0.38), (0.10, 0.06, -0.54), (0.26, 0.10, -0.58))
    else:
        k.limb((0, hip + 0.05, -0.30), (0, hip + 0.08, 0.20), r * 0.95, r * 1.12, main)
        neck_base = (0.0, hip + 0.14, 0.24)
        swing = 0.05 * np.sin(np.radians(pose.limb * 6))
        k.limb((0.10, hip, 0.20), (0.10, 0.05, 0.20 + swing), 0.075, 0.05, main, mirror=True, blend=0.05)
        k.ball((0.06, 0.042, 0.08), main, (0.10, 0.042, 0.225 + swing), mirror=True, blend=0.03)
        k.limb(
            (0.10, hip + 0.02, -0.30),
            (0.11, hip * 0.55, -0.36),
            0.115 * size,
            0.06,
            main,
            mirror=True,
            blend=0.05,
        )
        k.limb(
            (0.11, hip * 0.55, -0.37),
            (0.11, 0.05, -0.30 - swing),
            0.058,
            0.045,
            main,
            mirror=True,
            blend=0.03,
        )
        k.ball((0.055, 0.042, 0.075), main, (0.11, 0.042, -0.27 - swing), mirror=True, blend=0.03)
        wag = 0.12 + 0.1 * np.sin(np.radians(pose.limb * 4))
        tail = ((0.0, hip + 0.12, -0.42), (wag * 0.5, hip + 0.24, -0.56), (wag, hip + 0.40, -0.60))
    k.add("tube", (tail, 0.055, 0.03), main, blend=0.06)
    _, ny, nz = neck_base
    head = (0.0, ny + 0.24, nz + 0.12)
    k.limb(neck_base, (0, head[1] - 0.04, head[2] - 0.03), r * 0.85, 0.115, main, blend=0.08)
    collar = (
        d.color("collar color", ("red", "blue", "green", "yellow", "pink", "purple"))
        if d.chance("collar", 0.5)
        else ""
    )
    if collar:
        middle = (0.0, ny + 0.115, nz + 0.045)
        k.add(
            "torus",
            (0.128 + 0.022 * size, 0.032),
            k.material(d.tint("collar", collar), "matte"),
            middle,
            turn=(66, 0, 0),
        )
        k.ball(0.036, k.material("golden", "metal"), (0.0, middle[1] - 0.085, middle[2] + 0.165))
    _, hy, hz = head
    k.joint((0.0, hy - 0.08, hz - 0.04), x=pose.head_tilt, y=pose.head_turn)
    k.ball((0.15, 0.142, 0.15), main, head, blend=0.06)
    k.limb(
        (0, hy - 0.035, hz + 0.08), (0, hy - 0.055, hz + 0.10 + 0.13 * snout), 0.088, 0.066, main, blend=0.05
    )
    if floppy:
        k.limb(
            (0.125, hy + 0.07, hz - 0.01),
            (0.185, hy - 0.14 * ear, hz + 0.03),
            0.045,
            0.062,
            main,
            mirror=True,
            blend=0.02,
            flat_z=1.0,
        )
    else:
        k.limb(
            (0.09, hy + 0.10, hz - 0.01),
            (0.125, hy + 0.10 + 0.14 * ear, hz - 0.02),
            0.065,
            0.014,
            main,
            mirror=True,
            blend=0.03,
        )
    k.ball((0.034, 0.027, 0.028), nose, (0, hy - 0.025, hz + 0.155 + 0.13 * snout))
    add_eyes(k, (0.062, hy + 0.035, hz + 0.128), 0.027)
    if coat == "chest":  # light chest, muzzle and paws
        k.paint("ellipsoid", (0.12, 0.15, 0.16), second, (0, hy - 0.09, hz + 0.20))
        k.paint("ellipsoid", (0.035, 0.12, 0.2), second, (0, hy + 0.08, hz + 0.1))
    k.rest()
    if coat == "chest":
        k.paint("ellipsoid", (0.14, 0.26, 0.16), second, (0, ny - 0.10, nz + 0.14))
    if coat in ("chest", "socks"):
        k.paint("half_space", (0, 1, 0, 0.13), second)
    if coat == "saddle":
        k.paint("ellipsoid", (0.30, 0.22, 0.40), second, (0, ny + (0.0 if pose.sit else 0.09), nz - 0.36))
        k.joint((0.0, hy - 0.08, hz - 0.04), x=pose.head_tilt, y=pose.head_turn)
        k.paint("ellipsoid", (0.085, 0.08, 0.16), second, (0, hy - 0.055, hz + 0.25))
        k.paint("ellipsoid", (0.07, 0.2, 0.07), second, (0.16, hy - 0.02, hz - 0.01), mirror=True)
        k.rest()
    extras = [f"wearing a {collar} collar"] if collar else []
    detail = {
        "chest": f"with a {color2} chest",
        "saddle": f"with a {color2} back",
        "socks": f"with {color2} paws",
    }.get(coat)
    if detail and color2:
        extras.insert(0, detail)
    return Traits(color, color2, coat_word(coat, color2), "furry", tuple(extras))


def cat(d: Draw, pose: Pose, k: Kit) -> Traits:
    """A cat: round head, pricked ears, whiskers, a long curved tail."""
    main, coat, color, color2 = draw_coat(
        d,
        k,
        ("plain", "patches", "tabby", "tabby", "chest", "chest", "points"),
        ("orange", "black", "white", "grey", "beige", "brown"),
    )
    second = k.material(d.tint("color2", color2), "fur") if color2 else main
    pink = k.material(np.array([0.55, 0.22, 0.22], np.float32), "skin")
    size, tail_up = d.number("girth", 0.85, 1.25), d.chance("tail up", 0.5)
    r = 0.135 * size
    if pose.sit:
        k.limb((0, 0.19, -0.14), (0, 0.46, 0.03), r * 1.35, r * 0.92, main)
        k.limb((0.075, 0.40, 0.10), (0.07, 0.05, 0.15), 0.062, 0.045, main, mirror=True, blend=0.05)
        k.ball((0.05, 0.04, 0.07), main, (0.07, 0.04, 0.175), mirror=True, blend=0.03)
        k.ball((0.09, 0.13, 0.17), main, (0.14 * size, 0.14, -0.08), mirror=True, blend=0.06)
        tail = ((0.05, 0.06, -0.28), (0.28, 0.05, -0.22), (0.36, 0.05, 0.02), (0.26, 0.05, 0.18))
        neck, head = (0.0, 0.48, 0.06), (0.0, 0.66, 0.10)
    else:
        k.limb((0, 0.37, -0.27), (0, 0.38, 0.18), r * 1.0, r * 1.0, main)
        swing = 0.05 * np.sin(np.radians(pose.limb * 6))
        k.limb((0.08, 0.34, 0.17), (0.075, 0.05, 0.19 + swing), 0.062, 0.043, main, mirror=True, blend=0.05)
        k.ball((0.048, 0.038, 0.068), main, (0.075, 0.038, 0.215 + swing), mirror=True, blend=0.03)
        k.limb((0.08, 0.34, -0.26), (0.085, 0.05, -0.28 - swing), 0.085, 0.043, main, mirror=True, blend=0.05)
        k.ball((0.048, 0.038, 0.068), main, (0.085, 0.038, -0.255 - swing), mirror=True, blend=0.03)
        up = ((0.0, 0.42, -0.38), (0.02, 0.60, -0.50), (0.05, 0.80, -0.50), (0.09, 0.92, -0.42))
        down = ((0.0, 0.42, -0.38), (0.04, 0.32, -0.54), (0.08, 0.24, -0.66), (0.16, 0.28, -0.76))
        tail = up if tail_up else down
        neck, head = (0.0, 0.42, 0.20), (0.0, 0.585, 0.30)
    k.add("tube", (tail, 0.042, 0.032), second if coat == "points" else main, blend=0.05)
    k.limb(neck, (0, head[1] - 0.04, head[2] - 0.02), r * 0.85, 0.10, main, blend=0.08)
    collar = (
        d.color("collar color", ("red", "blue", "green", "yellow", "pink", "purple"))
        if d.chance("collar", 0.3)
        else ""
    )
    _, hy, hz = head
    if collar:
        k.add(
            "torus",
            (0.108, 0.024),
            k.material(d.tint("collar", collar), "matte"),
            (0, hy - 0.105, hz - 0.01),
            turn=(74, 0, 0),
        )
        k.ball(0.028, k.material("golden", "metal"), (0, hy - 0.145, hz + 0.105))
    k.joint((0.0, hy - 0.06, hz - 0.03), x=pose.head_tilt, y=pose.head_turn)
    k.ball((0.150, 0.125, 0.125), main, head, blend=0.05)
    k.ball((0.068, 0.046, 0.05), main, (0, hy - 0.042, hz + 0.105), blend=0.03)
    ears = second if coat == "points" else main
    k.add(
        "cone",
        (0.062, 0.004, 0.065, 0.012),
        ears,
        (0.092, hy + 0.135, hz - 0.005),
        turn=(0, 0, -16),
        mirror=True,
        blend=0.03,
        flat_z=0.6,
    )
    k.ball((0.028, 0.05, 0.012), pink, (0.094, hy + 0.125, hz + 0.030), turn=(-8, 0, -16), mirror=True)
    k.ball((0.018, 0.013, 0.013), pink, (0, hy - 0.022, hz + 0.155))
    add_eyes(k, (0.062, hy + 0.018, hz + 0.103), 0.031, d.pick("eyes", ("green", "yellow", "light blue")))
    if coat == "chest":
        k.paint("ellipsoid", (0.095, 0.09, 0.1), second, (0, hy - 0.07, hz + 0.12))
    if coat == "points":
        k.paint("ellipsoid", (0.10, 0.085, 0.12), second, (0, hy - 0.02, hz + 0.12))
    k.rest()
    if coat == "chest":
        k.paint("ellipsoid", (0.11, 0.22, 0.17), second, (0, neck[1] - 0.10, neck[2] + 0.10))
    if coat in ("chest", "points"):
        k.paint("half_space", (0, 1, 0, 0.12), second)
    extras = [f"wearing a {collar} collar"] if collar else []
    detail = {"chest": f"with a {color2} chest", "points": f"with {color2} face and paws"}.get(coat)
    if detail and color2:
        extras.insert(0, detail)
    return Traits(color, color2, coat_word(coat, color2), "furry", tuple(extras))
