"""What users may call the places: English, German, Spanish; only what the pictures show."""

from __future__ import annotations

WORDS: dict[str, tuple[str, ...]] = {
    "beach": (
        "beach seaside shore sand sea ocean coast",
        "Strand Meer Küste Sand",
        "playa mar costa arena",
    ),
    "snow": ("snow winter snowfield", "Schnee Winter Schneefeld", "nieve invierno"),
    "forest": ("forest woods wood woodland trail path", "Wald Waldweg Forst", "bosque sendero"),
    "winter forest": (
        "winter|forest|woods|snow|snowy forest|winter forest",
        "Winterwald|Wald|Schnee|Winter",
        "bosque nevado|bosque|nieve|invierno",
    ),
    "meadow": (
        "meadow grass flowers field wildflowers",
        "Wiese Gras Blumenwiese Feld",
        "prado hierba flores campo",
    ),
    "park": ("park lawn grass", "Park Rasen Gras", "parque césped hierba"),
    "garden": ("garden backyard yard lawn flowers", "Garten Blumen Rasen", "jardín flores césped"),
    "mountain": (
        "mountain mountains alps peak peaks",
        "Berg Berge Gebirge Alpen Gipfel",
        "montaña montañas sierra alpes",
    ),
    "lake": ("lake lakeside lakeshore pebbles", "See Seeufer Ufer Bergsee", "lago orilla"),
    "desert": ("desert dunes dune sahara sand", "Wüste Dünen Düne Sahara Sand", "desierto dunas arena"),
    "street": (
        "street city town alley cobblestones",
        "Straße Stadt Gasse Altstadt Kopfsteinpflaster",
        "calle ciudad adoquines",
    ),
    "winter street": (
        "street|city|town|winter|snow|snowy street",
        "Straße|Stadt|Winter|Schnee",
        "calle|ciudad|nieve|invierno",
    ),
    "road": ("road highway countryside asphalt", "Landstraße Straße Asphalt", "carretera asfalto"),
    "square": (
        "paris|eiffel tower|france|square|plaza|city",
        "Paris|Eiffelturm|Frankreich|Platz|Stadt",
        "parís|torre eiffel|francia|plaza|ciudad",
    ),
    "castle": (
        "castle|courtyard|fortress|castle courtyard",
        "Burg|Schloss|Burghof|Schlosshof|Hof",
        "castillo|patio|fortaleza",
    ),
    "rooftop": (
        "rooftop|roof terrace|terrace|roof|city lights|skyline|city",
        "Dachterrasse|Dach|Terrasse|Lichter|Stadt",
        "azotea|terraza|tejado|ciudad|luces",
    ),
    "living room": (
        "living room|room|home|house|wooden floor|floor|indoors",
        "Wohnzimmer|Zimmer|Zuhause|Haus|Holzboden|drinnen",
        "salón|sala|sala de estar|casa|suelo",
    ),
    "sofa": ("sofa|couch|settee|cushion", "Sofa|Couch|Kissen", "sofá|cojín"),
    "red sofa": (
        "red sofa|red couch|sofa|couch|settee",
        "rotes Sofa|rote Couch|Sofa|Couch",
        "sofá rojo|sofá",
    ),
    "bed": (
        "bed bedroom pillow pillows blanket",
        "Bett Schlafzimmer Kissen Decke",
        "cama dormitorio almohada",
    ),
    "kitchen": ("kitchen|kitchen table|table|table top", "Küche|Küchentisch|Tisch", "cocina|mesa"),
    "desk": (
        "desk|office|study|bookshelf|bookshelves",
        "Schreibtisch|Büro|Arbeitszimmer|Bücherregal",
        "escritorio|oficina|despacho",
    ),
    "studio": (
        "studio|backdrop|photo studio|plain background",
        "Studio|Fotostudio|Hintergrund",
        "estudio|fondo",
    ),
    "autumn": (
        "autumn|fall|autumn leaves|leaves|foliage|park",
        "Herbst|Laub|Herbstlaub|Blätter|Park",
        "otoño|hojas|hojas secas|parque",
    ),
    "jungle": ("jungle rainforest tropics", "Dschungel Urwald Regenwald Tropen", "selva jungla trópico"),
    "wheat": (
        "wheat|wheat field|cornfield|field|farm",
        "Weizen|Weizenfeld|Kornfeld|Feld",
        "trigo|trigal|campo de trigo|campo",
    ),
    "moon": ("moon|space|lunar surface|outer space", "Mond|Weltraum|Weltall|All", "luna|espacio"),
    "sea bed": (
        "under water|underwater|sea bed|seabed|under the sea|ocean floor|reef",
        "unter Wasser|Unterwasser|Meeresgrund|Meeresboden|Riff",
        "bajo el agua|fondo del mar|submarino|arrecife",
    ),
    "boat": ("boat|ship|deck|yacht|sea|ocean", "Boot|Schiff|Deck|Jacht|Meer", "barco|yate|cubierta|mar"),
    "christmas": (
        "christmas|xmas|christmas tree|christmas eve",
        "Weihnachten|Weihnachtsbaum|Christbaum|Heiligabend",
        "navidad|árbol de navidad|nochebuena",
    ),
}

LIGHT_WORDS: dict[str, tuple[str, ...]] = {
    "sunset": ("sunset|evening|sundown|dusk", "Sonnenuntergang|Abend", "atardecer|puesta de sol"),
    "night": ("night|at night", "Nacht|nachts", "noche|de noche"),
    "overcast": ("overcast|cloudy|gray day", "bewölkt|trüb|grau", "nublado"),
    "lamp": ("evening|lamplight|cosy", "Abend|Lampenlicht|gemütlich", "noche|luz de lámpara"),
    "day": (),
}


def words_for(place: str) -> list[str]:
    """The words of a place, each once, in the order written."""
    parts: list[str] = []
    for group in WORDS[place]:
        parts += group.split("|") if "|" in group else group.split()
    return list(dict.fromkeys([place, *parts]))


def light_words_for(light: str) -> list[str]:
    """Words of a light that a user may add."""
    return [word for group in LIGHT_WORDS[light] for word in group.split("|")]
