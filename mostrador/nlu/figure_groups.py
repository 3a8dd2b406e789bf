"""Words and beginnings of words that mean alike to whoever counts goods: one learnt from helps to know the rest.

A star stands for any ending: ``rest*`` is restar, restale, restamos. All as ``text.plain`` leaves them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Dict, FrozenSet, List, Tuple

from mostrador.nlu import figure_words as about
from mostrador.nlu.text import plain

_STOCK_TALK: Dict[str, str] = {
    "came in": """
        receiv* reciev* arriv* came reached landed restock* replenish* shipment* consignment batch lot fresh incoming
        delivered unloaded purchased procured sourced turned dropped supplier vendor
        lleg* entr* ingres* recib* trajer* trajo traje surt* resurt* repus* repon* reposicion flete proveedor lote
        tanda partida camion encontr* aparec*
        aaye aaya aayi aagay* aagai* aagaya aae aai aye aya pahunch* mila mile mili utra utre utri khep lot maal
        naya naye nayi nai supplier
        आए आया आई आये आयी आईं पहुंच* मिला मिले मिली मिलीं उतर* खेप लॉट माल नया नए नई नये सप्लायर
    """,
    "made": """
        made make finish* complet* produc* stitch* craft* wove* weav* knit* crochet* sewn sewed carv* glaz* fired
        painted built assembl* printed baked poured cured bottled wrapped thrown dyed dried embroider* framed kiln
        workshop potter tailor karigar ready
        hice hicimos hizo hicieron termin* fabri* produj* elabor* teji* tejid* cosi* cosid* pint* arme arm* horne*
        horno talle* tallad* bord* imprim* listo lista listos listas taller acab*
        banay* banai* bana bani bane banke banakar bun buna bune buni bunkar siliye sile sili taiyar tayyar taiyaar
        ready chhap* chap* pack hue hui complete bhatti pake
        बनाए बनाया बनाई बनाईं बनाये बना बनी बने बनकर बुन* सिल* तैयार रेडी छप* भट्टी पैक पके
    """,
    "came back": """
        return* back refund* cancelled
        devolv* devuel* regres* volvi* vuelve* cancelaron
        wapas vapas waapas lauta* laut* return
        वापस लौट* रिटर्न
    """,
    "more": """
        more another extra additional plus newly new
        mas otro otra otros otras extra adicional* nuevo nueva nuevos nuevas
        aur extra zyada ज्यादा और एक्स्ट्रा अतिरिक्त
    """,
    "add": """
        add added adding adds include increase* increment* raise* bump top plus credit
        sum sumo sum* agreg* anad* aument* increment* carg* subi* incorpor* inclu*
        jod* joro jodo badha* barha* chadha* charha* mila milao plus add daal* dal dalo daldo
        जोड* चढा* बढा* बढ* चढ* मिला प्लस ऐड एड डाल*
    """,
    "sold": """
        sold sell sale sales selling bought buyer
        vend* venta ventas compro compraron compre
        bik bike bika biki bikin bikgay* bech* bikri sale sold becha khareed* kharid*
        बिक* बेच* सेल सोल्ड खरीद*
    """,
    "spoilt": """
        broke broken break cracked crack smashed shatter* chipped ruin* damag* destroy* burnt burned torn stained
        faded rotten mould* mold* expired spoil* lost missing misplaced stolen stole theft robbed defective dud
        faulty reject* scrap* binned waste* eaten chewed moth* termite* flood* wet ripped bent dented short
        romp* roto rota rotos rotas quebr* perd* rob* dan* arruin* moj* quem* ech* pic* cay* muri* tir* caduc* venc*
        fall* defect* golpe* humedad pudri* rasg* manch* raj* estrope* extravi*
        toot* tut tute tuta tuti phat* foot* phoot* chatak* jal jale jala kharab barbad bekar chori gum kho khoye
        khoya gira gire giri deemak chooh* pichak* leak daag fenk* phenk* sad gaya
        टूट* तोड* फट* फूट* चटक* जल जले जला खराब बर्बाद बेकार चोरी गुम खो खोए खोया गिर* दीमक चूह* पिचक* लीक फेंक*
        सड* दाग
    """,
    "given away": """
        gave given gift* donat* freebie* sample* raffle took taken lifted picked dispatch* despatch* shipped gone went
        away used
        regal* don* muestra* llevo llevaron llevaro despach* entreg* envie enviamos salio salieron sali fueron fue
        diye didi de gift daan dan sample legay* legaya utha uthay* nikal* nikle nikla nikli gaye gayi gaya ghayab
        दिए दिये दे गिफ्ट दान सैंपल ले उठा उठाए निकल* गए गयी गई गया गायब
    """,
    "take off": """
        minus less deduct* subtract* remove* removing reduc* decreas* drop lower cut knock chop pull off fewer cancel*
        out delete
        quit* rest restar resta restale reste* restalos restalas restalo restame sac saca* saque descont* descuent* baj*
        reduc* disminu* elimin* borr* descarg* merma menos fuera cancel*
        ghata* hata* kam kaat* kat kato nikal* minus cancel less
        घटा* हटा* कम काट* कट निकाल* माइनस कैंसल
    """,
    "counted": """
        count* recount* tally total altogether stocktake inventor* physical exactly register ledger
        conte contamos contando recuento conteo total totales cuento revise libreta exact*
        ginti gin gina gine gini gink* kul total hisab register
        गिन* कुल टोटल हिसाब
    """,
    "is there": """
        left remain* have has weve ive got hold holding carry* own still balance available avl avail hand showing
        shows says reads lying theres there exist currently now present moment
        qued* tengo tenemos hay habia disponib* dispong* existenc* actual ahora ahorita rest* todavia siguen cuento
        bach* hai hain pade pada padi khade khadi paas pas mere hamare humare abhi ab rah reh rahe available left
        maujood
        बच* है हैं पडे पडा पडी खडे पास मेरे हमारे अभी अब रह रहे उपलब्ध मौजूद शेष बाकी
    """,
    "kept": """
        shelf shelves warehouse godown pantry box store storeroom cupboard drawer rack garage attic stall studio
        bodega deposito galpon local anaquel cajon estante almacen casa vitrina mostrador tienda
        godown almari dukan dukaan ghar rack dabbe store
        गोदाम अलमारी दुकान घर रैक डिब्बे
    """,
    "set": """
        set setting update updated change changed correct replace enter put edit should fix read book same
        actualiz* correg* corrig* cambi* pone pon poner ponel* ponl* pongan ponga dej* fij* marc* apare* anot* debe*
        set kar karo kardo karna kariye kijiye karen likh* rakh rakho rakhna rakhdo update badal* theek sahi
        सेट कर करो करें करना कीजिए कीजिये लिख* रख रखो रखना अपडेट बदल* ठीक सही रहने
    """,
    "wanted": """
        want* need* order* buy* send deliver* book* reserv* require* quote* quotation purchase gimme looking keep aside
        hold ship bring like love please wedding function favours parcel confirm
        quier* quisi* necesit* ocup* precis* dame deme mand* compr* llev* apart* separ* reserv* encarg* ped* cotiz*
        guard* envi* tom* urgen boda evento pas* anota* consig*
        chahiy* chaiye chaahiy* mangw* mang* lena lene leni lenge lunga lungi loon* dena de dedo dijiy* bhej* bhijw*
        kharid* khareed* lagenge lagega milega milenge milegi order book rakh shaadi function pack
        चाहिए चाहिये चाहिएं मंगव* मंगा* लेना लेने लेनी लेंगे लूंगा लूंगी देना दीजिए दें भेज* भिजव* लगेंगे लगेगा मिलेगा
        मिलेंगे मिलेगी ऑर्डर बुक शादी पैक
    """,
    "cart": """
        cart* basket bag trolley carrito carro carro* canasta pedido order kart कार्ट ऑर्डर बास्केट
    """,
    "can make": """
        weekly daily monthly per week month year capacity can could
        semana semanas mes dia diarios mensual* podemos puedo podria hago hacemos sacamos fabricamos
        hafte hafta mahine mahina har roz rozana sakte sakta sakti
        हफ्ते हफ्ता महीने महीना हर रोज रोजाना सकते सकता सकती लेते
    """,
    "asks": """
        do does is are can could would will available how what when which where why
        tenes tienes tienen tendran hay habra puede* pueden podes podrias como cuando cuanto cuanta cual donde que
        kya kitna kitne kitni kab kahan kaun kaunsa kaise
        क्या कितना कितने कितनी कब कहां कौन कौनसा कैसे
    """,
    "not": """
        not no dont didnt never nothing isnt wasnt cant wont without
        no nunca nada ni sin tampoco
        nahi nahin mat na nai नहीं मत ना न
    """,
    "money": """
        price* cost* rate* mrp budget worth bill* quot* paid pay pays payment advance deposit* transfer* gpay upi refund
        cheap* expensive discount charge* rupee* each apiece spend afford
        preci* cuest* cost* val* presupuest* sal* pag* gast* deposit* transfer* cobr* oferta* rebaj* barat* car* sena
        cada tope maxim* limite ofrezco total
        daam dam keemat kimat bhav bhaav rate budget paisa paise rupay* rupee* bheja bheje advance mehnga sasta saste
        kharch hisab last final
        दाम कीमत* भाव रेट बजट पैसा पैसे भेजा भेजे एडवांस महंगा सस्ता सस्ती खर्च हिसाब फाइनल रुपय* रुपए
    """,
    "bounded": """
        under below within upto beneath max maximum min around approx about above beyond than less tops limit
        hasta menos debajo maximo minimo alrededor cerca pase pasen tope bajo
        andar neeche niche tak kam upar zyada अंदर नीचे तक ऊपर कम ज्यादा
    """,
    "instalments": """
        emi emis install* instal* instalm* payment* tranche* cuot* pago pagos mensualid* msi abono* parcialid* plazo*
        quincen* financ* kist* kisht* qist* tenure klarna clearpay paypal tarjeta card interes* byaj biaj vyaj
        monthly fortnight* loan
        किस्त* किश्त* ईएमआई इएमआई ब्याज कार्ड फाइनेंस लोन
    """,
    "split": """
        split* spread divid* break parts part convert over across
        divid* repart* part* abon* baant* bant* hiss* tukd* बांट* बाट* हिस्स*
    """,
    "time": """
        week* day days hour* year* yr yrs month* minute* ago since old warranty guarantee by until before after
        semana* dia dias hora* ano anos mes meses minuto* hace desde garantia antes
        din dino hafte hafton ghant* saal mahin* minute se pehle baad warranty guarantee baje
        दिन दिनों हफ्ते हफ्तों घंट* साल महीन* मिनट से पहले बाद वारंटी गारंटी बजे
    """,
    "named": """
        model* item product sku code order invoice bill ticket room flat floor gate platform shop stall page error
        series version size shade hall lane sector plot house street road avenue number no type class cat code pin
        modelo* sku codigo pedido factura piso depto calle avenida av puesto local error talla talle numero serie tipo
        clase ruta km cp dni cuit sucursal timbre tarjeta terminada
        model number nambar no gali makan sector gate size order bill pin code type class
        मॉडल नंबर गली मकान सेक्टर गेट साइज ऑर्डर बिल पिन कोड टाइप
    """,
    "brand": """
        iphone galaxy redmi note samsung moto xiaomi realme vivo oppo poco pixel hp dell lenovo sony ps xbox windows
        android usb wifi hdmi bluetooth ryzen core rtx intel hikvision dahua jbl macbook ipad kindle casio boat jio
        आईफोन रेडमी सैमसंग गैलेक्सी रियलमी वीवो विंडोज एक्स एस
    """,
    "people": "kids children people persons members friends hijos integrantes personas nenes log bachche लोग बच्चे लोगों",
}


def _stems() -> Tuple[Dict[str, FrozenSet[str]], Dict[str, FrozenSet[str]]]:
    whole: Dict[str, List[str]] = {}
    begun: Dict[str, List[str]] = {}
    for name, words in _STOCK_TALK.items():
        for word in words.split():
            stem = plain(word.rstrip("*"))
            (begun if word.endswith("*") else whole).setdefault(stem, []).append(name)
    for name, known in about.GROUPS.items():
        for word in known:
            whole.setdefault(word, []).append(name)
    return {w: frozenset(n) for w, n in whole.items()}, {w: frozenset(n) for w, n in begun.items()}


TALK = frozenset(_STOCK_TALK)
_WHOLE, _BEGUN = _stems()
_LONGEST = max(map(len, _BEGUN))


@lru_cache(maxsize=8192)
def groups_of(word: str) -> Tuple[str, ...]:
    """The names of the groups that ``word`` is in, in a fixed order."""
    found = set(_WHOLE.get(word, ()))
    for end in range(2, min(len(word), _LONGEST) + 1):
        found |= _BEGUN.get(word[:end], frozenset())
    return tuple(sorted(found))
