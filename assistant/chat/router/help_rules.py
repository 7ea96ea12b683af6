"""Wording that the program answers itself: what it can do, where photos are kept, what it cannot do. Runs nothing."""
# ruff: noqa: E501 - a table of patterns reads best with one pattern a line

from __future__ import annotations

import re
from typing import Literal, get_args

from assistant.chat.router.outcome import SURE, Outcome, OutcomeOf, Rule, Sentence, compiled
from assistant.chat.router.words import A_CONCEPT, A_PHOTO, PHOTOS

Topic = Literal[
    "abilities",
    "about",
    "privacy",
    "upload",
    "delete_photos",
    "edit_photos",
    "drawing",
    "describing",
    "finding",
    "adding",
    "naming",
    "training",
    "forgetting",
    "undoing",
    "remembering",
    "instructions",
    "attaching",
    "scan",
    "status",
    "why",
    "acts",
    "backup",
    "formats",
    "left",
    "language",
    "internet",
    "suggestions",
    "quit",
]
"""What a request for help is about; `assistant.chat.program_answers` has an answer to each."""
TOPICS: tuple[Topic, ...] = get_args(Topic)

_HOW = r"(?:how (?:(?:do|can|could|should|would|am|did) (?:i|we|you|one)|to)(?: best| even| actually)?|what(?:'s| is) the (?:best )?way to|is it possible to|is there a way to|can (?:i|we)(?: also)?|may i|(?:explain|tell|show)(?: to)?(?: me| us)?,? how (?:to|i|you|one|we|someone)(?: can| could| should| do| must)?|teach me (?:how )?to|wie (?:kann|muss|soll)(?: ich| man)?|wie|cómo (?:puedo|se|puedes)?|como (?:puedo|se))"
_MINE = r"(?:my |our |the |all |all my |all of my |these |this |that |those |every |any |meine |alle |alle meine |mis |todas mis |las )"
_PHOTO_THINGS = rf"(?:{PHOTOS}|photo|picture|pic|image|selfie|photo library|library|collection|album|gallery|files?|folders?|camera roll|data|stuff|everything|fotos?|bilder|imágenes)"
_PLACES = r"(?:facebook|instagram|google(?: photos| drive)?|i-?cloud|the cloud|cloud|dropbox|flickr|twitter|x\.com|whatsapp|telegram|tik-?tok|the (?:internet|web|net)|online|internet|onedrive|pinterest|reddit|snapchat|youtube|signal|discord|slack|amazon|imgur|my (?:friends?|mom|mother|mum|dad|father|wife|husband|boss|sister|brother|family|phone|printer|email)|someone|somebody|everyone|him|her|them|mail|e-?mail|ins netz|in die cloud|la nube)"


def _help(topic: Topic) -> OutcomeOf:
    def outcome(sentence: Sentence, match: re.Match[str]) -> Outcome | None:
        return Outcome("help", {"topic": topic}, SURE)

    return outcome


def _left(sentence: Sentence, match: re.Match[str]) -> Outcome | None:
    """Of somebody who is known, there is what is known."""
    if sentence.request.concepts:
        return Outcome("list_concepts", {}, SURE)
    return Outcome("help", {"topic": "left"}, SURE)


HELP_RULES: tuple[Rule, ...] = compiled(
    (
        r"^(?:quit|exit|leave|close|bye and quit|log ?out|end (?:the )?chat|close (?:the )?(?:chat|program|app)|quit (?:the )?(?:chat|program|app)|stop the (?:chat|program)|beenden|schließen|ende|salir|cerrar|:q!?)[.!]*$",
        _help("quit"),
    ),
    (
        r"^(?:(?:show |get |give me |i need |need |some |print |more )*help(?: me)?(?: please)?|hilfe|ayuda|\?+|commands?|menu|instructions|manual|usage|what now|what next|now what|i(?:'m| am) (?:lost|stuck|confused|new here)|i don't know what to (?:do|say|ask)|how does (?:this|it|familiar) work|how do (?:i|you) (?:use|operate) (?:this|you|it|familiar)|how (?:do|can|should) i (?:start|begin|get started)|where do i (?:start|begin)|get(?:ting)? started)[.!?]*$",
        _help("abilities"),
    ),
    (
        r"^what (?:(?:else |all |exactly |kinds? of (?:things|stuff) )?(?:can|could|do) (?:you|u|i|we|this|familiar) (?:do|offer|help|ask|say|know how to do)|are (?:you able to|your (?:abilities|features|functions|commands|capabilities|skills|powers|tools)|the (?:commands|options|features)|you (?:capable of|good (?:at|for)))|can (?:i|we) (?:do|ask|say|type)|(?:tools|commands|features|functions|options) (?:do you|are there|can|have)|is possible(?: here)?|does (?:this|familiar|it) do)\b(?!.*(?:see|know about))"
        r"|^(?:list|show|tell)(?: me)?(?: us)?(?: all| the| your| what)* (?:commands|features|abilities|functions|options|you can do|tools)\b|^(?:how can|can|could) you help(?: me)?[.!?]*$|^was (?:kannst|machst) du(?: alles| denn| so)*[.!?]*$|^wie funktioniert (?:das|es|familiar)[.!?]*$|^(?:qu[eé] (?:puedes|sabes) hacer|cómo funciona(?: esto)?|como funciona(?: esto)?|qu[eé] haces)[.!?]*$",
        _help("abilities"),
    ),
    (
        r"^(?:who|what) (?:are|r) (?:you|u)(?: exactly| really)?[.!?]*$|^what(?:'s| is) (?:your name|familiar|this(?: program| app)?)[.!?]*$(?<!this\?)(?<!this)|^(?:who|which company) (?:made|built|created|wrote|programmed|develop(?:s|ed)|trained|owns) (?:you|this|familiar)\b|^are you (?:an? |really )?(?:ai|human|robot|bot|real|person|alive|chat ?gpt|a machine|a program|a model|an llm|conscious|sentient)[.!?]*$|^(?:what|which) (?:model|llm|language model|ai) (?:are you|do you use|is this|runs)\b|^describe yourself\b|^tell me (?:something )?about (?:yourself|you)[.!?]*$|^introduce yourself\b|^(?:wer|was) bist du[.!?]*$|^wie heißt du[.!?]*$|^qui[eé]n eres[.!?]*$|^qu[eé] eres[.!?]*$|^cómo te llamas[.!?]*$|^how old are you[.!?]*$|^do you have a name[.!?]*$",
        _help("about"),
    ),
    (
        r"^(?!(?:please )?(?:remember|note|keep in mind|merk|recuerda))(?=.).*\b(?:system prompt|(?:your|the|all|previous|prior|initial|hidden|secret|earlier) (?:instructions|prompts?|rules|guidelines|programming|directives))\b|^ignore (?:all|the|any|your|previous|everything)\b|^(?!(?:please )?(?:remember|note|merk|recuerda)).*\b(?:jailbreak|developer mode|dan mode|sudo mode|admin mode|god mode)\b|^(?:pretend|act as if|roleplay|from now on you) ",
        _help("instructions"),
    ),
    (
        r"^(?:why|how come|how) (?:did|do|are|were|can) you (?:think|say|said|believe|know|so sure|sure|tell|recogni[sz]e|come to|decide)\b(?!.*\bphoto of)|^what makes you (?:think|say|believe|so sure)\b|^(?:why|how come|warum|wieso|por qu[eé])[?!. ]*$|^(?:explain (?:that|this|your answer)|how sure (?:are|were) you|are you (?:really |very |quite )?(?:sure|certain)|really|seriously|bist du sicher|estás segur[oa])(?: about (?:that|this|it))?[?!. ]*$|^(?:warum|wieso) (?:glaubst|meinst|denkst) du\b|^¿?por qu[eé] (?:crees|dices|piensas)\b",
        _help("why"),
    ),
    (
        r"^(?:is|are) (?:there )?(?:still )?(?:anything|something|any \w+|traces?) (?:still )?(?:left|remaining|kept|stored|known)\b|^(?:did|have|has) (?:you|it) (?:really |already |actually |now )*(?:forg\w+|(?:delet|remov|eras)\w+ (?!(?:my|the|it|them|that|any|all|every\w*|photos?|pictures?|those|these|anything|something)\b)\S+)|^(?:is|are) (?!it\b|this\b|that\b|he\b|she\b)\S+ (?:really |completely )?(?:gone|forgotten|deleted|removed)\b|^hast du \S+ (?:vergessen|gelöscht)\b|^has olvidado a\b",
        _left,
    ),
    (
        r"^(?:did|have|has) (?:you|it|familiar) (?:really |just |already |now |ever |actually |not )*(?:delet|remov|eras|upload|sen[dt]|mail|e-?mail|post|order|book|buy|bought|call|shar|print|mov|renam|publish|tweet|install|open|cop(?:y|ied)|chang|edit)\w*\b|^(?:confirm|admit|tell me|say|promise|swear|prove|show me) (?:that |me that )?(?:you(?:'ve| have)? |i )(?:just |already |really )?(?:delet|remov|eras|upload|sent|send|mail|post|order|book|bought|call|shar|print|mov)\w*\b|^hast du .*\b(?:gelöscht|hochgeladen|verschickt|gesendet|geteilt|gekauft|bestellt)\b|^(?:has|lo has) .*\b(?:borrado|subido|enviado|compartido|comprado)\b|^order (?:me )?(?:some |a )?(?:prints?|photo ?books?)\b",
        _help("acts"),
    ),
    (
        r"^(?:(?:rede|sprich|antworte|habla|speak|talk|answer|reply)(?: (?:bitte|to me|with me|mit mir|conmigo|in|auf|en))* (?:deutsch|german|english|englisch|spanish|spanisch|español|ingl[eé]s|french|französisch|italian)|(?:do|can|could) you (?:speak|understand|answer in) \w+|(?:sprichst|kannst) du (?:auch )?\w+(?: sprechen)?|¿?hablas \w+|which languages? (?:do|can) you \w+)[?!. ]*$",
        _help("language"),
    ),
    (
        r"^(?:suggestions?|vorschläge|sugerencias)[?!. ]*$|^(?:is|are) there (?:anything|something|any \w+|photos) (?:to (?:confirm|check|look at|review)|waiting)\b|^(?:what|anything|which photos) (?:is|are|needs?|should i) (?:waiting|to be confirmed|confirm\w*|checking|check)\b|^(?:let me|i want to|shall we) (?:confirm|check|review)(?: (?:some|the|your))? (?:photos|suggestions|guesses)\b",
        _help("suggestions"),
    ),
    (r"^forget (?:that (?!⟦)|what i (?:said|told you|wrote)|my (?:note|remark))\b.*\w", _help("remembering")),
    # privacy
    (
        rf"^(?=.*\b(?:my|our|you|your|this|it|anything|data|photos?|pictures?|chats?|conversations?|familiar|everything|nothing|information|faces)\b)(?:are|is|will|do|does|did|have|has|could|can|would)\b.*\b(?:upload(?:ed|ing|s)?|sent?|send|sends|shared?|shares|leaves?|leak(?:ed|s)?|transmit(?:ted)?|stolen|phone home|call home|spy|track(?:ed|ing|s)?|telemetry|collect(?:ed|s|ing)?|private|secure|confidential|encrypted|in the cloud|to the cloud|stored online|see(?:n)? by (?:anyone|others|someone)|online|internet|train(?:ed)? on my|sell|sold|safe(?: here| with you| from))\b(?!.*\b(?:in|on) (?:this|that|the) (?:photo|picture))(?!.*{A_PHOTO})",
        _help("privacy"),
    ),
    (
        r"^(?:where|how|in which folder|on which \w+) (?:do|does|are|is|will|did|exactly|have) (?:you|my|our|the|this|familiar|it|all|everything)\b.*\b(?:stor(?:e|ed|ing|age)|kept?|saved?|live|lie|located|located|put)\b(?!.*photo of)|^what (?:do|does|did|data) (?:you|familiar|this|it|do you)\b.*\b(?:store|keep|save|collect|record|log|send|upload|share)\b|^(?:who|what|which companies|anyone|anybody) (?:can|could|has|have|gets?|else) .*\b(?:see|access|read|look at|view)\b.*\b(?:my|our|this|the|these)\b(?!.*\b(?:photo|picture) )|^what about (?:my )?(?:privacy|data|security)\b|^(?:privacy|data protection|gdpr|datenschutz|privacidad|security)[.!?]*$|^(?:tell me|explain|how) .*\bprivacy\b|^how (?:private|safe|secure) (?:is|are)\b|^do you (?:need|use|have|require) (?:the |an )?(?:internet|network|connection|wifi|server)|^does (?:this|it|familiar) (?:work|run) (?:offline|locally|without|on my)|^(?:is|are) (?:this|it|you|everything) (?:local|offline|on my (?:machine|computer|laptop)|running locally|on device)\b|^who (?:can )?sees? (?:my|our|these) |^(?:can|could|do|will) (?:other people|others|anyone|anybody|someone|somebody|people|strangers|hackers?|google|the government|companies) .*\b(?:see|access|read|look at|get|view)\b",
        _help("privacy"),
    ),
    (
        r"^(?:werden|wird|sind|ist|bleiben|speicherst|sendest|schickst|lädst|teilst) .*\b(?:hochgeladen|gesendet|verschickt|privat|sicher|cloud|internet|gespeichert|geteilt|lokal|daten)\b.*|^(?:meine|die) (?:fotos|bilder|daten) .*\b(?:hochgeladen|sicher|privat|geteilt)\b.*|^(?:mis|las) (?:fotos|imágenes|datos) (?:se (?:suben|envían|comparten|guardan)|están|son) .*|^wo (?:speicherst|werden|liegen|sind|bleiben) .*\b(?:daten|fotos|bilder|gespeichert|alles)\b.*|^wer (?:kann|sieht) .*\b(?:fotos|bilder|daten)\b.*|^(?:se (?:suben|envían|comparten)|están|son|dónde (?:guardas|se guardan|están)|donde (?:guardas|se guardan)|qui[eé]n (?:puede ver|ve)|compartes|envías|subes) .*\b(?:fotos|datos|privad[ao]s?|segur[ao]s?|nube|internet|imágenes)\b.*",
        _help("privacy"),
    ),
    # what it cannot do
    (
        r"^(?:puedes|podrías|podrias|quiero que|me puedes|quieres) .*\b(?:envi\w+|mand\w+|subi\w+|sub[ae]s?|compart\w+|public\w+|imprim\w+)\b.*$|^(?:kannst|könntest|würdest|willst) du .*\b(?:\w*schicken|\w*senden|hochladen|teilen|posten|\w*drucken|mailen|veröffentlichen)[?!. ]*$",
        _help("upload"),
    ),
    (
        r"^(?:puedes|podrías|quiero que|quieres) .*\b(?:borr\w+|elimin\w+)\b.*\b(?:fotos?|imágenes|archivos?)\b.*$|^(?:kannst|könntest|würdest) du .*\b(?:fotos?|bilder|dateien|duplikate)\b.*\b(?:löschen|entfernen)[?!. ]*$",
        _help("delete_photos"),
    ),
    (
        r"^(?:puedes|podrías|quieres) .*\b(?:recort\w+|edit\w+|gir\w+|mejor\w+)\b.*$|^(?:kannst|könntest|würdest) du .*\b(?:zuschneiden|bearbeiten|drehen|verbessern|aufhellen|sortieren)[?!. ]*$",
        _help("edit_photos"),
    ),
    (
        rf"^(?:upload|share|post|send|e-?mail|mail|tweet|publish|back ?up|sync|transfer|forward|text|message|export|put|print|text|lade|teile|schicke?|sende|poste|sube|comparte|envía|envia|publica|manda)\b(?: .*)?\b(?:{_PLACES}|to {A_CONCEPT})(?!\w).*$"
        rf"|^(?:upload|share|post|e-?mail|publish|tweet|print|sync|sube|comparte|publica|teile|poste)(?: me| us)? (?:{_MINE})?(?:{_PHOTO_THINGS}|{A_PHOTO}|it|that|this|these|{A_CONCEPT})(?!\w).*$|^lade? .*\bhoch\b.*$|^(?:call|phone|ring|text|message|contact) (?:my|our) (?:\w+ ?){{1,3}}[.!]*$|^make (?:\w+ ){{1,4}}public[.!]*$",
        _help("upload"),
    ),
    (
        rf"^(?:delete|remove|erase|wipe|clear|trash|get rid of|throw away|destroy|format|clean up|shred|purge|empty)(?: out)? (?:all |everything|every |each |my |our |the |these |those |this |that |of |old |bad |blurry |duplicate |duplicates|dark |ugly |twenty |\d+ |some )*(?:{_PHOTO_THINGS}|duplicates|{A_PHOTO}|hard (?:disk|drive)|disk|computer|folder|library|it all|everything|{PHOTOS})(?: (?:of|from|with|in|on|where|that|which|please|now|forever|for good) ?.*)?[.!]*$|^(?:delete|remove|erase|wipe) {A_PHOTO}[.!]*$|^(?:lösch(?:e)?|entferne?) (?:bitte )?(?:alle |meine |alle meine |das |dieses |die )(?:fotos?|bilder?|daten|alles)\b.*$|^lösch(?:e)? (?:bitte )?alles[.!]*$|^(?:borra|elimina) (?:todas? |todo |mis |las |la |esta )*(?:fotos?|imágenes|datos|todo)\b.*$",
        _help("delete_photos"),
    ),
    (
        rf"^(?!.*(?: from| out of| into| to) {A_CONCEPT})(?:crop|rotate|flip|enhance|sharpen|brighten|darken|resize|convert|edit|retouch|colou?ri[sz]e|straighten|blur|compress|filter|upscale|restore|photoshop|improve|fix|rename|move|copy|sort|organi[sz]e|tidy(?: up)?|clean up|archive|zip|tag|star|rate|schneide|drehe|bearbeite|verbessere|sortiere|recorta|gira|edita|mejora|ordena)\b(?: up)? (?:{_MINE}|of )*(?:{_PHOTO_THINGS}|{A_PHOTO}|exposure|background|red eyes?|colou?rs?|contrast|brightness)(?!\w)(?!'s name).*$|^(?:make|create|build|start|design) (?:me |us )?(?:a|an|another|my|new)(?: new| photo| nice)* (?:album|slide ?show|calendar|collage|photo ?book|video|gif|movie|folder|print|book|film)\b.*$|^(?:make|turn) (?:{_MINE})?(?:{_PHOTO_THINGS}|{A_PHOTO}|it|drawing|painting) (?:brighter|darker|sharper|bigger|smaller|black and white|warmer|larger|nicer)\b.*$|^(?:remove|change|replace) the (?:background|red eyes?|sky|people)\b.*$|^(?:edit|cut|crop|photoshop|retouch|paste) {A_CONCEPT} (?:out|into|onto|from|away)\b.*$|^add (?:a )?(?:filter|caption|text|frame|border|watermark|sticker)s?\b.*$",
        _help("edit_photos"),
    ),
    # how to
    (
        r"^(?:which|what|welche|qu[eé]|cu[aá]les)\b.*\b(?:formats?|file ?types?|kinds of files?|formate|dateitypen|formatos)\b.*$|^(?:do|can|does) (?:you|it|familiar) (?:support|read|open|understand|handle|take)\b.*\b(?:heic|heif|raw|jpe?gs?|pngs?|tiffs?|webp|avif|videos?|movies|dng|cr2|cr3|nef|arw|gifs?|pdfs?|files?)\b.*$",
        _help("formats"),
    ),
    (
        rf"^{_HOW} .*\b(?:backups?|back up|restore|sichern|sicherung|sicherungskopie|copia de seguridad|respaldo|respaldar|new computer|neuen rechner)\b.*$|^(?:make|create|do) (?:a )?backups?(?: of .*)?[.!]*$|^cómo hago una copia\b.*$",
        _help("backup"),
    ),
    (
        rf"^{_HOW} .*\b(?:draw|paint|sketch|imagine|generate|create (?:a )?(?:picture|image)s?|make (?:a )?(?:picture|image|drawing)s?|malen|zeichnen|dibujar|pintar)\b.*$|^(?:can|do|could|are) you (?:even |actually |really |also )?(?:able to )?(?:draw|paint|sketch|make pictures|create (?:images|pictures)|generate (?:images|pictures)|drawing)(?: (?:pictures|people|things|images))?[.!?]*$|^kannst du (?:auch )?(?:malen|zeichnen)[.!?]*$|^(?:puedes|sabes) (?:dibujar|pintar)[.!?]*$",
        _help("drawing"),
    ),
    (
        rf"^{_HOW} .*\b(?:train|teach|learn|trainieren|beibringen|entrenar|enseñarte|enseñar)\b.*$|^(?:what does|what is) training\b.*$|^what does it mean to train\b.*$|^(?:why|when) (?:do|should|must) (?:i|you) (?:train|learn)\b.*$|^how long does (?:training|learning|it take to (?:train|learn))\b.*$",
        _help("training"),
    ),
    (
        rf"^{_HOW} .*\b(?:undo|revert|take back|reverse|rückgängig|deshacer|fix (?:a|my) mistake|correct (?:a|my) mistake)\b.*$|^(?:can|could) (?:i|we) (?:still )?(?:undo|take back|revert)\b(?! it| that| this).*\?$",
        _help("undoing"),
    ),
    (
        rf"^{_HOW} .*\b(?:delete|remove|forget|change|edit|correct|take back)\b.*\b(?:facts?|notes?|what i (?:said|told)|something i (?:said|told))\b.*$",
        _help("remembering"),
    ),
    (
        rf"^{_HOW} .*\b(?:forget|delete|remove|erase|vergessen|löschen|entfernen|olvidar|borrar|eliminar|uninstall|wipe)\b.*$|^(?:what happens|what is lost) (?:if|when) (?:i|you) (?:forget|delete|remove)\b.*$|^do you (?:really |ever )?(?:delete|forget) (?:things|data|people|everything)?[.!?]*$",
        _help("forgetting"),
    ),
    (
        rf"^{_HOW} .*\b(?:give .* names?|name|rename|label|call|tag|nennen|benennen|umbenennen|nombrar|renombrar|merge|split|correct|confirm|reject|combine)\b.*$",
        _help("naming"),
    ),
    (
        rf"^{_HOW} .*\b(?:add|import|scan|register|load|include|open a folder|hinzufügen|importieren|añadir|agregar|importar)\b.*$|^(?:my|our|the) (?:photos|pictures|images) (?:are|is|live|lie|can be found) (?:in|at|under|on)\b.*$|^(?:meine|die) (?:fotos|bilder) (?:sind|liegen) (?:in|auf|unter)\b.*$|^mis fotos están en\b.*$|^(?:add|import|register|load|index|include|look (?:at|into|through)(?! (?:a|this|that|my|the|one)(?: \w+)? (?:photo|picture|image)\b)) (?:my |our |the |a |another |this |that )*(?:photos?|pictures?|folders?|directory|library|camera roll|images?)\b(?! of)(?!.*{A_PHOTO}).*$|^where (?:do|can) i (?:put|add)\b.*$",
        _help("adding"),
    ),
    (
        rf"^{_HOW} .*\b(?:attach|drop|paste|give you|show you|send you|upload)\b.*\b(?:photo|picture|image|file|pic|foto|bild)s?\b.*$|^{_HOW} (?:attach|drop|paste)\b.*$",
        _help("attaching"),
    ),
    (
        rf"^{_HOW} .*\b(?:remember|keep (?:a )?(?:note|fact)|tell you|note down|merken|recordar)\b.*$",
        _help("remembering"),
    ),
    (
        rf"^{_HOW} .*\b(?:find|search|look for|finden|suchen|buscar|encontrar)(?:[?!. ]*$| (?:for |all |my |the |old |a |an |one |particular |specific |certain |nach |meine |mis |las |una )*(?:{PHOTOS}|photo|picture|image|pic|foto|bild|bilder|imágenes|someone|somebody|people|person|pets?|things?|{A_CONCEPT}|dogs?|cats?)(?!\w)).*$|^(?:can|do|could) you (?:find|search)(?: (?:photos|pictures|things|images|my photos))?[.!?]*$",
        _help("finding"),
    ),
    (
        rf"^{_HOW} .*\b(?:describe|ask (?:about|you about)|recogni[sz]e|identify|beschreiben|erkennen|describir|reconocer)\b.*$|^(?:can|do) you (?:even |actually |really )?(?:see|describe|recogni[sz]e) (?:photos|pictures|faces|people|images|things|anything)?[.!?]*$",
        _help("describing"),
    ),
    # what it does at once
    (
        r"^(?:re-?scan|scan)(?: (?:again|now|everything|my|our|the|all|for|new|photos?|pictures?|images?|folders?|library|files?|changes|it|please|once more|of))*[.!]*$|^(?:look|check|search) for (?:new|changed)(?: and (?:new|changed))? (?:photos|pictures|images|files)(?: (?:in|on) .*)?[.!]*$|^(?:any|are there(?: any)?|did you find(?: any)?) new (?:photos|pictures)[.!?]*$|^(?:update|refresh|sync)(?: (?:the|my))? (?:library|photos|folders|index)[.!]*$|^(?:scanne?|durchsuche?|prüfe?) (?:bitte )?(?:meine |die |alle )*(?:fotos|bilder|ordner|neue fotos|nach neuen fotos)[.!]*$|^(?:escanea|revisa|busca fotos nuevas en) (?:mis |las )?(?:fotos|carpetas)[.!]*$|^escanea(?:r)?[.!]*$",
        _help("scan"),
    ),
    (
        r"^(?:did|have|has) (?:you|it|familiar) (?:already |really |ever |finally |just )*(?:train|scan|finish|stud|read|look|analy|recogni|index)\w*\b(?!.* (?:in|on) (?:this|that|the) (?:photo|picture))|^(?:status|progress|what are you (?:doing|working on|up to)(?: right now| now)?|what(?:'s| is) (?:going on|running|happening|the status|your status)|are you (?:busy|done|finished|ready|training|scanning|working|still (?:training|scanning|working|busy))|how far (?:are|is) (?:you|it|the \w+)|is (?:it|the training|training|the scan) (?:done|finished|ready|running|over)|how (?:many|much) (?:photos|pictures|memory|space|disk) (?:do you (?:have|know|use|need)|have you (?:seen|scanned)|are (?:there )?in (?:the|my) library))[.!?]*$|^was machst du(?: gerade)?[.!?]*$|^qu[eé] estás haciendo[.!?]*$",
        _help("status"),
    ),
)
