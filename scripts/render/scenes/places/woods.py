"""Forest paths, in summer and winter, and the jungle: places under trees."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from scripts.render.scenes.kit import plants
from scripts.render.scenes.kit.camera import Camera, see_ground
from scripts.render.scenes.kit.lawns import dappled, fallen_leaves, low_sun
from scripts.render.scenes.kit.noise import Array, Layer, f32, fractal, mix, sample, smooth
from scripts.render.scenes.kit.optics import disc_blur, over
from scripts.render.scenes.kit.skies import Sky, sunlit
from scripts.render.scenes.places.fields import finish

LITTER = f32(
    [[0.20, 0.11, 0.05], [0.28, 0.16, 0.07], [0.14, 0.085, 0.045], [0.33, 0.22, 0.10], [0.11, 0.12, 0.03]]
)


def path_middle(z: Array) -> Array:
    """Where the path winds: metres to the right at depth z."""
    return f32(0.55 * np.sin(np.maximum(z - 3, 0) / 5.5) * smooth(3, 12, f32(z)))


def glimmer(
    size: int, seed: int, base: Array, light: Array, count: int, radius: float, spots: Array
) -> Array:
    """A far wall of leaves out of focus: soft tones and bright gaps, to be blurred."""
    rng = np.random.default_rng(seed)
    line = f32((np.arange(size) + 0.5) / size)
    u, v = np.meshgrid(line, line)
    tone = smooth(-1.2, 1.8, sample(fractal(seed, 1.5, 2, 120), f32(u * 0.7), f32(v * 0.7)))
    image = mix(base, light, tone)
    centers = rng.uniform(0, 1, (count, 2)) * [size, size * 0.62]
    shapes = plants.leaf_shapes(rng, centers, size * radius * rng.uniform(0.4, 1.2, count), 0.8)
    strength = f32(rng.uniform(0.15, 1, (count, 1)) ** 2)
    color = np.concatenate([spots * strength + base, np.ones((count, 1), np.float32)], -1)
    layer = np.ascontiguousarray(np.concatenate([image, np.ones((size, size, 1), np.float32)], -1))
    plants.polygons(layer, shapes, f32(color))
    return f32(layer[..., :3])


def _trunks(
    size: int,
    camera: Camera,
    rng: plants.Random,
    depths: tuple[float, float],
    count: int,
    bark: Array,
    mist: Array,
    reach: float,
    clear: float,
    snow: float = 0.0,
) -> Array:
    """Trunks between two depths beside the path; those far away fade into the mist."""
    image = plants.canvas(size)
    for z in np.sort(rng.uniform(*depths, count))[::-1]:
        side = rng.choice([-1, 1])
        x = float(path_middle(f32(z))) + side * (clear + abs(rng.normal(0, 0.34)) * z * 0.55)
        wide = rng.uniform(0.14, 0.42)
        foot = camera.project(x, -0.05, z, size)
        top = camera.project(x + rng.normal(0, 0.35), 14, z, size)
        fade = 1 - np.exp(-z / reach)
        local = plants.canvas(size)
        plants.trunk(local, rng, foot, top, wide * camera.focal / z * size, bark, -1.0)
        inside = local[..., 3] > 0
        color = local[..., :3] * (1 - fade) + mist * fade
        if snow:
            stuck = smooth(
                0.2,
                1.0,
                sample(
                    fractal(801, 1.4, 3, 200),
                    f32(np.mgrid[0:size, 0:size][1] / size * 3),
                    f32(np.mgrid[0:size, 0:size][0] / size),
                ),
            )
            color = mix(f32(color), f32(mist * 0.9), f32(stuck * snow * 0.6))
        image[inside, :3] = color[inside]
        image[inside, 3] = 1
    return image


def thicket(
    size: int,
    camera: Camera,
    rng: plants.Random,
    z: float,
    count: int,
    dark: Array,
    light: Array,
    clear: float,
) -> Array:
    """Bushes across the picture at depth z, none where the path runs."""
    image = plants.canvas(size)
    middle = float(path_middle(f32(z)))
    scale = camera.focal / z * size
    for x in np.linspace(-0.62, 0.62, count) * z / camera.focal + rng.normal(0, 0.3, count):
        if abs(x - middle) < clear:
            continue
        tall = rng.uniform(0.35, 1.1)
        foot = camera.project(float(x), tall * 0.45, z, size)
        tone = f32(rng.uniform(0.6, 1.2))
        radii = (tall * 1.1 * scale, tall * 0.6 * scale)
        plants.crown(image, rng, foot, radii, max(0.09 * scale, 2), 260, dark * tone, light * tone)
    return image


def forest_floor(
    size: int, camera: Camera, sky: Sky, albedo: Callable[[Array, Array], Array], bumps: float, dapple: float
) -> tuple[Array, Array]:
    """Forest ground as a canvas with depth, and what of it is seen."""
    layers = [
        Layer(fractal(811, 2.2, 1, 30), 8, bumps, 0.3),
        Layer(fractal(812, 1.3, 8, 300), 2.0, bumps * 0.3, 0.8, fine=0.05),
    ]
    ground = see_ground(camera, size, layers, far=60)
    light = sunlit(
        ground.normals(),
        low_sun(sky, 0.4),
        f32(sky.sun_color),
        sky.ambient(),
        dappled(ground.x, ground.z, dapple),
    )
    color = f32(albedo(ground.x, ground.z) * light)
    image = np.ascontiguousarray(np.concatenate([color, ground.z[..., None]], -1))
    return image, ground.seen


def undergrowth(
    image: Array, rng: plants.Random, camera: Camera, sky: Sky, count: int, tone: Array, dapple: float
) -> None:
    """Grass and small ferns beside the path."""
    x, z = plants.spread_on_ground(rng, camera, count, 1.9, 30)
    clump = sample(fractal(821, 1.4, 3, 100), f32(x / 7), f32(z / 7))
    off = np.abs(x - path_middle(f32(z)))
    kept = (off > 0.75 + 0.12 * clump) & (clump + 0.9 * (off - 1.0) > rng.normal(0.1, 0.5, count))
    x, z = x[kept], z[kept]
    vary = rng.uniform(0.6, 1.3, len(x))
    lit = dappled(f32(x), f32(z), dapple)[:, None] * f32(sky.sun_color) * 0.6 + sky.ambient() * 0.8

    def shade(_x: plants.Points, _z: plants.Points, level: plants.Points) -> Array:
        return f32(tone * lit * ((0.3 + 0.8 * level) * vary)[:, None])

    tall = rng.uniform(0.08, 0.26, len(x)) * np.clip(np.abs(x - path_middle(f32(z))), 0.4, 1.4)
    plants.blades(image, rng, camera, (x, z), tall, shade, 0.006, 0.7)


def forest(size: int, sky: Sky, seed: int = 0) -> Array:
    """A path with old leaves between trunks; sun in the canopy."""
    camera = Camera(1.0, 0.42)
    rng = np.random.default_rng(830 + seed)
    ambient, sun = sky.ambient(), f32(sky.sun_color)
    leaf = f32([0.12, 0.17, 0.035])
    mist = f32(leaf * (ambient + sun * 0.5) * 1.1 + ambient * 0.15)
    far = glimmer(
        size, 831 + seed, f32(leaf * ambient * 0.5), mist, 900, 0.016, f32(sun * 1.1 + ambient * 1.2)
    )
    picture = disc_blur(far, 13 * size / 768)
    bark = f32([0.16, 0.12, 0.085]) * (ambient + sun * 0.35)
    for depths, count, blur, reach in (((22, 45), 46, 6.5, 22.0), ((11, 22), 22, 5.0, 30.0)):
        picture = over(picture, _trunks(size, camera, rng, depths, count, bark, mist, reach, 1.0), blur)
        crowns = plants.canvas(size)
        for _ in range(16):
            center = (rng.uniform(0, 1) * size, rng.uniform(-0.02, 0.24) * size)
            dark, bright = leaf * ambient * 0.3, leaf * (sun * 1.3 + ambient)
            radii = (size * rng.uniform(0.07, 0.16), size * rng.uniform(0.04, 0.10))
            plants.crown(crowns, rng, center, radii, size * 0.011, 260, f32(dark), f32(bright), (0.2, -0.8))
        picture = over(picture, crowns, blur * 1.3)

    def albedo(x: Array, z: Array) -> Array:
        clump = sample(fractal(832, 1.3, 3, 300), x / 3, z / 3)
        on_path = smooth(1.1, 0.5, np.abs(x - path_middle(z)) + 0.12 * clump)
        soil = mix(f32([0.055, 0.06, 0.022]), f32([0.17, 0.115, 0.07]), on_path)
        return f32(soil * (1 + 0.25 * clump[..., None]))

    image, seen = forest_floor(size, camera, sky, albedo, 0.05, 0.75)

    def sparse(x: plants.Points, z: plants.Points) -> plants.Points:
        return np.clip(0.35 + 0.5 * np.abs(x - path_middle(f32(z))), 0, 1)

    fallen_leaves(image, rng, camera, 24_000, LITTER, sky, sparse, (0.03, 0.075), 0.75, (1.7, 40))
    undergrowth(image, rng, camera, sky, 80_000, f32([0.085, 0.125, 0.035]), 0.75)
    picture = finish(picture, (f32(image[..., :3]), f32(image[..., 3]), seen), 2.9, 6.0)
    dark, bright = f32(leaf * ambient * 0.25 + mist * 0.1), f32(leaf * (sun * 0.7 + ambient) + mist * 0.1)
    picture = over(picture, thicket(size, camera, rng, 24, 40, dark, bright, 0.9), 5.5)
    near = _trunks(size, camera, rng, (5.5, 9), 5, bark, mist, 60.0, 1.6)
    picture = over(picture, near, 2.6)
    return over(picture, _tufts(size, near, rng, f32(leaf * (sun * 0.35 + ambient * 0.6))), 2.2)


def _tufts(size: int, trunks: Array, rng: plants.Random, tone: Array, spread: float = 0.02) -> Array:
    """Grass, or with light colors snow, before the feet of trunks: where their pixels end below."""
    image = plants.canvas(size)
    solid = trunks[..., 3] > 0
    foot = np.where(solid.any(0), size - 1 - solid[::-1].argmax(0), -1)
    columns = np.flatnonzero((foot > size * 0.45) & (foot < size * 0.97))
    for x in np.repeat(columns, 2):
        tall, lean = rng.uniform(0.4, 1.2) * spread * size, rng.normal(0, 0.35)
        base = np.array([x + rng.normal(0, 4), foot[x] + rng.uniform(0, 0.5) * spread * size])
        tip = base + np.array([lean * tall, -tall])
        half = np.array([max(size / 700, 0.8), 0])
        shade = f32(rng.uniform(0.5, 1.25))
        plants.polygons(image, np.array([[base - half, tip, base + half]]), f32([[*(tone * shade), 1]]))
    return image


def winter_forest(size: int, sky: Sky, seed: int = 0) -> Array:
    """A snowed-in path between firs and bare trunks."""
    camera = Camera(1.0, 0.42)
    rng = np.random.default_rng(840 + seed)
    ambient, sun = sky.ambient(), f32(sky.sun_color)
    mist = f32(ambient * 0.85)
    far = glimmer(size, 841 + seed, f32(ambient * 0.55), mist, 500, 0.014, f32(ambient * 0.5))
    picture = disc_blur(far, 16 * size / 768)
    bark = f32([0.11, 0.095, 0.085]) * (ambient + sun * 0.3)
    for depths, count, blur, reach in (((24, 48), 40, 5.5, 24.0), ((12, 24), 18, 4.2, 34.0)):
        firs = plants.canvas(size)
        for z in np.sort(rng.uniform(*depths, 22))[::-1]:
            x = rng.choice([-1, 1]) * (1.6 + abs(rng.normal(0, 0.3)) * z)
            fade = f32(np.exp(-z / reach))
            tall = rng.uniform(4, 9) * camera.focal / z * size
            dark = f32([0.035, 0.055, 0.05]) * ambient * fade + mist * (1 - fade)
            bright = f32([0.12, 0.17, 0.13]) * (ambient + sun * 0.3) * fade + mist * (1 - fade)
            plants.conifer(
                firs,
                rng,
                camera.project(x, -0.1, z, size),
                tall,
                f32(dark),
                f32(bright),
                0.45,
                f32(ambient * 0.9),
            )
        picture = over(picture, firs, blur)
        picture = over(picture, _trunks(size, camera, rng, depths, count, bark, mist, reach, 1.4), blur)
    layers = [
        Layer(fractal(842, 2.5, 1, 14), 9, 0.09, 0.3),
        Layer(fractal(843, 1.8, 4, 100), 3, 0.02, 0.8),
        Layer(fractal(844, 1.0, 30, 300), 1.2, 0.0012, 0.2, fine=0.012),
        Layer(
            np.ones((8, 8), np.float32),
            9,
            -0.11,
            shape=lambda x, z: smooth(0.75, 0.4, np.abs(x - path_middle(z))),
        ),
        Layer(
            fractal(845, 1.2, 8, 90),
            2.4,
            0.012,
            0.1,
            shape=lambda x, z: smooth(0.6, 0.3, np.abs(x - path_middle(z))),
        ),
    ]
    ground = see_ground(camera, size, layers, far=60)
    toward = low_sun(sky, 0.3)
    light = sunlit(
        ground.normals(), toward, sun, ambient * f32([0.93, 1, 1.1]), ground.shadow(toward, 2.5, 12, 8), 0.5
    )
    light = light * (0.72 + 0.28 * dappled(ground.x, ground.z, 0.8))[..., None]
    picture = finish(picture, (f32(light * f32([0.70, 0.72, 0.74])), ground.z, ground.seen), 2.9, 4.5)
    white = f32(ambient * 0.62)
    picture = over(picture, thicket(size, camera, rng, 26, 34, f32(mist * 0.5), f32(mist * 1.1), 1.0), 5.0)
    near = _trunks(size, camera, rng, (5.5, 9), 5, bark, mist, 60.0, 1.7, 0.8)
    picture = over(picture, near, 2.4)
    picture = over(picture, _drifts(size, near, rng, white), 2.4)
    return snowfall(picture, rng, white * 1.5)


def _drifts(size: int, trunks: Array, rng: plants.Random, tone: Array) -> Array:
    """Snow heaped up before the feet of trunks."""
    image = plants.canvas(size)
    solid = trunks[..., 3] > 0
    foot = np.where(solid.any(0), size - 1 - solid[::-1].argmax(0), -1)
    columns = np.flatnonzero((foot > size * 0.45) & (foot < size * 0.97))
    for x in columns[::3]:
        center = np.array([[x + rng.normal(0, 3), foot[x] + rng.uniform(-0.003, 0.006) * size]])
        blob = plants.leaf_shapes(rng, center, np.array([rng.uniform(0.01, 0.028) * size]), 0.5)
        plants.polygons(image, blob, f32([[*(tone * f32(rng.uniform(0.92, 1.06))), 1]]))
    return image


def snowfall(picture: Array, rng: plants.Random, tone: Array, count: int = 260) -> Array:
    """Falling flakes, small and sharp or near and out of focus."""
    size = picture.shape[0]
    for blur, part, radius in ((0.8, 0.6, 0.0011), (2.4, 0.3, 0.0017), (6.0, 0.1, 0.0030)):
        flakes = plants.canvas(size)
        centers = rng.uniform(0, size, (int(count * part), 2))
        length = size * radius * 2 * rng.uniform(0.6, 1.4, len(centers))
        color = np.tile(f32([*tone, 1]), (len(centers), 1))
        plants.polygons(flakes, plants.leaf_shapes(rng, centers, length, 0.9), color)
        picture = over(picture, flakes, blur)
    return picture
