"""What furry animals share: coats with patches, spots or stripes, the words for them, and eyes."""

from __future__ import annotations

import numpy as np

from scripts.render.geometry.kit import Draw, Kit

COATS = ("brown", "golden", "black", "white", "grey", "beige", "orange")


def draw_coat(
    d: Draw, k: Kit, options: tuple[str, ...], colors: tuple[str, ...]
) -> tuple[int, str, str, str]:
    """Main coat material with its pattern: (material, coat kind, color, color2)."""
    coat = d.pick("coat", options)
    color = d.color("color", colors)
    if coat in ("patches", "spots"):
        color2 = d.color(
            "color2",
            [
                c
                for c in (*colors, "white", "black")
                if c != color
                and {c, color}
                not in (
                    {"beige", "white"},
                    {"golden", "orange"},
                    {"golden", "beige"},
                    {"brown", "black"},
                    {"brown", "orange"},
                    {"brown", "golden"},
                    {"grey", "silver"},
                    {"black", "grey"},
                    {"orange", "beige"},
                )
            ],
        )
    elif coat == "tabby":
        color2 = {
            "orange": "brown",
            "grey": "black",
            "brown": "black",
            "beige": "brown",
            "golden": "brown",
            "white": "grey",
        }.get(color, "black")
        color = "grey" if color == "black" else color
    elif coat == "saddle":
        color2 = "black" if color != "black" else "golden"
    elif coat == "plain":
        color2 = ""
    else:
        color2 = "white" if color not in ("white", "beige") else "brown"
    pattern = coat if coat in ("patches", "spots", "tabby") else "plain"
    scale = {
        "patches": d.number("patch scale", 1.9, 2.7),
        "spots": d.number("spot scale", 1.7, 2.4),
        "tabby": d.number("tabby scale", 6.5, 8.5),
    }.get(pattern, 1.0)
    cover = {
        "patches": d.number("patch cover", 0.4, 0.55),
        "spots": d.number("spot cover", 0.35, 0.5),
        "tabby": d.number("tabby cover", 0.55, 0.8),
    }.get(pattern, 0.5)
    main = k.material(
        d.tint("color", color),
        "fur",
        color2=d.tint("color2", color2) if color2 else None,
        pattern=pattern,
        scale=scale,
        cover=cover,
        phase=d.number("coat phase", 0, 20),
        axis=2,
    )
    return main, coat, color, color2


def coat_word(coat: str, color2: str) -> str:
    return (
        {"patches": "patches", "spots": "spots", "tabby": "stripes"}.get(coat, "plain") if color2 else "plain"
    )


def add_eyes(k: Kit, at: tuple[float, float, float], r: float, iris: str | None = None) -> None:
    black = k.material(np.array([0.008, 0.008, 0.01], np.float32), "glossy")
    x, y, z = at
    if iris is not None:
        k.ball(r, k.material(iris, "glossy"), at, mirror=True)
        k.ball((r * 0.5, r * 0.8, r * 0.6), black, (x, y, z + r * 0.55), mirror=True)
    else:
        k.ball(r, black, at, mirror=True)
