"""Snow, mountains, desert and the moon: bare ground far from people."""

from __future__ import annotations

import cv2
import numpy as np

from scripts.render.scenes.kit import plants
from scripts.render.scenes.kit.camera import Camera, see_ground
from scripts.render.scenes.kit.lawns import Turf, lawn, low_sun
from scripts.render.scenes.kit.noise import Array, Layer, f32, fractal, mix, ridged, ripples, sample, smooth
from scripts.render.scenes.kit.optics import focus, over
from scripts.render.scenes.kit.skies import Sky, hazy, sunlit


def fir_row(
    size: int,
    seed: int,
    base: float,
    tall: float,
    dark: Array,
    light: Array,
    snow: float,
    gap: float,
    frost: Array | None = None,
) -> Array:
    """A row of firs with a wood behind it; the middle is lower by `gap`."""
    rng = np.random.default_rng(seed)
    image = plants.canvas(size)
    for depth in range(3):
        count = 40 - 8 * depth
        x = np.sort(rng.uniform(-0.05, 1.05, count))
        for at in rng.permutation(x):
            side = min(1.0, abs(at - 0.5) * 2.2)
            scale = (1 - gap + gap * side**1.3) * rng.uniform(0.55, 1.0) * (0.7 + 0.15 * depth)
            fade = f32(0.75 + 0.12 * depth)
            base_y = (base + 0.006 * depth) * size
            plants.conifer(
                image, rng, (at * size, base_y), tall * size * scale, dark * fade, light * fade, snow, frost
            )
    return image


def snow_field(size: int, sky: Sky, seed: int = 0) -> Array:
    """Drifts with blue shadows, snowy firs far behind, a hill."""
    camera = Camera(1.0, 0.43)
    layers = [
        Layer(fractal(51 + seed, 2.6, 1, 12), 30, 0.22, 0.5, shape=lambda x, z: smooth(1.5, 9, z)),
        Layer(fractal(52, 2.0, 2, 60), 9, 0.06, 1.1),
        Layer(ripples(53, 18, 0.5, 0.5), 5.5, 0.010, 0.5, fine=0.1),
        Layer(fractal(54, 1.0, 30, 300), 1.3, 0.0010, 0.2, fine=0.012),
    ]
    ground = see_ground(camera, size, layers, far=120)
    sun = low_sun(sky, 0.24)
    shadow = ground.shadow(sun, 5, 14, 9)
    normals = ground.normals()
    light = sunlit(normals, sun, f32(sky.sun_color), sky.ambient() * f32([0.92, 1.0, 1.12]), shadow, 0.5)
    sparkle = sample(fractal(55, 0.0, 200, 500), ground.x * 2.3, ground.z * 2.3)
    glint = smooth(3.2, 4.0, sparkle) * shadow * smooth(0.02, 0.004, ground.footprint)
    color = f32(light * f32([0.86, 0.88, 0.90]) * 0.80) + glint[..., None] * f32(sky.sun_color) * 1.5
    far = sky.radiance(camera.rays(size))
    haze = sky.radiance(f32([[0.0, 0.02, 1.0]]), clouds=False)[0]
    ambient = sky.ambient()
    hill = plants.hills(size, 56 + seed, camera.horizon + 0.02, 0.22)
    v = camera.pixels(size)[1]
    tone = sample(fractal(57, 1.4, 4, 300), camera.pixels(size)[0] * 1.4, v * 2.4)
    wood = mix(f32(ambient * 0.22), f32(ambient * 0.95), smooth(0.1, 1.4, tone))
    hill_color = f32(wood * 0.55 + haze * 0.5)
    far = mix(far, hill_color, smooth(0, 1.5 / size, f32(v - hill[None])))
    dark, bright = (
        ambient * f32([0.05, 0.075, 0.07]),
        ambient * f32([0.2, 0.26, 0.2]) + f32(sky.sun_color) * 0.06,
    )
    firs = fir_row(
        size,
        58 + seed,
        camera.horizon + 0.022,
        0.26,
        f32(dark),
        f32(bright),
        0.45,
        0.5,
        f32(ambient * 0.75 + f32(sky.sun_color) * 0.25),
    )
    firs[..., :3] = firs[..., :3] * 0.8 + haze * 0.16
    far = over(far, firs, 3.4)
    color = hazy(color, ground.z, haze, 260)
    return mix(far, focus(color, ground.z, 3.2, 3.0), ground.seen)


def mountain(size: int, sky: Sky, seed: int = 0) -> Array:
    """A stony meadow before a range with snow."""
    camera = Camera(1.05, 0.47)
    layers = [
        Layer(ridged(61 + seed, 1.95, 8), 9000, 300, 0.7, shape=lambda x, z: smooth(900, 5200, z)),
        Layer(fractal(62, 2.2, 1, 30), 9000, 120, 0.2, shape=lambda x, z: smooth(500, 4200, z)),
        Layer(fractal(63, 2.2, 1, 40), 260, 5.0, 0.2, shape=lambda x, z: smooth(14, 160, z)),
    ]
    rise = Layer(np.ones((8, 8), np.float32), 10, 330, shape=lambda x, z: smooth(1200, 6500, z))
    dip = Layer(np.ones((8, 8), np.float32), 10, -14, shape=lambda x, z: smooth(16, 130, z))
    ground = see_ground(camera, size, [*layers, rise, dip], far=11000, samples=1800)
    sun = low_sun(sky, 0.2)
    shadow = ground.shadow(sun, 1500, 18, 12)
    normals = ground.normals()
    light = sunlit(normals, sun, f32(sky.sun_color), sky.ambient(), shadow)
    rough = sample(fractal(64, 1.3, 3, 400), ground.x / 900, ground.z / 900)
    fine = sample(fractal(65, 0.9, 8, 400), ground.x / 140, ground.height / 90 + ground.z / 300)
    rock = f32([0.27, 0.25, 0.235]) * (1 + 0.22 * fine + 0.12 * rough)[..., None]
    grass = f32([0.12, 0.16, 0.045]) * (1 + 0.2 * rough + 0.2 * fine)[..., None]
    steep = smooth(0.86, 0.70, normals[..., 1])
    high = smooth(150, 380, ground.height + 90 * rough)
    albedo = mix(f32(grass), f32(rock), f32(np.clip(steep + high, 0, 1)))
    wood = smooth(0.2, 0.9, rough + 0.7 * fine) * smooth(300, 900, ground.z) * (1 - high) * (1 - steep)
    albedo = mix(albedo, f32([0.025, 0.05, 0.022]), f32(wood))
    white = smooth(390, 640, ground.height + 130 * rough + 60 * fine) * smooth(0.50, 0.72, normals[..., 1])
    albedo = mix(albedo, f32([0.80, 0.83, 0.88]), white)
    color = f32(albedo * light)
    haze = sky.radiance(f32([[0.1, 0.03, 1.0]]), clouds=False)[0]
    color = hazy(color, ground.z, f32(haze * f32([0.85, 0.95, 1.08])), 15000)
    far = sky.radiance(camera.rays(size))
    picture = mix(far, color, ground.seen)
    picture = cv2.GaussianBlur(picture, (0, 0), 1.7 * size / 768)
    return _alpine_grass(f32(picture), camera, sky, seed)


def _alpine_grass(far: Array, camera: Camera, sky: Sky, seed: int) -> Array:
    """Short grass, partly dry, in front."""
    tone = Turf((0.13, 0.18, 0.045), (0.38, 0.33, 0.16), dry_at=0.4, tall=(0.03, 0.10), count=80000)
    rgb, depth, cover = lawn(camera, far.shape[0], sky, tone, 66 + seed)
    blurred = focus(np.concatenate([rgb, cover[..., None]], -1), depth, 3.2, 2.6)
    return mix(far, blurred[..., :3], np.clip(blurred[..., 3], 0, 1))


def desert(size: int, sky: Sky, seed: int = 0) -> Array:
    """Dunes with wind ripples."""
    camera = Camera(1.05, 0.44)
    crest = ridged(71 + seed, 2.4, 4)
    layers = [
        Layer(crest, 420, 9.5, 0.9, shape=lambda x, z: smooth(18, 150, z)),
        Layer(fractal(72 + seed, 2.6, 1, 10), 60, 1.0, 0.5, shape=lambda x, z: smooth(3, 40, z)),
        Layer(ripples(73, 40, 0.3, 0.4), 7.5, 0.014, 0.35, fine=0.12),
        Layer(fractal(74, 0.8, 40, 400), 0.9, 0.0008, 0.2, fine=0.006),
    ]
    ground = see_ground(camera, size, layers, far=1500)
    sun = low_sun(sky, 0.26)
    shadow = ground.shadow(sun, 60, 18, 16)
    light = sunlit(ground.normals(), sun, f32(sky.sun_color), sky.ambient(), shadow, 0.6)
    grain = sample(fractal(75, 0.3, 60, 500), ground.x * 1.3, ground.z * 1.3)
    patch = sample(fractal(76, 1.5, 2, 60), ground.x / 17, ground.z / 17)
    sand = (
        f32([0.56, 0.33, 0.15]) * (1 + 0.09 * grain / (1 + ground.footprint * 60) + 0.05 * patch)[..., None]
    )
    haze = sky.radiance(f32([[0.1, 0.03, 1.0]]), clouds=False)[0]
    color = hazy(f32(sand * light), ground.z, haze, 1500)
    return mix(sky.radiance(camera.rays(size)), focus(color, ground.z, 3.2, 1.8), ground.seen)


def craters(seed: int, count: int = 260, size: int = 1024) -> Array:
    """A periodic tile of craters with rims, large ones first."""
    rng = np.random.default_rng(seed)
    tile = np.zeros((size, size), np.float32)
    radii = np.sort(8 * (1 - rng.uniform(0, 0.995, count)) ** -0.62)[::-1]
    for radius in np.minimum(radii, 110):
        cx, cy = rng.uniform(0, size, 2)
        reach = int(radius * 2.2)
        rows, columns = (
            np.arange(int(cy) - reach, int(cy) + reach),
            np.arange(int(cx) - reach, int(cx) + reach),
        )
        d = np.hypot(rows[:, None] - cy, columns[None] - cx) / radius
        bowl = np.where(d < 1, (d**2 - 1) * 0.26, 0) + 0.10 * np.exp(-(((d - 1.0) / 0.22) ** 2))
        tile[np.ix_(rows % size, columns % size)] += f32(bowl * radius)
    return f32(tile / 60)


def moon(size: int, sky: Sky, seed: int = 0) -> Array:
    """Gray dust with craters and stones under a black sky with the earth."""
    camera = Camera(1.1, 0.42)
    layers = [
        Layer(craters(81 + seed), 60, 1.9, 0.4, shape=lambda x, z: 0.25 + 0.75 * smooth(4, 14, z)),
        Layer(craters(82), 9, 0.20, 1.0),
        Layer(ridged(83, 2.1, 5), 2600, 95, 0.5, shape=lambda x, z: smooth(260, 1500, z)),
        Layer(fractal(84, 1.9, 4, 200), 5, 0.016, 0.4, fine=0.03),
        Layer(fractal(85, 0.7, 30, 400), 1.1, 0.0014, 0.9, fine=0.008),
    ]
    ground = see_ground(camera, size, layers, far=2500)
    sun = sky.sun_direction()
    shadow = ground.shadow(sun, 12, 20, 30)
    light = sunlit(ground.normals(), sun, f32(sky.sun_color), f32([0.035, 0.035, 0.04]), shadow, 1.0)
    dust = sample(fractal(86, 0.8, 10, 500), ground.x / 3, ground.z / 3)
    color = f32(light * (0.30 * (1 + 0.10 * dust))[..., None])
    view = camera.rays(size)
    stars = smooth(4.2, 4.6, sample(fractal(87, 0.0, 220, 500), view[..., 0] * 0.9, view[..., 1] * 0.9))
    space = f32(np.repeat(stars[..., None] * 0.5, 3, -1))
    space = _earth(space, size)
    return mix(space, focus(color, ground.z, 3.3, 0.9), ground.seen)


def _earth(space: Array, size: int) -> Array:
    """The blue planet, half lit, up to the right."""
    line = f32((np.arange(size) + 0.5) / size)
    x, y = (line[None] - 0.74) / 0.066, (0.17 - line[:, None]) / 0.066
    inside = 1 - x**2 - y**2
    z = np.sqrt(np.clip(inside, 0, None))
    lit = np.clip(-0.75 * x + 0.35 * y + 0.55 * z, 0, 1)
    land = smooth(0.3, 0.6, sample(fractal(88, 1.6, 2, 200), f32(x * 0.22 + 0 * y), f32(y * 0.22 + 0 * x)))
    cloud = smooth(0.0, 1.4, sample(fractal(89, 1.5, 3, 300), f32(x * 0.3 + 0.1 * y), f32(y * 0.45 + 0 * x)))
    color = mix(f32([0.02, 0.09, 0.30]), f32([0.16, 0.17, 0.07]), land)
    color = mix(color, f32([0.85, 0.88, 0.92]), f32(cloud * 0.9))
    rim = np.clip(1 - z, 0, 1) ** 3
    color = f32(color * lit[..., None] * 1.6 + rim[..., None] * lit[..., None] * f32([0.25, 0.45, 0.9]))
    return mix(space, color, smooth(0, 0.03, f32(inside)))
