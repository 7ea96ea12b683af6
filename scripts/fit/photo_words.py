"""Writes the plain words for the 1,000 classes of the object network: a corgi is a dog is an animal.

    python -m scripts.fit.photo_words --synsets imagenet_synsets.txt --nouns data.noun --out photo_words.json

`imagenet_synsets.txt` lists the classes' WordNet numbers in the network's order (it comes inside the wheel `timm`),
`data.noun` is WordNet 3.0's file of nouns (Debian: `wordnet-base`). A word's classes are those below its synsets in
WordNet's tree, with what the table below adds or takes away. The classes' numbers are kept for evaluation.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Word:
    """A plain word: the synsets whose classes it sums, single classes beside them, and other words for it."""

    synsets: tuple[int, ...] = ()
    also: tuple[str, ...] = ()
    kind: str = "thing"
    add: tuple[int, ...] = ()
    drop: tuple[int, ...] = ()


def _animal(
    *synsets: int, also: tuple[str, ...] = (), add: tuple[int, ...] = (), drop: tuple[int, ...] = ()
) -> Word:
    return Word(synsets, also, "animal", add, drop)


def _scene(*classes: int, also: tuple[str, ...] = ()) -> Word:
    return Word((), also, "scene", classes)


WORDS: dict[str, Word] = {
    "animal": _animal(15388, also=("pet", "creature")),
    "bird": _animal(1503061),
    "fish": _animal(2512053),
    "reptile": _animal(1661091),
    "snake": _animal(1726692),
    "lizard": _animal(1674464),
    "turtle": _animal(1662784, also=("tortoise",)),
    "crocodile": _animal(add=(49, 50), also=("alligator",)),
    "frog": _animal(1639765, also=("toad",)),
    "salamander": _animal(1629276, also=("newt",)),
    "insect": _animal(2159955, also=("bug",)),
    "butterfly": _animal(2274259),
    "beetle": _animal(2164464),
    "bee": _animal(add=(309,)),
    "ant": _animal(add=(310,)),
    "fly": _animal(add=(308,)),
    "spider": _animal(1772222, drop=(815,)),
    "crab": _animal(1976957, add=(125,)),
    "lobster": _animal(add=(122, 123)),
    "snail": _animal(add=(113,)),
    "shark": _animal(1482330),
    "jellyfish": _animal(add=(107,)),
    "starfish": _animal(add=(327,)),
    "dog": _animal(2084071, also=("puppy", "doggy", "hound")),
    "terrier": _animal(2092468),
    "spaniel": _animal(2101108),
    "retriever": _animal(2099029),
    "poodle": _animal(2113335),
    "corgi": _animal(add=(263, 264)),
    "schnauzer": _animal(2096756),
    "setter": _animal(2100399),
    "husky": _animal(add=(248, 249, 250)),
    "cat": _animal(2121808, also=("kitten", "kitty")),
    "big cat": _animal(2127808),
    "wolf": _animal(2114100),
    "fox": _animal(2118333),
    "bear": _animal(2131653),
    "monkey": _animal(2484322),
    "ape": _animal(2470325),
    "rodent": _animal(2329401),
    "squirrel": _animal(add=(335,)),
    "hamster": _animal(add=(333,)),
    "guinea pig": _animal(add=(338,)),
    "rabbit": _animal(2323902, also=("bunny", "hare")),
    "horse": _animal(add=(339,), also=("pony",)),
    "zebra": _animal(add=(340,)),
    "cow": _animal(add=(345,), also=("ox", "bull", "cattle")),
    "sheep": _animal(add=(348, 349), also=("ram", "lamb")),
    "camel": _animal(add=(354,)),
    "llama": _animal(add=(355,), also=("alpaca",)),
    "pig": _animal(2395003),
    "antelope": _animal(2419796),
    "elephant": _animal(add=(385, 386)),
    "panda": _animal(add=(388,)),
    "koala": _animal(add=(105,)),
    "kangaroo": _animal(add=(104,)),
    "whale": _animal(add=(147, 148)),
    "seal": _animal(add=(150,), also=("sea lion",)),
    "bird of prey": _animal(1604330),
    "eagle": _animal(add=(22,)),
    "owl": _animal(add=(24,)),
    "parrot": _animal(1816887, also=("cockatoo", "macaw")),
    "chicken": _animal(add=(7, 8), also=("hen", "rooster", "cock")),
    "duck": _animal(add=(97, 98)),
    "goose": _animal(add=(99,)),
    "swan": _animal(add=(100,)),
    "penguin": _animal(add=(145,)),
    "flamingo": _animal(add=(130,)),
    "peacock": _animal(add=(84,)),
    "vehicle": Word((4524313,)),
    "car": Word((2958343,), ("automobile",), add=(864, 675), drop=(864, 675)),
    "truck": Word((4490091,), ("lorry",), add=(864,)),
    "bus": Word((2924116,)),
    "train": Word((), (), add=(466, 547, 820, 705)),
    "tram": Word((), ("streetcar",), add=(829,)),
    "bicycle": Word((), ("bike", "cycle"), add=(444, 671)),
    "motorcycle": Word((), ("motorbike", "scooter", "moped"), add=(665, 670)),
    "boat": Word((2858304, 4194289), ("ship",), add=(484, 576, 625, 628, 724, 780, 871, 914, 472)),
    "aircraft": Word((2686568,), ("plane", "airplane", "aeroplane"), add=(404, 895)),
    "furniture": Word((3405725,)),
    "chair": Word((3001627,), ("armchair",)),
    "sofa": Word((), ("couch",), add=(831,)),
    "bench": Word((), (), add=(703,)),
    "table": Word((), ("desk",), add=(526, 532, 736)),
    "bed": Word((), ("crib",), add=(520, 516, 564, 831), drop=(831,)),
    "building": Word((2913152, 3259505, 3953416), kind="thing", add=(483, 698, 668, 497, 663, 832, 437, 538)),
    "castle": Word((), ("palace",), add=(483, 698)),
    "church": Word((), ("cathedral",), add=(497, 663)),
    "mosque": Word((), (), add=(668,)),
    "lighthouse": Word((), (), add=(437,)),
    "bridge": Word((2898711,)),
    "fence": Word((3327234,), ("wall",)),
    "shop": Word((4202417,), ("store",), add=(582, 860)),
    "restaurant": Word((), (), "scene", add=(762,)),
    "clothing": Word((3051540,), ("clothes",), "clothing"),
    "hat": Word((3497657,), ("cap",), "clothing"),
    "shoe": Word(
        (3380867,), ("shoes", "boot", "boots", "sneaker", "trainer", "footwear"), "clothing", drop=(806,)
    ),
    "sunglasses": Word((), ("shades",), "clothing", add=(836, 837)),
    "bag": Word((2773037,), ("handbag", "purse"), drop=(797,)),
    "backpack": Word((), ("rucksack",), add=(414,)),
    "musical instrument": Word((3800933,), ("instrument",)),
    "guitar": Word((), (), add=(402, 546)),
    "piano": Word((), (), add=(579, 881)),
    "violin": Word((), ("cello",), add=(889, 486)),
    "drum": Word((), (), add=(541,)),
    "computer": Word((3082979,), ("laptop", "notebook computer"), drop=(798, 916)),
    "screen": Word((), ("monitor", "television", "tv"), add=(664, 782, 851)),
    "keyboard": Word((), (), add=(508, 878, 810)),
    "camera": Word((), (), add=(732, 759)),
    "telephone": Word(
        (4401088,), ("phone", "mobile phone", "smartphone", "cellphone"), add=(605,), drop=(605,)
    ),
    "clock": Word((), ("watch",), add=(409, 530, 531, 892, 826)),
    "lamp": Word((3636248,), ("light",), add=(846, 619)),
    "candle": Word((), (), add=(470,)),
    "ball": Word((2778669,), drop=(747,)),
    "tool": Word((4451818,), drop=(505,)),
    "weapon": Word((4565375,), ("gun",)),
    "bottle": Word((2876657,), add=(907,)),
    "cup": Word((), ("mug",), add=(504, 968, 647, 899)),
    "vase": Word((), (), add=(883,)),
    "bowl": Word((), (), add=(659, 809)),
    "pot": Word((), ("pan",), add=(469, 505, 521, 567, 849, 909, 738)),
    "box": Word((2883344,), add=(478, 519), drop=(637,)),
    "book": Word((), ("comic",), add=(917, 921)),
    "toy": Word((), ("plush", "plushie", "stuffed animal", "teddy"), add=(850,)),
    "teddy bear": Word((), (), add=(850,)),
    "umbrella": Word((), (), add=(879,)),
    "balloon": Word((), (), add=(417,)),
    "tent": Word((), (), add=(672,)),
    "pillow": Word((), ("cushion",), add=(721,)),
    "swing": Word((), (), add=(843,)),
    "fountain": Word((), (), "thing", add=(562,)),
    "stove": Word((), ("oven",), add=(827, 766, 651), drop=(766,)),
    "refrigerator": Word((), ("fridge",), add=(760,)),
    "washing machine": Word((), (), add=(897, 534)),
    "bathtub": Word((), ("bath",), add=(435, 876)),
    "toilet": Word((), (), add=(861,)),
    "traffic light": Word((), (), add=(920,)),
    "street sign": Word((), ("sign",), add=(919,)),
    "food": Word((21265, 7555863), ("meal",), "food", add=tuple(range(927, 970)), drop=(922, 923, 968)),
    "fruit": Word((), (), "food", add=(*range(948, 958), 989)),
    "apple": Word((), (), "food", add=(948,)),
    "orange": Word((), (), "food", add=(950,)),
    "lemon": Word((), (), "food", add=(951,)),
    "banana": Word((), (), "food", add=(954,)),
    "pineapple": Word((), (), "food", add=(953,)),
    "strawberry": Word((), (), "food", add=(949,)),
    "vegetable": Word((7707451,), (), "food", add=(987, 998), drop=(935, 938, 987, 998)),
    "pizza": Word((), (), "food", add=(963,)),
    "burger": Word((), ("hamburger", "cheeseburger"), "food", add=(933,)),
    "hot dog": Word((), (), "food", add=(934,)),
    "bread": Word((7679356,), (), "food", drop=(962,)),
    "ice cream": Word((), (), "food", add=(928, 929)),
    "coffee": Word((), ("espresso",), "food", add=(967,)),
    "wine": Word((), (), "food", add=(966,)),
    "mushroom": Word((12992868,), (), "plant", add=(947,)),
    "flower": Word((), (), "plant", add=(985, 986)),
    "beach": _scene(978, 977, also=("seashore", "coast", "seaside", "shore")),
    "sea": _scene(978, 977, 976, 460, also=("ocean", "water")),
    "lake": _scene(975, also=("lakeside", "river")),
    "mountain": _scene(970, 980, 979, also=("mountains", "alps", "hill", "hills")),
    "volcano": _scene(
        980,
    ),
    "cliff": _scene(972, 976),
    "waterfall or geyser": _scene(974, also=("geyser",)),
    "coral reef": _scene(973, also=("reef",)),
}
"""In WordNet's tree where it says what people say, by hand where it does not (a plum tomato is a fruit there)."""

NEVER_SAID = frozenset({
    419, 421, 445, 459, 461, 465, 490, 524, 529, 570, 583, 601, 638, 639, 643, 652, 655, 667, 676, 678, 680, 689,
    691, 715, 787, 796, 797, 830, 840, 842, 903, 981, 982, 983,
    458, 743, 800, 908, 916, 998,
})  # fmt: skip
"""Classes of what people wear, are or suffer, and of what nobody wants to read under a photo of somebody."""


def read_nouns(path: Path) -> dict[int, tuple[list[str], list[int]]]:
    """WordNet's nouns: number → words and numbers of what they are kinds of."""
    nouns: dict[int, tuple[list[str], list[int]]] = {}
    for line in path.read_text("latin-1").splitlines():
        if line.startswith(" "):
            continue  # the licence
        fields = line.split(" ")
        count = int(fields[3], 16)
        words = [fields[4 + 2 * number].replace("_", " ") for number in range(count)]
        start = 4 + 2 * count
        pointers = [
            fields[start + 1 + 4 * number : start + 5 + 4 * number] for number in range(int(fields[start]))
        ]
        above = [int(target) for sign, target, part, _ in pointers if sign in ("@", "@i") and part == "n"]
        nouns[int(fields[0])] = (words, above)
    return nouns


def kinds_of(synset: int, nouns: dict[int, tuple[list[str], list[int]]]) -> set[int]:
    """The synset and everything that it is a kind of."""
    found, waiting = {synset}, [synset]
    while waiting:
        for above in nouns[waiting.pop()][1]:
            if above not in found:
                found.add(above)
                waiting.append(above)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--synsets", type=Path, required=True)
    parser.add_argument("--nouns", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    nouns = read_nouns(options.nouns)
    classes = [int(line.strip()[1:]) for line in options.synsets.read_text().splitlines()]
    above = [kinds_of(synset, nouns) for synset in classes]
    words = {}
    for name, word in WORDS.items():
        below = {number for number, kinds in enumerate(above) if kinds & set(word.synsets)}
        members = sorted((below | set(word.add)) - set(word.drop) if word.drop else below | set(word.add))
        words[name] = {"classes": members, "also": list(word.also), "kind": word.kind}
    names = [nouns[synset][0] for synset in classes]
    covered = {number for entry in words.values() for number in entry["classes"]} | NEVER_SAID
    for number in sorted(set(range(len(classes))) - covered):
        word, *others = [name.lower() for name in names[number]]
        if word not in words:
            words[word] = {"classes": [number], "also": others, "kind": "thing"}
    document = {"words": words, "synsets": classes}
    options.out.write_text(json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n", "utf-8")
    print(f"{len(words)} words, {options.out.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
