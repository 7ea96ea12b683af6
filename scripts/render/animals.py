"""Dogs, cats, birds and other animals with distinctive coats, as parametric solids.

Animals look along +z; knows shapes and coats only.
"""

from __future__ import annotations

import numpy as np

from .kit import Draw, Kit, Pose, Traits

COATS = ("brown", "golden", "black", "white", "grey", "beige", "orange")


def _coat(d: Draw, k: Kit, options: tuple[str, ...], colors: tuple[str, ...], light: str = "white") -> tuple[int, str, str, str]:
    """Main coat material with its pattern: (material, coat kind, color, color2)."""
    coat = d.pick("coat", options)
    color = d.color("color", colors)
    if coat in ("patches", "spots"):
        color2 = d.color("color2", [c for c in (*colors, "white", "black") if c != color and {c, color} not in (
            {"beige", "white"}, {"golden", "orange"}, {"golden", "beige"}, {"brown", "black"}, {"brown", "orange"},
            {"brown", "golden"}, {"grey", "silver"}, {"black", "grey"}, {"orange", "beige"})])
    elif coat == "tabby":
        color2 = {"orange": "brown", "grey": "black", "brown": "black", "beige": "brown", "golden": "brown",
                  "white": "grey"}.get(color, "black")
        color = "grey" if color == "black" else color
    elif coat == "saddle":
        color2 = "black" if color != "black" else "golden"
    elif coat == "plain":
        color2 = ""
    else:
        color2 = light if color not in ("white", "beige") else "brown"
    pattern = coat if coat in ("patches", "spots", "tabby") else "plain"
    scale = {"patches": d.number("patch scale", 1.9, 2.7), "spots": d.number("spot scale", 1.7, 2.4),
             "tabby": d.number("tabby scale", 6.5, 8.5)}.get(pattern, 1.0)
    cover = {"patches": d.number("patch cover", 0.4, 0.55), "spots": d.number("spot cover", 0.35, 0.5),
             "tabby": d.number("tabby cover", 0.55, 0.8)}.get(pattern, 0.5)
    main = k.material(d.tint("color", color), "fur", color2=d.tint("color2", color2) if color2 else None,
                      pattern=pattern, scale=scale, cover=cover, phase=d.number("coat phase", 0, 20), axis=2)
    return main, coat, color, color2


def _words(coat: str, color2: str) -> str:
    return {"patches": "patches", "spots": "spots", "tabby": "stripes"}.get(coat, "plain") if color2 else "plain"


def _eyes(k: Kit, at: tuple[float, float, float], r: float, iris: str | None = None) -> None:
    black = k.material(np.array([0.008, 0.008, 0.01], np.float32), "glossy")
    x, y, z = at
    if iris is not None:
        k.ball(r, k.material(iris, "glossy"), at, mirror=True)
        k.ball((r * 0.5, r * 0.8, r * 0.6), black, (x, y, z + r * 0.55), mirror=True)
    else:
        k.ball(r, black, at, mirror=True)


def dog(d: Draw, pose: Pose, k: Kit) -> Traits:
    """A dog: snout, drop or prick ears, wagging tail, perhaps a collar."""
    main, coat, color, color2 = _coat(
        d, k, ("plain", "patches", "patches", "spots", "saddle", "chest", "chest", "socks"), COATS)
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
        k.limb((0.10, hip + 0.02, -0.30), (0.11, hip * 0.55, -0.36), 0.115 * size, 0.06, main, mirror=True, blend=0.05)
        k.limb((0.11, hip * 0.55, -0.37), (0.11, 0.05, -0.30 - swing), 0.058, 0.045, main, mirror=True, blend=0.03)
        k.ball((0.055, 0.042, 0.075), main, (0.11, 0.042, -0.27 - swing), mirror=True, blend=0.03)
        wag = 0.12 + 0.1 * np.sin(np.radians(pose.limb * 4))
        tail = ((0.0, hip + 0.12, -0.42), (wag * 0.5, hip + 0.24, -0.56), (wag, hip + 0.40, -0.60))
    k.add("tube", (tail, 0.055, 0.03), main, blend=0.06)
    nx, ny, nz = neck_base
    head = (0.0, ny + 0.24, nz + 0.12)
    k.limb(neck_base, (0, head[1] - 0.04, head[2] - 0.03), r * 0.85, 0.115, main, blend=0.08)
    collar = d.color("collar color", ("red", "blue", "green", "yellow", "pink", "purple")) if d.chance("collar", 0.5) else ""
    if collar:
        middle = (0.0, ny + 0.115, nz + 0.045)
        k.add("torus", (0.118 + 0.02 * size, 0.030), k.material(d.tint("collar", collar), "matte"), middle, turn=(66, 0, 0))
        k.ball(0.036, k.material("golden", "metal"), (0.0, middle[1] - 0.075, middle[2] + 0.145))
    hx, hy, hz = head
    k.joint((0.0, hy - 0.08, hz - 0.04), x=pose.head_tilt, y=pose.head_turn)
    k.ball((0.15, 0.142, 0.15), main, head, blend=0.06)
    k.limb((0, hy - 0.035, hz + 0.08), (0, hy - 0.055, hz + 0.10 + 0.13 * snout), 0.088, 0.066, main, blend=0.05)
    if floppy:
        k.limb((0.125, hy + 0.07, hz - 0.01), (0.185, hy - 0.14 * ear, hz + 0.03), 0.045, 0.062, main, mirror=True, blend=0.02,
               flat_z=1.0)
    else:
        k.limb((0.09, hy + 0.10, hz - 0.01), (0.125, hy + 0.10 + 0.14 * ear, hz - 0.02), 0.065, 0.014, main, mirror=True, blend=0.03)
    k.ball((0.034, 0.027, 0.028), nose, (0, hy - 0.025, hz + 0.155 + 0.13 * snout))
    _eyes(k, (0.062, hy + 0.035, hz + 0.128), 0.027)
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
    detail = {"chest": f"with a {color2} chest", "saddle": f"with a {color2} back", "socks": f"with {color2} paws"}.get(coat)
    if detail and color2:
        extras.insert(0, detail)
    return Traits(color, color2, _words(coat, color2), "furry", tuple(extras))


def cat(d: Draw, pose: Pose, k: Kit) -> Traits:
    """A cat: round head, pricked ears, whiskers, a long curved tail."""
    main, coat, color, color2 = _coat(
        d, k, ("plain", "patches", "tabby", "tabby", "chest", "chest", "points"), ("orange", "black", "white", "grey", "beige", "brown"))
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
    collar = d.color("collar color", ("red", "blue", "green", "yellow", "pink", "purple")) if d.chance("collar", 0.3) else ""
    hx, hy, hz = head
    if collar:
        k.add("torus", (0.108, 0.024), k.material(d.tint("collar", collar), "matte"), (0, hy - 0.105, hz - 0.01), turn=(74, 0, 0))
        k.ball(0.028, k.material("golden", "metal"), (0, hy - 0.145, hz + 0.105))
    k.joint((0.0, hy - 0.06, hz - 0.03), x=pose.head_tilt, y=pose.head_turn)
    k.ball((0.150, 0.125, 0.125), main, head, blend=0.05)
    k.ball((0.068, 0.046, 0.05), main, (0, hy - 0.042, hz + 0.105), blend=0.03)
    ears = second if coat == "points" else main
    k.add("cone", (0.062, 0.004, 0.065, 0.012), ears, (0.092, hy + 0.135, hz - 0.005), turn=(0, 0, -16), mirror=True, blend=0.03,
          flat_z=0.6)
    k.ball((0.028, 0.05, 0.012), pink, (0.094, hy + 0.125, hz + 0.030), turn=(-8, 0, -16), mirror=True)
    k.ball((0.018, 0.013, 0.013), pink, (0, hy - 0.022, hz + 0.155))
    _eyes(k, (0.062, hy + 0.018, hz + 0.103), 0.031, d.pick("eyes", ("green", "yellow", "light blue")))
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
    return Traits(color, color2, _words(coat, color2), "furry", tuple(extras))


def bird(d: Draw, pose: Pose, k: Kit) -> Traits:
    """A perching bird: beak, folded wings, tail, coloured breast."""
    color = d.color("color", ("red", "blue", "yellow", "green", "brown", "black", "white", "grey", "light blue", "orange", "teal"))
    color2 = d.color("color2", ("red", "yellow", "white", "orange", "black", "blue", "beige"), unlike=(color,))
    main = k.material(d.tint("color", color), "fur")
    breast = k.material(d.tint("color2", color2), "fur")
    wing_color = d.color("wing color", (color, color, "black", "brown", "blue", "grey"))
    wing = k.material(d.tint("wing", wing_color) * np.float32(0.72), "fur", color2=d.tint("color2", color2), scale=9.0, axis=1,
                      pattern=d.pick("wing pattern", ("plain", "stripes")), cover=0.22)
    beak = k.material(d.pick("beak", ("orange", "yellow", "black")), "rubber")
    fat, bill, long_tail = d.number("fat", 0.85, 1.2), d.number("bill", 0.7, 1.6), d.number("tail", 0.7, 1.3)
    k.limb((0, 0.38, -0.10), (0, 0.47, 0.10), 0.175 * fat, 0.165 * fat, main)
    k.limb((0, 0.55, 0.12), (0, 0.70, 0.16), 0.12, 0.115, main, blend=0.09)
    k.add("box", (0.07, 0.018, 0.2 * long_tail, 0.018), wing, (0, 0.31, -0.26 - 0.16 * long_tail), turn=(-22, 0, 0), blend=0.05)
    k.ball((0.05, 0.14, 0.26), wing, (0.155 * fat, 0.43, -0.08), turn=(-24, 8, 0), mirror=True, blend=0.01)
    k.joint((0, 0.64, 0.14), x=pose.head_tilt, y=pose.head_turn * 1.2)
    k.ball((0.128, 0.125, 0.13), main, (0, 0.735, 0.17), blend=0.06)
    k.limb((0, 0.725, 0.27), (0, 0.705, 0.30 + 0.10 * bill), 0.045, 0.010, beak)
    _eyes(k, (0.088, 0.765, 0.245), 0.026)
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
    color2 = d.color("color2", ("white", "black", "yellow", "blue"), unlike=(color,)) if pattern != "plain" else ""
    main = k.material(d.tint("color", color), "glossy", color2=d.tint("color2", color2) if color2 else None, pattern=pattern,
                      axis=2, scale=3.6 if pattern == "stripes" else 2.2, cover=0.42, phase=d.number("phase", 0, 1))
    fin = k.material(d.tint("color", color) * np.float32(0.7), "rubber")
    deep, long = d.number("deep", 0.85, 1.2), d.number("long", 0.9, 1.2)
    k.ball((0.15, 0.26 * deep, 0.42 * long), main, (0, 0.40, 0.03))
    z = 0.36 * long
    k.add("prism", (((0.0, 0.0), (-0.26, 0.24), (-0.18, 0.0), (-0.26, -0.24)), 0.02, 0.02), fin, (0, 0.40, -z), turn=(0, -90, 0),
          blend=0.06)
    k.add("prism", (((0.22, 0.0), (-0.05, 0.20), (-0.24, 0.16), (-0.22, 0.0)), 0.015, 0.015), fin, (0, 0.58 * deep + 0.03, 0.0),
          turn=(0, -90, 0), blend=0.03)
    k.add("prism", (((0.10, 0.1), (0.0, -0.22), (-0.16, -0.22), (-0.12, 0.1)), 0.03, 0.015), fin, (0, 0.235, 0.02),
          turn=(0, -90, 0), blend=0.03)
    k.ball((0.03, 0.07, 0.11), fin, (0.155, 0.36, 0.04), turn=(0, 24, 0), mirror=True)
    white = k.material("white", "glossy")
    k.ball(0.055, white, (0.095, 0.47, 0.03 + 0.27 * long), mirror=True)
    k.ball(0.032, k.material("black", "glossy"), (0.128, 0.475, 0.05 + 0.275 * long), mirror=True)
    return Traits(color, color2, pattern, "shiny")


def rabbit(d: Draw, pose: Pose, k: Kit) -> Traits:
    """A sitting rabbit with long ears and a white tail."""
    main, coat, color, color2 = _coat(d, k, ("plain", "patches", "chest"), ("brown", "white", "grey", "beige", "black"))
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
    k.limb((0.055, 0.60, 0.12), (0.095, 0.62 + 0.30 * ear, 0.05), 0.042, 0.042, main, mirror=True, blend=0.03, flat_z=0.8)
    k.limb((0.062, 0.66, 0.145), (0.094, 0.60 + 0.28 * ear, 0.085), 0.02, 0.022, pink, mirror=True)
    k.ball((0.02, 0.015, 0.014), pink, (0, 0.495, 0.315))
    _eyes(k, (0.098, 0.535, 0.245), 0.027)
    k.rest()
    if coat == "chest":
        k.paint("ellipsoid", (0.12, 0.2, 0.16), second, (0, 0.30, 0.22))
    extras = (f"with a {color2} chest",) if coat == "chest" else ()
    return Traits(color, color2, _words(coat, color2), "furry", extras)


def horse(d: Draw, pose: Pose, k: Kit) -> Traits:
    """A horse with mane and tail."""
    main, coat, color, color2 = _coat(d, k, ("plain", "patches", "socks"), ("brown", "black", "white", "grey", "beige", "golden"))
    second = k.material(d.tint("color2", color2), "fur") if color2 else main
    mane = k.material(d.tint("mane", d.color("mane color", ("black", "brown", "white", "beige"), unlike=(color,))), "fur")
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
    _eyes(k, (0.078, 0.985, 0.52), 0.022)
    if coat == "socks":
        k.paint("half_space", (0, 1, 0, 0.27), second)
        k.paint("ellipsoid", (0.03, 0.12, 0.2), second, (0, 0.98, 0.60))
    return Traits(color, color2, _words(coat, color2), "furry", (f"with {color2} legs",) if coat == "socks" and color2 else ())
