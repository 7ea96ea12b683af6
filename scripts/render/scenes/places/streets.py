"""Street, road, square, castle and roof: places that people built, outdoors."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from scripts.render.scenes.kit import plants
from scripts.render.scenes.kit.camera import Camera, Ground, flat_ground, see_ground
from scripts.render.scenes.kit.facades import PLASTER, STONE, bricks, cobbles, houses, tower
from scripts.render.scenes.kit.lawns import Turf, lawn, low_sun
from scripts.render.scenes.kit.noise import Array, Layer, f32, fractal, mix, sample, smooth, streaks
from scripts.render.scenes.kit.optics import disc_blur, focus, over
from scripts.render.scenes.kit.skies import Sky, hazy, sunlit
from scripts.render.scenes.places.fields import finish, tree_row
from scripts.render.scenes.places.woods import snowfall


def lamps(
    size: int, rng: plants.Random, count: int, band: tuple[float, float], strength: float, radius: float
) -> Array:
    """Points of light of many colors between two heights of the picture; to be added after a blur."""
    image = np.zeros((size, size, 3), np.float32)
    tones = f32(
        [
            [1.0, 0.55, 0.18],
            [1.0, 0.72, 0.35],
            [1.0, 0.85, 0.65],
            [0.6, 0.75, 1.0],
            [1.0, 0.25, 0.12],
            [0.4, 1, 0.6],
        ]
    )
    for _ in range(count):
        x, y = rng.uniform(0, size), size * (band[1] - (band[1] - band[0]) * rng.uniform() ** 1.7)
        tone = tones[min(int(rng.exponential(1.3)), 5)] * strength * float(rng.uniform(0.15, 1) ** 2)
        cv2.circle(image, (int(x), int(y)), max(1, round(size * radius)), [float(c) for c in tone], -1)
    return image


def mirrored(picture: Array, camera: Camera, ground: Ground, rough: float) -> Array:
    """What wet ground mirrors: the picture turned over at the horizon, shaken by the slopes and drawn out downwards."""
    size = picture.shape[0]
    u, v = camera.pixels(size)
    x = (u + 0.25 * rough * ground.slope_x) * size - 0.5
    y = (2 * camera.horizon - v + rough * ground.slope_z) * size - 0.5
    smeared = cv2.GaussianBlur(picture, (0, 0), sigmaX=size / 220, sigmaY=size / 45)
    return f32(
        cv2.remap(
            smeared, f32(x), f32(np.clip(y, 0, size - 1)), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
        )
    )


@dataclass(frozen=True)
class Street:
    """A street between houses: half widths, part of lit windows, lamps, wetness 0..1, snow 0..1."""

    left: float = 4.6
    right: float = 5.0
    lit: float = 0.0
    lamps: bool = False
    wet: float = 0.0
    snow: float = 0.0
    seed: int = 0


def _street_ground(camera: Camera, size: int, sky: Sky, street: Street, shade: float) -> tuple[Array, Ground]:
    relief, owner = cobbles(921)
    layers = [Layer(relief, 1.9, 0.020, 0.06, fine=0.05), Layer(fractal(922, 2, 1, 20), 11, 0.03, 0.2)]
    if street.snow:
        layers = [
            Layer(relief, 1.9, 0.008, 0.06, fine=0.05),
            Layer(fractal(923, 1.9, 2, 60), 5, 0.030, 0.2),
            Layer(fractal(924, 1.0, 30, 300), 1.2, 0.0012, 0.2, fine=0.012),
        ]
    ground = see_ground(camera, size, layers, far=400)
    toward = low_sun(sky, 0.35)
    light = sunlit(
        ground.normals(), toward, f32(sky.sun_color) * shade, sky.ambient(), ground.shadow(toward, 0.3, 8, 6)
    )
    coordinates = layers[0].coordinates(ground.x, ground.z)
    stone = f32([0.20, 0.185, 0.17]) * (0.65 + 0.7 * sample(owner, *coordinates))[..., None]
    gaps = smooth(0.05, 0.5, sample(relief, *coordinates))
    stone = stone * (0.35 + 0.65 * gaps)[..., None] * (1 - 0.45 * street.wet)
    patch = sample(fractal(925, 1.5, 2, 200), ground.x / 8, ground.z / 8)
    stone = stone * (1 + 0.12 * patch[..., None])
    if street.snow:
        trodden = smooth(-0.4, 2.2, patch + 1.0 * np.exp(-((ground.x / 1.5) ** 2)))
        stone = mix(f32([0.72, 0.74, 0.77]), f32(stone * 0.6 + 0.26), f32(trodden * 0.9))
    return f32(stone * light), ground


def street(size: int, sky: Sky, kind: Street) -> Array:
    """Cobbles between two rows of houses to a vanishing point."""
    camera = Camera(1.05, 0.43)
    color, ground = _street_ground(camera, size, sky, kind, 0.8)
    u, v = camera.pixels(size)
    across = (u - 0.5) / camera.focal
    z = np.where(across < 0, -kind.left / np.minimum(across, -1e-4), kind.right / np.maximum(across, 1e-4))
    end = 75.0
    bend = np.minimum(z, end)
    up = camera.eye + (camera.horizon - v) / camera.focal * bend
    along = np.where(z >= end, across * end + 3, bend + np.where(across < 0, 0, 40))
    wall = houses(f32(along), f32(up), 931 + kind.seed, kind.lit, PLASTER, 10.0)
    sun = f32(sky.sun_color)
    facing = np.where(z >= end, 0.5, np.where(across < 0, 0.12, 0.55))
    ambient = sky.ambient() * f32(0.55 + 0.35 * np.clip(up / 10, 0, 1))[..., None]
    lit_wall = wall.albedo * (ambient + sun * f32(facing * 0.8 * smooth(0.5, 6, f32(up)))[..., None])
    mirror = sky.radiance(f32([[0.3, 0.5, 0.5]]), clouds=False)[0]
    lit_wall = mix(
        f32(lit_wall),
        f32(lit_wall * 0.5 + mirror.mean() * 0.12 + mirror * 0.10),
        f32(wall.glass * (0.3 + 0.5 * facing)),
    )
    lit_wall = lit_wall + wall.emission * 2.2
    if kind.lamps:
        near = np.exp(-(((bend % 12) - 6) ** 2) / 9) * np.exp(-(((up - 3.0) / 2.6) ** 2))
        lit_wall = lit_wall + wall.albedo * near[..., None] * f32([1.3, 0.72, 0.28])
    base = smooth(0.0, 0.9, f32(up))
    lit_wall = f32(lit_wall * (0.55 + 0.45 * base)[..., None])
    if kind.snow:
        lit_wall = mix(
            lit_wall,
            sky.ambient() * 0.85,
            f32(smooth(0.35, 0.15, f32(up)) + smooth(0.35, 0.1, np.abs(up - wall.top))),
        )
    haze = sky.radiance(f32([[0.1, 0.03, 1.0]]), clouds=False)[0]
    haze = f32(0.5 * haze + 0.5 * haze.mean())
    lit_wall = hazy(f32(lit_wall), f32(bend), haze, 190)
    far = mix(lit_wall, sky.radiance(camera.rays(size)), smooth(-0.02, 0.02, f32(up - wall.top)))
    onto = (up > 0).astype(np.float32)
    if kind.lamps:
        pools = np.exp(-(((ground.z % 12) - 6) ** 2) / 14) * (
            0.25 + np.exp(-((np.abs(ground.x) - 4) ** 2) / 6)
        )
        color = f32(
            color + color / np.maximum(sky.ambient(), 0.02) * pools[..., None] * f32([0.75, 0.40, 0.15])
        )
        far = _street_lamps(f32(far), camera, kind, end)
    picture = mix(color, f32(far), onto)
    depth = np.where(onto > 0.5, bend, ground.z)
    if kind.wet:
        glossy = mirrored(picture, camera, ground, 0.10)
        view = camera.rays(size)
        fresnel = (0.05 + 0.95 * (1 - np.abs(view[..., 1])) ** 5) * kind.wet
        picture = mix(picture, f32(picture + glossy), f32(fresnel * (1 - onto)))
    picture = focus(picture, f32(depth), 3.2, 7.5)
    if kind.snow:
        picture = snowfall(picture, np.random.default_rng(932 + kind.seed), f32(sky.ambient() * 0.95), 420)
    return picture


def _street_lamps(picture: Array, camera: Camera, kind: Street, end: float) -> Array:
    size = picture.shape[0]
    for z in np.arange(end // 12 * 12 - 6, 5, -12):
        for x in (-kind.left + 0.8, kind.right - 0.8):
            px, py = camera.project(x, 3.6, float(z), size)
            radius = max(1, round(0.16 * camera.focal / z * size))
            foot = camera.project(x, 0, float(z), size)
            cv2.line(
                picture,
                (int(px), int(py)),
                (int(foot[0]), int(foot[1])),
                [0.012, 0.012, 0.014],
                max(1, radius // 2),
            )
            cv2.circle(picture, (int(px), int(py)), radius, [26.0, 14.5, 5.6], -1)
    return picture


def road(size: int, sky: Sky, seed: int = 0) -> Array:
    """A country road with a broken line between grass, hills ahead."""
    camera = Camera(1.1, 0.44)
    far = sky.radiance(camera.rays(size))
    u, v = camera.pixels(size)
    haze = sky.radiance(f32([[0.1, 0.03, 1.0]]), clouds=False)[0]
    for k, (tall, clear) in enumerate(((0.20, 0.25), (0.12, 0.45), (0.05, 0.7))):
        ridge = plants.hills(size, 941 + k + seed, camera.horizon + 0.012, tall)
        tone = sample(fractal(945, 1.2, 8, 300), u * 1.2 + 0.3 * k, v * 3)
        hill = (
            f32([0.09, 0.12, 0.05]) * (1 + 0.3 * tone[..., None]) * (sky.ambient() + f32(sky.sun_color) * 0.4)
        )
        far = mix(
            far,
            mix(f32(hill), haze, f32(np.full_like(v, 1 - clear))),
            smooth(0, 2 / size, f32(v - ridge[None])),
        )
    trees = tree_row(size, 946 + seed, camera.horizon + 0.010, 0.13, sky, 20, gap=0.75, leaves=300)
    far = over(disc_blur(far, 2.5 * size / 768), trees, 3.2)
    turf = Turf(
        (0.10, 0.17, 0.03), (0.34, 0.31, 0.12), 0.5, (0.05, 0.20), 90_000, where=lambda x, z: np.abs(x) > 2.65
    )
    color, depth, cover = lawn(camera, size, sky, turf, 947 + seed)
    layers = [
        Layer(fractal(948, 0.5, 60, 500), 0.7, 0.0022, 0.1, fine=0.006),
        Layer(fractal(949, 1.8, 2, 40), 6, 0.01, 0.2),
    ]
    ground = flat_ground(camera, size, layers)
    light = sunlit(ground.normals(), low_sun(sky, 0.3), f32(sky.sun_color), sky.ambient())
    patch = sample(fractal(950, 1.4, 2, 300), ground.x / 9, ground.z / 9)
    grit = sample(fractal(951, 0.2, 80, 500), ground.x * 1.4, ground.z * 1.4) / (1 + ground.footprint * 90)
    asphalt = f32([0.115, 0.113, 0.112]) * (1 + 0.10 * patch + 0.22 * grit)[..., None]
    worn = np.exp(-(((np.abs(ground.x) - 1.15) / 0.4) ** 2))
    asphalt = asphalt * (1 + 0.12 * worn[..., None])
    line = smooth(0.075, 0.06, np.abs(ground.x)) * ((ground.z % 6.0) < 3.0)
    edge = smooth(0.06, 0.045, np.abs(np.abs(ground.x) - 2.2))
    paint = np.maximum(line, edge) * smooth(-1.6, 0.2, patch + 0.6 * grit + 0.5)
    asphalt = mix(f32(asphalt), f32([0.62, 0.61, 0.57]), f32(paint * 0.85))
    on_road = smooth(2.50, 2.42, np.abs(ground.x) + 0.03 * patch) * ground.seen
    color = mix(color, f32(asphalt * light), on_road)
    depth = np.where(on_road > 0.5, np.minimum(ground.z, 70), depth)
    return finish(far, (color, f32(depth), np.maximum(cover, on_road)), 3.2, 4.0)


def _slabs(camera: Camera, size: int, sky: Sky, tone: Array, wide: float) -> tuple[Array, Ground]:
    layers = [
        Layer(fractal(961, 0.8, 20, 400), 1.6, 0.0016, 0.1, fine=0.01),
        Layer(fractal(962, 1.9, 2, 40), 5, 0.008, 0.2),
    ]
    ground = flat_ground(camera, size, layers)
    light = sunlit(ground.normals(), low_sun(sky, 0.3), f32(sky.sun_color), sky.ambient())
    albedo = bricks(
        ground.x * 0.97 + ground.z * 0.24, ground.z * 0.97 - ground.x * 0.24, tone, wide * 1.5, wide, 0.012
    )
    mean = albedo.mean((0, 1))
    albedo = f32(mean + 0.8 * (albedo - mean))
    albedo = mix(albedo, mean, smooth(0.01, 0.08, ground.footprint))
    return f32(albedo * light), ground


def square(size: int, sky: Sky, seed: int = 0, evening: bool = False) -> Array:
    """A paved square in the manner of Paris: pale houses, trees, an iron tower."""
    camera = Camera(1.05, 0.44)
    rng = np.random.default_rng(970 + seed)
    far = sky.radiance(camera.rays(size))
    haze = sky.radiance(f32([[0.1, 0.03, 1.0]]), clouds=False)[0]
    iron = f32([0.10, 0.075, 0.055]) * (sky.ambient() + f32(sky.sun_color) * 0.3) * 0.75 + haze * (
        0.06 if evening else 0.22
    )
    if evening:
        iron = iron + f32([1.0, 0.52, 0.14]) * 0.55
    far = over(far, tower(size, (0.335, camera.horizon + 0.005), 0.385, f32(iron)), 1.6)
    u, v = camera.pixels(size)
    z = 52.0
    x, up = (u - 0.5) / camera.focal * z, camera.eye + (camera.horizon - v) / camera.focal * z
    away = np.abs(u - 0.335)
    wall = houses(f32(x + 60), f32(up), 971, 0.45 if evening else 0.0, STONE, 9.5, 0.0)
    lit = wall.albedo * (sky.ambient() * 0.8 + f32(sky.sun_color) * 0.45) + wall.emission * 1.8
    roof = mix(
        f32(lit),
        f32(f32([0.10, 0.115, 0.14]) * (sky.ambient() + f32(sky.sun_color) * 0.3)),
        smooth(-0.1, 0.1, f32(up - wall.top)),
    )
    roof = hazy(roof, f32(np.full_like(u, z)), haze, 260)
    there = smooth(0.15, -0.1, f32(up - wall.top - 2.2)) * smooth(0.125, 0.128, f32(away))
    far = mix(disc_blur(far, 2.5 * size / 768), roof, f32(there))
    trees = tree_row(size, 972 + seed, camera.horizon + 0.022, 0.15, sky, 15, gap=0.55, leaves=420)
    far = over(disc_blur(far, 5.0 * size / 768), trees, 6.5)
    if evening:
        lights = lamps(size, rng, 60, (camera.horizon - 0.09, camera.horizon + 0.02), 30, 0.0016)
        far = far + disc_blur(lights, 8 * size / 768)
    color, ground = _slabs(camera, size, sky, f32([0.36, 0.335, 0.30]), 0.30)
    if evening:
        glossy = mirrored(f32(far), camera, ground, 0.3)
        color = color + 0.30 * glossy * f32((1 - np.abs(camera.rays(size)[..., 1])) ** 6)[..., None]
        color = color + f32([0.20, 0.115, 0.05]) * 0.5
    return finish(f32(far), (f32(color), np.minimum(ground.z, 90), ground.seen), 3.2, 5.5)


def castle(size: int, sky: Sky, seed: int = 0) -> Array:
    """A courtyard of cobbles before a wall with battlements, a gate and a round tower."""
    camera = Camera(1.05, 0.45)
    u, v = camera.pixels(size)
    z = 19.0
    x, up = f32((u - 0.5) / camera.focal * z), f32(camera.eye + (camera.horizon - v) / camera.focal * z)
    tone = f32([0.40, 0.35, 0.27])
    sun, ambient = f32(sky.sun_color), sky.ambient()
    far = sky.radiance(camera.rays(size))
    body = bricks(x, up, tone, 0.62, 0.30, 0.022)
    moss = smooth(0.4, 1.6, sample(fractal(981, 1.5, 2, 200), x / 6, up / 9) + 0.9 * smooth(1.4, 0, up))
    body = mix(body, f32([0.13, 0.14, 0.07]), f32(moss * 0.55))
    gate = smooth(0.03, -0.03, np.where(up < 2.6, np.abs(x + 2.6) - 1.25, np.hypot(x + 2.6, up - 2.6) - 1.25))
    rim = smooth(0.03, -0.03, np.where(up < 2.6, np.abs(x + 2.6) - 1.65, np.hypot(x + 2.6, up - 2.6) - 1.65))
    body = mix(body, f32(body * 1.25), f32(rim))
    slot = smooth(0.02, -0.02, np.maximum(np.abs(x - 1.4) - 0.14, np.abs(up - 3.4) - 0.75))
    lit = body * (ambient * 0.75 + sun * 0.50) * (0.72 + 0.28 * smooth(0, 1.5, up))[..., None]
    doors = f32([0.085, 0.05, 0.028]) * (0.7 + 0.3 * np.abs(np.sin(x * 9)))[..., None] * ambient
    lit = mix(f32(lit), f32(doors), gate)
    lit = mix(lit, f32(ambient * 0.02), slot)
    teeth = 5.4 + 0.62 * ((x % 1.5) < 0.85)
    lit = f32(lit * (1 - 0.4 * smooth(0.28, 0.0, np.abs(up - 4.75)))[..., None])
    far = mix(far, lit, smooth(0.03, -0.03, f32(up - teeth)))
    across = (x - 4.3) / 1.9
    round_light = f32(np.clip(0.25 - 0.75 * across, 0.0, 1) * 0.75)
    tower_x = f32(np.arcsin(np.clip(across, -1, 1)) * 1.9)
    tower_body = bricks(tower_x, up, tone, 0.55, 0.28, 0.02)
    tower_lit = tower_body * (ambient * f32(0.75 - 0.15 * across)[..., None] + sun * round_light[..., None])
    crown = 7.1 + 0.55 * ((tower_x % 1.1) < 0.62)
    shape = smooth(1.0, 0.985, np.abs(across)) * smooth(0.03, -0.03, f32(up - crown))
    far = mix(far, f32(tower_lit), f32(shape))
    relief, owner = cobbles(982, 12)
    layers = [Layer(relief, 2.6, 0.022, 0.12, fine=0.06), Layer(fractal(983, 2, 1, 20), 9, 0.03, 0.2)]
    ground = see_ground(camera, size, layers, far=z)
    toward = low_sun(sky, 0.35)
    light = sunlit(ground.normals(), toward, sun, ambient, ground.shadow(toward, 0.4, 8, 6))
    coordinates = layers[0].coordinates(ground.x, ground.z)
    stone = f32([0.27, 0.24, 0.19]) * (0.6 + 0.8 * sample(owner, *coordinates))[..., None]
    gaps = smooth(0.05, 0.5, sample(relief, *coordinates))
    stone = mix(f32([0.07, 0.085, 0.03]), f32(stone), f32(0.15 + 0.85 * gaps))
    ground_color = f32(stone * light) * (1 - 0.35 * smooth(1.6, 0, f32(z - ground.z)))[..., None]
    onto = (up > 0).astype(np.float32)
    picture = mix(f32(ground_color), far, onto)
    return focus(picture, f32(np.where(onto > 0.5, z, np.minimum(ground.z, z))), 3.2, 5.5)


def rooftop(size: int, sky: Sky, seed: int = 0) -> Array:
    """A roof of planks with a parapet, a city's lights out of focus behind."""
    camera = Camera(1.1, 0.43)
    rng = np.random.default_rng(990 + seed)
    u, v = camera.pixels(size)
    far = sky.radiance(camera.rays(size))
    for k in range(3):
        blocks = np.zeros(size, np.float32)
        at = 0
        while at < size:
            wide = int(size * rng.uniform(0.04, 0.12))
            blocks[at : at + wide] = rng.uniform(0.02, 0.26 - 0.06 * k)
            at += wide
        there = smooth(0, 2 / size, f32(v - (camera.horizon + 0.02 - blocks)[None]))
        tone = f32([0.012, 0.014, 0.026]) * (2.2 - 0.7 * k)
        windows = ((u * 150) % 1 < 0.5) * ((v * 110) % 1 < 0.5)
        chance = (np.sin(np.floor(u * 150) * 12.9 + np.floor(v * 110) * 78.2 + k) * 43758.5) % 1
        glow = (windows * (chance < 0.16))[..., None] * f32([1.0, 0.62, 0.28]) * 1.6
        far = mix(far, f32(tone + glow), there)
    far = disc_blur(f32(far), 7 * size / 768)
    far = far + disc_blur(lamps(size, rng, 190, (0.22, 0.47), 60, 0.0016), 13 * size / 768)
    far = far + disc_blur(lamps(size, rng, 45, (0.16, 0.46), 90, 0.0018), 17 * size / 768)
    z = 6.5
    up = camera.eye + (camera.horizon - v) / camera.focal * z
    rough = sample(fractal(991, 1.3, 3, 300), f32((u - 0.5) * 2), f32(up / 3))
    concrete = f32([0.30, 0.29, 0.28]) * (1 + 0.15 * rough[..., None])
    glow = f32([0.10, 0.075, 0.06]) + f32([0.30, 0.18, 0.08]) * np.exp(-(((u - 0.12) / 0.22) ** 2))[..., None]
    wall = np.concatenate([concrete * glow, smooth(0.80, 0.78, f32(up))[..., None]], -1)
    wall[..., :3] *= (1 + 1.2 * smooth(0.72, 0.76, f32(up)))[..., None]
    picture = over(f32(far), f32(wall), 3.0)
    ground = flat_ground(camera, size, [Layer(fractal(992, 1, 10, 300), 1.2, 0.0012, 0, fine=0.01)])
    plank = ground.x / 0.14
    number, inside = np.floor(plank), plank - np.floor(plank)
    grain = sample(
        streaks(993, 3, 140), f32(ground.x / 0.9 + number * 0.37), f32(ground.z / 3.5 + number * 0.71)
    )
    wood = (
        f32([0.20, 0.13, 0.085])
        * (0.75 + 0.4 * ((np.sin(number * 91.7) * 4375.5) % 1) + 0.14 * grain)[..., None]
    )
    wood = wood * (0.15 + 0.85 * smooth(0.0, 0.05, np.minimum(inside, 1 - inside)))[..., None]
    pool = (
        f32([0.10, 0.085, 0.085])
        + f32([0.62, 0.37, 0.17]) * np.exp(-((ground.x + 1.4) ** 2 + (ground.z - 4.2) ** 2) / 7)[..., None]
    )
    color = (
        wood * pool * 1.3
        + 0.25
        * mirrored(picture, camera, ground, 0.4)
        * f32((1 - np.abs(camera.rays(size)[..., 1])) ** 7)[..., None]
    )
    return finish(picture, (f32(color), np.minimum(ground.z, z), f32(up < 0)), 3.2, 4.0)
