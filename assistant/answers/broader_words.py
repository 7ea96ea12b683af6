"""Broader terms for the classifier's words: a labrador is a dog. Knows no photo."""

from __future__ import annotations

from functools import cache

from assistant.language.ordinary_words import word_set
from personalizer.analysis.labels import PlainWord, find_word

# fmt: off
KINDS = {
    "dog": word_set("""
        labrador beagle pug dachshund boxer rottweiler doberman dalmatian chihuahua collie shepherd bulldog mastiff
        whippet greyhound bloodhound basset pinscher samoyed malamute pomeranian pekinese pekingese newfoundland
        ridgeback weimaraner vizsla pointer leonberger akita shiba dingo mutt mongrel labradoodle cockapoo maltese
        havanese papillon sheepdog saluki borzoi wolfhound deerhound basenji komondor kuvasz shih-tzu chow spitz
        hovawart dackel pudel schaferhund
    """),
    "terrier": word_set("yorkie westie airedale"),
    "spaniel": word_set("cocker springer cavalier"),
    "cat": word_set("tabby siamese persian ragdoll bengal birman sphynx tomcat tortoiseshell angora manx"),
    "big cat": word_set("lion tiger leopard cheetah puma cougar panther lioness"),
    "horse": word_set("stallion mare foal gelding arabian haflinger shetland"),
    "cow": word_set("calf"),
    "pig": word_set("piglet boar hog sow"),
    "monkey": word_set("baboon macaque capuchin langur marmoset"),
    "ape": word_set("gorilla chimpanzee chimp orangutan gibbon bonobo"),
    "rodent": word_set("rat gerbil beaver marmot chipmunk"),
    "bear": word_set("grizzly"),
    "bird": word_set("""
        sparrow blackbird crow raven magpie thrush starling swallow woodpecker hummingbird seagull gull heron stork
        pelican ostrich pigeon dove kingfisher chickadee titmouse bunting goldfinch bulbul toucan quail partridge
        pheasant puffin albatross ibis
    """),
    "bird of prey": word_set("hawk falcon vulture buzzard"),
    "parrot": word_set("parakeet budgie budgerigar lorikeet cockatiel"),
    "duck": word_set("mallard drake"),
    "snake": word_set("python cobra viper boa rattlesnake adder mamba"),
    "lizard": word_set("gecko iguana chameleon skink"),
    "fish": word_set("goldfish salmon trout carp tuna eel ray stingray clownfish koi"),
    "insect": word_set("wasp bumblebee mosquito grasshopper cricket cockroach dragonfly mantis cicada moth"),
    "beetle": word_set("ladybug ladybird"),
    "butterfly": word_set("monarch admiral"),
    "animal": word_set("breed deer goat giraffe dolphin badger otter hedgehog moose bison donkey mule"),
    "car": word_set("""
        convertible cabriolet limousine limo taxi cab jeep minivan hatchback roadster suv sedan estate coupe
        volkswagen vw bmw mercedes audi porsche ferrari tesla toyota ford honda volvo fiat opel renault peugeot skoda
    """),
    "truck": word_set("pickup tractor-trailer"),
    "vehicle": word_set("tractor van ambulance tank sled"),
    "boat": word_set("sailboat yacht canoe kayak ferry speedboat catamaran gondola"),
    "aircraft": word_set("jet airliner airbus boeing cessna helicopter"),
    "bicycle": word_set("tandem"),
    "motorcycle": word_set("vespa harley"),
    "guitar": word_set("ukulele banjo"),
    "musical instrument": word_set("""
        flute oboe trumpet trombone saxophone sax harp harmonica accordion bassoon marimba cornet
    """),
    "chair": word_set("rocker recliner stool"),
    "furniture": word_set("wardrobe dresser bookcase bookshelf cupboard cabinet"),
    "hat": word_set("sombrero bonnet beret"),
    "shoe": word_set("sandal clog loafer slipper"),
    "clothing": word_set("jersey sweatshirt cardigan poncho kimono apron swimsuit bikini trenchcoat"),
    "pot": word_set("teapot coffeepot wok saucepan"),
    "cup": word_set("teacup"),
    "coffee": word_set("cappuccino latte"),
    "bread": word_set("bagel pretzel baguette"),
    "fruit": word_set("fig pomegranate jackfruit pear peach plum cherry grape mango"),
    "vegetable": word_set("broccoli cauliflower cabbage zucchini cucumber artichoke pepper squash"),
    "food": word_set("burrito guacamole trifle meatloaf pasta spaghetti cheesecake"),
    "mushroom": word_set("agaric bolete stinkhorn"),
    "flower": word_set("tulip sunflower orchid dandelion"),
    "building": word_set("barn greenhouse monastery planetarium"),
}
# fmt: on
"""For a word of the network's, what is a kind of it and has no word of its own."""


@cache
def _by_kind() -> dict[str, str]:
    return {kind: word for word, kinds in KINDS.items() for kind in kinds}


def broader_word(text: str) -> PlainWord | None:
    """The narrowest word of the network's that `text` is a kind of, or is: dog for "black labrador", cup for "tea cup".

    None for what no word is known for.
    """
    # What something is stands last: an espresso cup is a cup.
    for part in dict.fromkeys((text, *text.split()[-1:])):
        word = find_word(part) or find_word(_by_kind().get(part.casefold(), ""))
        if word is not None:
            return word
    return None
