"""Colour of surface points: albedo, key light with shadow, ambient light, highlights and reflections."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from scripts.render.geometry.materials import FINISHES, albedo, noise
from scripts.render.geometry.raymarch import Posed, occlusion, shadow
from scripts.render.scene import Quality, Scene

Array = npt.NDArray[np.float32]


def _environment(scene: Scene, direction: Array) -> Array:
    """Reflected surroundings [3, n] without the key light."""
    place, ambient = scene.place, np.asarray(scene.light.ambient, np.float32)
    y = direction[1]
    t = np.clip(y, 0, 1)[None, :]
    sky = place.horizon[:, None] + (place.zenith - place.horizon)[:, None] * t
    down = place.mean[:, None] * np.float32(0.55)
    mix = np.clip(y * np.float32(6) + np.float32(0.5), 0, 1)[None, :]
    result = (down + (sky - down) * mix) * ambient[:, None] * np.float32(1.6)
    if place.indoor:  # the window that lights the room, as a soft white patch
        key = scene.light.direction
        side = np.float32(1.0 if key[0] >= 0 else -1.0)
        pane = (
            (direction[0] * side > 0.30)
            & (direction[0] * side < 0.72)
            & (y > 0.18)
            & (y < 0.72)
            & (direction[2] > 0.05)
        ).astype(np.float32)
        result = result + pane * np.asarray(scene.light.color, np.float32)[:, None] * np.float32(0.9)
    return np.asarray(result, np.float32)


def shade(
    scene: Scene,
    posed: Sequence[Posed],
    one: Posed,
    p: Array,
    local: Array,
    view: Array,
    soft: float,
    quality: Quality,
) -> Array:
    """Linear radiance [3, n] of surface points."""
    solid, light = one.item.solid, scene.light
    step = max(0.004, 0.6 * soft)
    n_local = solid.normal(local, step)
    material, texture = solid.surface(local)
    color = np.empty_like(local)
    finish = np.zeros((5, local.shape[1]), np.float32)
    glow = np.zeros(local.shape[1], np.float32)
    for index in np.unique(material):
        mask = material == index
        stuff = one.item.materials[index]
        color[:, mask] = albedo(stuff, texture[:, mask], soft)
        finish[:, mask] = np.asarray(FINISHES[stuff.finish], np.float32)[:, None]
        glow[mask] = stuff.glow
    fuzzy = np.flatnonzero(finish[4] > 0.1)
    if fuzzy.size:  # fur and plush: ruffle the normals
        q = texture[:, fuzzy]
        ruffle = np.stack(
            [noise(q[0] * 1.1 + q[2] * 0.8 + s, q[1] * 0.9 - q[2] * 0.5 + s * 0.7) for s in (0.0, 0.31, 0.67)]
        ) - np.float32(0.5)
        bent = n_local[:, fuzzy] + ruffle * np.float32(0.9 * min(1.0, max(0.3, 0.010 / soft)))
        n_local[:, fuzzy] = bent / (np.sqrt((bent * bent).sum(axis=0)) + np.float32(1e-6))
    normal = one.turn @ n_local
    toward = np.asarray(light.direction, np.float32)[:, None]
    wrap = np.float32(0.18) * (finish[4] > 0.1)
    diffuse = np.clip(((normal * toward).sum(axis=0) + wrap) / (1 + wrap), 0, 1)
    lit = np.zeros(local.shape[1], np.float32)
    facing = np.flatnonzero(diffuse > 0.01)
    if facing.size:
        start = p[:, facing] + normal[:, facing] * np.float32(0.02 * one.item.scale)
        lit[facing] = shadow(posed, start, light, quality.shadow_steps)
    occluded = occlusion(one, local, n_local, quality.occlusion)
    key = np.asarray(light.color, np.float32)[:, None]
    ambient = np.asarray(light.ambient, np.float32)[:, None]
    up = np.float32(0.5) + np.float32(0.5) * normal[1]
    bounce = scene.place.mean[:, None] * (ambient * np.float32(0.6) + key * np.float32(0.28))
    indirect = (ambient * up + bounce * (1 - up)) * occluded
    radiance = color * (key * (diffuse * lit) + indirect)
    facing_ratio = np.clip(-(normal * view).sum(axis=0), 0, 1)
    fresnel = (1 - facing_ratio) ** 4
    radiance += (
        color
        * (finish[3] * fresnel * occluded)[None, :]
        * (ambient + key * np.float32(0.5))
        * np.float32(1.6)
    )
    shiny = np.flatnonzero(finish[0] > 0.03)
    if shiny.size:
        v, m, f = view[:, shiny], normal[:, shiny], finish[:, shiny]
        half = toward - v
        half /= np.sqrt((half * half).sum(axis=0)) + np.float32(1e-6)
        spec = np.clip((m * half).sum(axis=0), 0, 1) ** f[1] * f[0] * lit[shiny]
        metal = (f[2] > 0.4).astype(np.float32)
        tint = color[:, shiny] * metal + (1 - metal)
        extra = key * spec * (tint * np.float32(0.6) + np.float32(0.4))
        mirror = v - 2 * (v * m).sum(axis=0) * m
        amount = f[2] + (1 - f[2]) * fresnel[shiny] * np.clip(f[2] * 4, 0, 0.55)
        around = _environment(scene, mirror) * (np.float32(0.35) + np.float32(0.65) * occluded[shiny])
        radiance[:, shiny] = (
            radiance[:, shiny] * (1 - amount * (0.25 + 0.45 * metal))
            + around * tint * amount * (1 + metal)
            + extra
        )
    return np.asarray(radiance + color * glow, np.float32)
