"""German and Spanish words for what photos show, and the grammar of short questions, in English.

Knows single words and a few fixed phrases; everything is spelt as `fold` leaves it: lower case, no accents.
"""
# ruff: noqa: E501 - tables of words read best in long lines

from __future__ import annotations

from assistant.language.ordinary_words import word_set

# fmt: off
_GERMAN_NOUNS = """
    hund=dog hunde=dogs welpe=puppy katze=cat katzen=cats kater=cat pferd=horse pferde=horses kuh=cow kuhe=cows
    schaf=sheep schafe=sheep ziege=goat schwein=pig schweine=pigs vogel=bird ente=duck enten=ducks huhn=chicken
    huhner=chickens fisch=fish fische=fish maus=mouse hase=rabbit kaninchen=rabbit bar=bear baren=bears affe=monkey
    elefant=elephant lowe=lion biene=bee schmetterling=butterfly tier=animal tiere=animals haustier=pet haustiere=pets
    mensch=person menschen=people leute=people person=person personen=people mann=man manner=men frau=woman frauen=women
    kind=child kinder=children baby=baby babys=babies junge=boy jungen=boys madchen=girl gesicht=face gesichter=faces
    freund=friend freunde=friends jemand=somebody niemand=nobody braut=bride strand=beach meer=sea see=lake fluss=river
    wasser=water welle=wave wellen=waves berg=mountain berge=mountains wald=forest baum=tree baume=trees blume=flower
    blumen=flowers gras=grass wiese=meadow garten=garden park=park feld=field schnee=snow eis=ice regen=rain himmel=sky
    wolke=cloud wolken=clouds sonne=sun mond=moon stern=star sterne=stars regenbogen=rainbow nebel=fog feuer=fire
    sonnenuntergang=sunset sonnenaufgang=sunrise haus=house hauser=houses gebaude=building kirche=church burg=castle
    schloss=castle turm=tower brucke=bridge stadt=city dorf=village strasse=street weg=path platz=square
    auto=car autos=cars zug=train bus=bus fahrrad=bicycle fahrrader=bicycles motorrad=motorcycle flugzeug=airplane
    boot=boat boote=boats schiff=ship lastwagen=truck tisch=table stuhl=chair stuhle=chairs sofa=sofa bett=bed
    lampe=lamp fenster=window tur=door spiegel=mirror kuche=kitchen zimmer=room wohnzimmer=living-room bad=bathroom
    buro=office schule=school buch=book bucher=books brief=letter zeitung=newspaper schild=sign text=text schrift=writing
    handy=phone telefon=phone kamera=camera computer=computer bildschirm=screen fernseher=television uhr=clock
    brille=glasses hut=hat mutze=cap hemd=shirt kleid=dress hose=trousers jacke=jacket mantel=coat schuh=shoe
    schuhe=shoes rucksack=backpack tasche=bag koffer=suitcase schirm=umbrella ball=ball spielzeug=toy puppe=doll
    geschenk=present kuchen=cake torte=cake brot=bread apfel=apple apfel=apple banane=banana pizza=pizza kaffee=coffee
    tee=tea bier=beer wein=wine essen=food glas=glass tasse=cup teller=plate flasche=bottle loffel=spoon messer=knife
    gabel=fork hochzeit=wedding geburtstag=birthday weihnachtsbaum=christmas-tree kerze=candle kerzen=candles
    ball=ball zelt=tent flagge=flag zaun=fence treppe=stairs dach=roof boden=floor wand=wall bank=bench
"""
_SPANISH_NOUNS = """
    perro=dog perra=dog perros=dogs cachorro=puppy gato=cat gata=cat gatos=cats caballo=horse caballos=horses vaca=cow
    vacas=cows oveja=sheep ovejas=sheep cabra=goat cerdo=pig pajaro=bird pajaros=birds ave=bird pato=duck patos=ducks
    pollo=chicken gallina=chicken pez=fish peces=fish raton=mouse conejo=rabbit oso=bear mono=monkey elefante=elephant
    leon=lion abeja=bee mariposa=butterfly animal=animal animales=animals mascota=pet mascotas=pets persona=person
    personas=people gente=people hombre=man hombres=men mujer=woman mujeres=women nino=child nina=girl ninos=children
    ninas=girls bebe=baby chico=boy chica=girl cara=face caras=faces rostro=face rostros=faces amigo=friend amiga=friend
    amigos=friends alguien=somebody nadie=nobody novia=bride playa=beach mar=sea lago=lake rio=river agua=water
    ola=wave olas=waves montana=mountain montanas=mountains bosque=forest arbol=tree arboles=trees flor=flower
    flores=flowers hierba=grass cesped=grass prado=meadow jardin=garden parque=park campo=field nieve=snow hielo=ice
    lluvia=rain cielo=sky nube=cloud nubes=clouds sol=sun luna=moon estrella=star estrellas=stars arcoiris=rainbow
    niebla=fog fuego=fire atardecer=sunset amanecer=sunrise casa=house casas=houses edificio=building iglesia=church
    castillo=castle torre=tower puente=bridge ciudad=city pueblo=village calle=street camino=path plaza=square coche=car
    coches=cars carro=car tren=train autobus=bus bicicleta=bicycle bicicletas=bicycles bici=bicycle moto=motorcycle
    avion=airplane barco=boat barcos=boats camion=truck mesa=table silla=chair sillas=chairs sofa=sofa cama=bed
    lampara=lamp ventana=window puerta=door espejo=mirror cocina=kitchen habitacion=room salon=living-room bano=bathroom
    oficina=office escuela=school libro=book libros=books carta=letter periodico=newspaper cartel=sign letrero=sign
    texto=text movil=phone telefono=phone camara=camera ordenador=computer pantalla=screen television=television
    reloj=clock gafas=glasses sombrero=hat gorra=cap camisa=shirt vestido=dress pantalones=trousers chaqueta=jacket
    abrigo=coat zapato=shoe zapatos=shoes mochila=backpack bolso=bag maleta=suitcase paraguas=umbrella pelota=ball
    juguete=toy muneca=doll regalo=present pastel=cake tarta=cake pan=bread manzana=apple platano=banana pizza=pizza
    cafe=coffee te=tea cerveza=beer vino=wine comida=food vaso=glass taza=cup plato=plate botella=bottle cuchara=spoon
    cuchillo=knife tenedor=fork boda=wedding cumpleanos=birthday vela=candle velas=candles tienda=tent bandera=flag
    valla=fence escalera=stairs tejado=roof suelo=floor pared=wall banco=bench
"""
_GERMAN_GRAMMAR = """
    ist=is sind=are war=was waren=were wurde=was wurden=were hat=has das=this dies=this dieser=this diese=this dieses=this
    diesem=this diesen=this es=it er=he sie=she wer=who wen=who wem=who was=what wann=when wo=where wohin=where wie=how
    welche=which welcher=which welches=which welchem=which welchen=which warum=why ein=a eine=a einen=a einem=a einer=a
    der=the die=the den=the dem=the des=the kein=no keine=no keinen=no und=and oder=or mit=with bei=with neben=with auf=on
    im=in+the in=in am=on+the an=on vor=before nach=after zu=to von=of vom=of+the aus=from foto=photo fotos=photos
    bild=photo bildes=photo bilder=photos aufnahme=photo hier=here da=here darauf=here drauf=here darin=here drin=here
    dabei=here sichtbar=visible abgebildet=visible siehst=see erkennst=recognize kennst=know findest=find du=you
    ich=i mir=me uns=us wir=we man=one nicht=not zusammen=together allein=alone alleine=alone beide=both auch=also noch=else sonst=else
    ausser=besides links=left rechts=right linken=left rechten=right vorne=front hinten=back mitte=middle
    jahr=year tag=day monat=month datum=date uhrzeit=time jahreszeit=season sommer=summer winter=winter fruhling=spring
    herbst=autumn letztes=last letzten=last gestern=yesterday heute=today weihnachten=christmas ostern=easter
    aufgenommen=taken gemacht=taken geschossen=taken fotografiert=taken entstanden=taken gross=big alt=old farbe=color
    farben=colors ordner=folder album=album land=country ort=place rot=red blau=blue grun=green gelb=yellow braun=brown
    schwarz=black weiss=white grau=gray rosa=pink orange=orange lila=purple bunt=colorful dunkel=dark hell=bright nacht=night
    nachts=night sonnig=sunny tagsuber=daytime unscharf=blurred scharf=sharp verschwommen=blurred verwackelt=blurred
    steht=stands geschrieben=written macht=does tut=does mag=like frisst=eat heisst=called rasse=breed januar=january
    februar=february marz=march april=april mai=may juni=june juli=july august=august september=september
    oktober=october november=november dezember=december mein=my meine=my meinen=my meinem=my meiner=my unser=our unsere=our
    dein=your deine=your sein=his seine=his ihr=her ihre=her vielleicht=maybe wirklich=really kannst=can zeigt=shows
    beschreibe=describe beschreib=describe bitte=please sag=tell lies=read weisst=know angst=afraid
"""
_SPANISH_GRAMMAR = """
    es=is son=are fue=was era=was estan=are este=this esto=this esta=this ese=that esa=that eso=that estos=these
    estas=these aqui=here ahi=here quien=who quienes=who que=what cuando=when donde=where como=how cual=which cuales=which
    cuanto=how+many cuantos=how+many cuantas=how+many un=a una=a unos=some unas=some algun=any alguna=any ningun=no el=the
    la=the los=the las=the y=and e=and o=or u=or con=with en=in de=of del=of+the a=to al=to+the foto=photo fotografia=photo
    fotos=photos imagen=photo hay=is+there sale=is aparece=is ves=do+you+see ve=see reconoces=do+you+recognize
    conoces=do+you+know no=not sola=alone solo=alone solos=alone tambien=also mas=else ademas=besides izquierda=left
    derecha=right centro=middle delante=front detras=back ano=year dia=day mes=month fecha=date hora=time estacion=season
    verano=summer invierno=winter primavera=spring otono=autumn pasado=last ayer=yesterday hoy=today navidad=christmas
    tomo=was+taken tomada=taken tomado=taken hizo=was+taken hecha=taken hecho=taken saco=was+taken grande=big viejo=old
    color=color colores=colors carpeta=folder album=album pais=country lugar=place rojo=red roja=red azul=blue verde=green
    amarillo=yellow amarilla=yellow marron=brown negro=black negra=black blanco=white blanca=white gris=gray rosa=pink
    naranja=orange morado=purple oscuro=dark oscura=dark claro=bright noche=night soleado=sunny borrosa=blurred
    borroso=blurred nitida=sharp nitido=sharp dice=says pone=says escrito=written mi=my mis=my nuestro=our nuestra=our
    tu=your su=his raza=breed enero=january febrero=february marzo=march abril=april mayo=may junio=june julio=july
    agosto=august septiembre=september octubre=october noviembre=november diciembre=december antes=before despues=after
    desde=since describe=describe describela=describe ambos=both lee=read gusta=like
"""
_PHRASES = """
    wie viele=how many|wieviele=how many|wie viel=how many|gibt es=is there|gibts=is there|zu sehen=visible
    |was ist zu sehen=what is here|wen siehst du=who do you see|was siehst du=what do you see|siehst du=do you see
    |erkennst du=do you recognize|kennst du=do you know|findest du=can you find|da drauf=here|da drin=here
    |auf dem foto=in the photo|auf dem bild=in the photo|auf diesem foto=in this photo|auf diesem bild=in this photo
    |in dem bild=in the photo|im bild=in the photo|in der mitte=in the middle|auf der linken seite=on the left
    |auf der rechten seite=on the right|im hintergrund=in the background|im vordergrund=in the front
    |was steht=what is written|wie alt=how old|wie gross=how big|wie spat=what time|was fur ein=what kind of
    |was fur eine=what kind of|was fur einen=what kind of|hat angst vor=is afraid of|zeigt das=does this show
    |zeigt das foto=does this show|zeigt das bild=does this show|schwarz weiss=black and white
    |a la izquierda=on the left|a la derecha=on the right|en el centro=in the middle|al fondo=in the background
    |se tomo=was taken|se hizo=was taken|se saco=was taken|fue tomada=was taken|fue tomado=was taken
    |fue hecha=was taken|que es esto=what is this|quien mas=who else|de que color=what color
    |que tipo de=what kind of|que clase de=what kind of|que dice=what does it say|que pone=what does it say
    |que ves=what do you see|que hay=what is here|a quien ves=who do you see|ves a=do you see|se ve a=do you see|se ve=is there
    |reconoces a=do you recognize|conoces a=do you know|en la foto=in the photo|en la imagen=in the photo
    |en esta foto=in this photo|en esta imagen=in this photo|ano pasado=last year|cuantos anos tiene=how old is
    |blanco y negro=black and white|el ano pasado=last year|le gusta a=like|hay alguien=is there anybody
    |wann und wo=when and where|cuando y donde=when and where|en que=in which|con que=with which|que camara=which camera
    |que ano=which year|mit wem=with who|con quien=with who|in welchem=in which|mit welcher=with which
"""
# fmt: on


def _table(text: str) -> dict[str, str]:
    pairs = (pair.split("=", 1) for pair in text.split())
    return {word: english.replace("+", " ") for word, english in pairs}


GERMAN = _table(_GERMAN_NOUNS) | _table(_GERMAN_GRAMMAR)
SPANISH = _table(_SPANISH_NOUNS) | _table(_SPANISH_GRAMMAR)
GERMAN_NOUNS = _table(_GERMAN_NOUNS)
SPANISH_NOUNS = _table(_SPANISH_NOUNS)
PHRASES = {
    phrase: english
    for phrase, _, english in (entry.strip().partition("=") for entry in _PHRASES.strip().split("|"))
}
"""Two words and more, which stand for other words than each of them alone."""
GERMAN_MARKERS = word_set("""
    ist das wer wen wann wo wie viele sind wurde siehst du gibt es dem auf ein eine einen der und welche
    welcher welches welchem zeigt kennst erkennst beschreibe beschreib steht hat nicht dieses diesem foto bild
    mein meine allein alleine im hier zu sehen auch oder mag macht frisst gern angst aufgenommen wem bei
    gemacht drauf
""")
SPANISH_MARKERS = word_set("""
    es esta este esto quien quienes que cuando donde cuantos cuantas hay en la el los las un una ves reconoces
    con de foto imagen aqui son se fue como cual mi alguien describe tomo sale aparece dice color sola solo
    ano y o
""")
ENGLISH_MARKERS = word_set("""
    is the this that who what when where how many are do does did you see it there on and with can has have
    taken photo picture of which any my here
""")
