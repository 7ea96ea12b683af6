"""The wording of requests in German and Spanish that leads to the tools; answers stay English. Runs nothing."""
# ruff: noqa: E501 - a table of patterns reads best with one pattern a line

from __future__ import annotations

import re

from assistant.chat.router.concept_rules import forget, name_numbered, name_photo, remember, rename
from assistant.chat.router.outcome import LIKELY, SURE, Outcome, Rule, Sentence, compiled, simple
from assistant.chat.router.words import A_CONCEPT, A_PHOTO, CAPITAL
from assistant.language.parse import PHOTO

_NAME = rf"(?P<name>(?-i:{A_CONCEPT}|{CAPITAL})[^,.!?]*?|\"[^\"]+\"|'[^']+')"
_NUMBERED = r"(?:(?:die |der |das |den |el |la |al |a la )?(?:gruppe|nummer|person|tier|ding|gesicht|nr\.?|grupo|número|numero|persona|cara|mascota)\s*)+#?\s*(?P<id>\d+)"
_PHOTOS_DE = r"(?:fotos?|bilder[n]?|aufnahmen?|photos?|schnappschüsse)"
_PHOTOS_ES = r"(?:fotos?|imágenes|imagenes|fotografías|fotografias)"
_COURTESY_DE = r"(?: mir| uns| bitte| mal| doch| jetzt| noch| schnell)*"
_PICTURE_DE = (
    r"(?:(?:ein(?:e|en)?|noch ein|zwei|drei)(?: \w+)? (?:bild|zeichnung|gemälde|skizze|portr[aä]t)e?(?:r)?)"
)
_PICTURE_ES = r"(?:(?:un|una|otro|otra|dos|tres)(?: \w+)? (?:dibujos?|cuadros?|imagen|imágenes|retratos?|pinturas?|ilustraci[oó]n))"


def _imagine(sentence: Sentence, match: re.Match[str]) -> Outcome | None:
    words = sentence.cut(match["prompt"].replace(PHOTO, ""), sentence.start + match.start("prompt"))
    trimmed = re.sub(r"^(?:de |von |mit |con |a )", "", words.text)
    if not trimmed.strip() or trimmed.casefold() in {"etwas", "was", "algo", "irgendwas"}:
        return Outcome("clarify", {"wanted": "imagine", "missing": "prompt"}, LIKELY)
    if trimmed != words.text:
        cut = len(words.text) - len(trimmed)
        words = sentence.cut(
            match["prompt"].replace(PHOTO, "").strip()[cut:], sentence.start + match.start("prompt")
        )
    return Outcome("imagine", {"prompt": words.text}, SURE, words)


def _which_photo(sentence: Sentence, match: re.Match[str]) -> Outcome | None:
    if sentence.photos:
        return None
    question = sentence.request.part(sentence.text, sentence.start)
    slots = {"wanted": "describe", "missing": "photo", "question": question.text}
    return Outcome("clarify", slots, LIKELY, question)


FOREIGN_RULES: tuple[Rule, ...] = compiled(
    # name_concept
    (rf"^(?:nenn(?:e)?|benenne|taufe?) {_NUMBERED} (?:bitte |jetzt )*(?P<name>.+?)[.!]*$", name_numbered),
    (
        rf"^{_NUMBERED} (?:ist|heißt|heisst|soll) (?:unser(?:e)? (?:\w+ )?|mein(?:e)? (?:\w+ )?)?{_NAME}(?: heißen)?[.!]*$",
        name_numbered,
    ),
    (rf"^(?:llama|nombra|llámale|ponle) {_NUMBERED} (?P<name>.+?)[.!]*$", name_numbered),
    (rf"^{_NUMBERED} (?:es|se llama) (?:mi (?:\w+ )?|nuestr[oa] (?:\w+ )?)?{_NAME}[.!]*$", name_numbered),
    (
        rf"^(?:benenne|nenne?) (?P<old>{A_CONCEPT}) (?:in|zu|ab jetzt|künftig|jetzt) (?P<name>.+?)(?: um)?[.!]*$",
        rename,
    ),
    (
        rf"^(?:renombra|cambia el nombre de|llama ahora) (?:a )?(?P<old>{A_CONCEPT}) (?:a|como|por) (?P<name>.+?)[.!]*$",
        rename,
    ),
    (
        rf"^(?:das|dies|der|die)(?: hier| da)? (?:ist|sind|heißt) (?:mein(?:e|en)? (?:\w+ )?|unser(?:e)? (?:\w+ )?)?{_NAME}[.!]*$",
        name_photo,
    ),
    (
        rf"^{A_PHOTO} (?:ist|zeigt|es|muestra) (?:mein(?:e)? (?:\w+ )?|mi (?:\w+ )?)?{_NAME}[.!]*$",
        name_photo,
    ),
    (
        rf"^(?:este|esta|ese|esa|esto|aquel)(?: de aquí)? (?:es|son|se llama) (?:mi (?:\w+ )?|nuestr[oa] (?:\w+ )?)?{_NAME}[.!]*$",
        name_photo,
    ),
    # forget, remember
    (
        rf"^(?:vergiss|vergesse|lösch(?:e)?|entferne?) (?:bitte |alles (?:über|von|zu) |alle daten (?:über|von|zu) )*(?P<who>{A_CONCEPT})(?: (?:wieder|bitte|ganz|komplett|für immer|endgültig))*[.!]*$",
        forget,
    ),
    (
        rf"^(?:olvida|olvídate|elimina|borra)(?: todo (?:sobre|de))?(?: de)?(?: a)? (?P<who>{A_CONCEPT})(?: (?:wieder|bitte|ganz|komplett|für immer|endgültig))*[.!]*$",
        forget,
    ),
    (
        rf"^(?:merk(?:e)? dir|denk(?:e)? (?:dran|daran)|vergiss nicht|notier(?:e)?(?: dir)?|behalte?|schreib dir auf)(?: bitte)?[,:]?(?: dass|:)? (?P<text>.*{A_CONCEPT}.+?)[.!]*$",
        remember,
    ),
    (
        rf"^(?:recuerda|acuérdate de|no olvides|anota|apunta|ten en cuenta)(?: por favor)?[,:]?(?: que|:)? (?P<text>.*{A_CONCEPT}.+?)[.!]*$",
        remember,
    ),
    # list_concepts
    (
        r"^(?:wen|was|welche (?:leute|personen|menschen|tiere|haustiere|dinge|sachen)) (?:kennst|erkennst|hast) du(?: alles| alle| schon| denn| so| bisher| gefunden| gelernt| erkannt)*[.!?]*$|^wer sind (?:meine|die) (?:leute|menschen|personen|haustiere|tiere)(?: in meinen \w+)?[.!?]*$"
        rf"|^wer (?:ist|kommt) (?:alles )?(?:in|auf) meinen {_PHOTOS_DE}(?: (?:vor|zu sehen))?[.!?]*$|^(?:zeig(?:e)?|list(?:e)?|nenn(?:e)?)(?: mir)? (?:alle|meine|die) (?:leute|personen|menschen|tiere|haustiere|dinge|gruppen|namen)(?: auf)?[.!?]*$",
        simple("list_concepts"),
    ),
    (
        rf"^(?:was weißt du|was weisst du|erzähl(?:e)?(?: mir)?(?: etwas| was)?|wer ist|was ist|kennst du) (?:über |von )?{A_CONCEPT}[.!?]*$",
        simple("list_concepts"),
    ),
    (
        r"^a qui[eé]n(?:es)? (?:conoces|reconoces|has (?:encontrado|aprendido|reconocido))(?: ya)?[.!?]*$|^(?:qu[eé]|cuáles) (?:personas|gente|mascotas|animales|cosas) (?:conoces|has encontrado|reconoces)[.!?]*$|^(?:qui[eé]nes|qui[eé]n) (?:son|es) mi (?:gente|familia)[.!?]*$|^qui[eé]nes son mis (?:personas|mascotas|animales)[.!?]*$"
        r"|^(?:muestra|muéstrame|lista|enséñame) (?:todas? |todos? )?(?:las |los |mis )(?:personas|mascotas|animales|gente|grupos|nombres)[.!?]*$|^qui[eé]n(?:es)? (?:sale|salen|hay|aparece|aparecen) en mis (?:fotos|imágenes)[.!?]*$",
        simple("list_concepts"),
    ),
    (
        rf"^(?:qu[eé] sabes|cuéntame(?: algo)?|háblame|qui[eé]n es|conoces)(?: de| sobre| a)? {A_CONCEPT}[.!?]*$",
        simple("list_concepts"),
    ),
    # find
    (rf"^(?:ich suche|gibt es|habe? ich|haben wir|hast du|hab ich)\b.*\b{_PHOTOS_DE}\b", simple("find")),
    (
        rf"^(?:wie viele|welche|alle|meine|die|auf welchen|auf wie vielen)(?: \w+)*? {_PHOTOS_DE}\b(?! {A_PHOTO})",
        simple("find"),
    ),
    (
        rf"^(?:zeig(?:e)?|such(?:e)?|find(?:e)?|hol(?:e)?|öffne){_COURTESY_DE} (?:.*\b{_PHOTOS_DE}\b|{A_CONCEPT}\b).*$",
        simple("find"),
    ),
    (rf"^{_PHOTOS_DE} (?:von|mit|aus|vom|am|im|in|wo|auf)\b", simple("find")),
    (rf"^(?:wann|wo) (?:habe?n?|hab|war|waren|sah) .*{A_CONCEPT}", simple("find")),
    (rf"^(?:busco|hay|tengo|tenemos|tienes)\b.*\b{_PHOTOS_ES}\b", simple("find")),
    (
        rf"^(?:cuántas|cuantas|qué|que|cuáles|todas|mis|en qué|en cuántas)(?: \w+)*? {_PHOTOS_ES}\b(?! {A_PHOTO})",
        simple("find"),
    ),
    (
        rf"^(?:muéstrame|muestrame|enséñame|ensename|muestra|busca|encuentra|quiero ver|ver|abre)(?: \w+)*? (?:{_PHOTOS_ES}\b|a {A_CONCEPT}).*$",
        simple("find"),
    ),
    (rf"^{_PHOTOS_ES} (?:de|con|en|del|donde|que)\b", simple("find")),
    (
        rf"^(?:cuándo|cuando|dónde|donde) (?:vi|vimos|he visto|hemos visto|estuvo|estaba|fue)\b.*{A_CONCEPT}",
        simple("find"),
    ),
    # imagine
    (
        r"^(?:zeichne|mal(?:e)?|skizziere|dibuja|dibújame|dibujame|pinta|píntame|pintame|haz(?:me)? (?:un dibujo|una imagen|un cuadro)|mach(?:e)?(?: mir)? (?:ein bild|eine zeichnung)|erstell(?:e)?(?: mir)? ein bild)(?: mir)?(?: bitte| por favor)?(?: etwas| was| algo)?[.!?]*$",
        lambda _s, _m: Outcome("clarify", {"wanted": "imagine", "missing": "prompt"}, LIKELY),
    ),
    (
        rf"^(?:zeichne|mal(?:e)?|skizziere|male){_COURTESY_DE}(?: {_PICTURE_DE} (?:von|mit))? (?P<prompt>.+)$",
        _imagine,
    ),
    (
        rf"^(?:erstell(?:e)?|erzeug(?:e)?|mach(?:e)?|generier(?:e)?|gib|schenk){_COURTESY_DE} {_PICTURE_DE} (?:von|mit|auf dem|wo|in dem) (?P<prompt>.+)$",
        _imagine,
    ),
    (
        rf"^(?:kannst|könntest|würdest|magst) du(?: mir| uns| bitte| mal)* (?:{_PICTURE_DE} (?:von|mit) )?(?P<prompt>.+?) (?:malen|zeichnen|skizzieren|erstellen|machen)[.!?]*$",
        lambda s, m: _imagine(s, m) if re.search(rf"{A_CONCEPT}|malen|zeichnen|skizzieren", m[0]) else None,
    ),
    (
        rf"^ich (?:möchte|will|hätte gern(?:e)?|wünsche mir)(?: gern(?:e)?)? {_PICTURE_DE} (?:von|mit) (?P<prompt>.+?)(?: (?:sehen|haben))?[.!]*$",
        _imagine,
    ),
    (rf"^{_PICTURE_DE} (?:von|mit) (?P<prompt>.+)$", _imagine),
    (rf"^stell dir (?:mal )?(?P<prompt>{A_CONCEPT} .+) vor[.!]*$", _imagine),
    (
        rf"^(?:dibuja|dibújame|dibujame|dibújanos|pinta|píntame|pintame|bosqueja|ilustra)(?: a| por favor)*(?: {_PICTURE_ES} (?:de|con))? (?P<prompt>.+)$",
        _imagine,
    ),
    (
        rf"^(?:haz|hazme|crea|créame|creame|genera|dame|quiero|quisiera|me gustaría)(?: por favor)?(?: ver)? {_PICTURE_ES} (?:de|con|donde) (?P<prompt>.+)$",
        _imagine,
    ),
    (
        r"^(?:puedes|podrías|podrias|quieres) (?:dibujar|pintar|dibujarme|pintarme)(?: a)? (?P<prompt>.+?)[.!?]*$",
        _imagine,
    ),
    (rf"^{_PICTURE_ES} (?:de|con) (?P<prompt>.+)$", _imagine),
    (rf"^imagina (?:a )?(?P<prompt>{A_CONCEPT} .+)$", _imagine),
    # describe without a photo
    (
        r"^(?:wer|was) (?:ist|sind|war) (?:das|dies|da|hier|drauf|auf (?:dem|diesem) (?:foto|bild))(?: (?:auf|in) (?:dem|diesem) (?:foto|bild))?(?: zu sehen)?[.!?]*$|^(?:beschreib(?:e)?|was siehst du)(?: mir)?(?: (?:das|dieses|mein|das letzte))?(?: (?:foto|bild))?(?: (?:auf|in) (?:dem|diesem) (?:foto|bild))?[.!?]*$"
        r"|^(?:wann|wo) (?:wurde|ist|war) (?:das|dies|dieses|es)(?: (?:foto|bild))? (?:aufgenommen|gemacht|entstanden)[.!?]*$",
        _which_photo,
    ),
    (
        rf"^(?:ist|sind|siehst du) (?:(?:das|dies|hier|da)(?: \w+)? )?{A_CONCEPT}(?: (?:auf|in|hier|da)\b.*)?[.!?]*$|^(?:ist|sind) (?:da |hier )?(?:jemand|wer|leute)\b.*(?:drauf|zu sehen|foto|bild)[.!?]*$",
        _which_photo,
    ),
    (
        r"^(?:qui[eé]n(?:es)?|qu[eé]) (?:es|son|hay|sale|aparece|se ve|está)(?: (?:este|esta|eso|esto|ese|esa|aquí|ahí))?(?: en (?:la|esta|esa) (?:foto|imagen))?[.!?]*$|^(?:describe|describa|qué ves)(?: (?:la|esta|esa|mi))?(?: (?:foto|imagen))?(?: en (?:la|esta) (?:foto|imagen))?[.!?]*$"
        r"|^(?:cu[aá]ndo|d[oó]nde) (?:se (?:tomó|hizo|sacó)|fue tomada|es)(?: (?:esta|esa|la) (?:foto|imagen))?[.!?]*$",
        _which_photo,
    ),
    (
        rf"^(?:es|está|esta|sale|ves a|aparece) (?:(?:este|esta|ese|esa|eso|esto) )?(?:a )?{A_CONCEPT}(?: (?:en|aquí|ahí)\b.*)?[.!?]*$",
        _which_photo,
    ),
)
