"""Words by which ``figure_items`` finds numbers, and groups of words from which ``figure_model`` learns what they are.

All as ``text.plain`` leaves them; Hindi in both scripts.
"""

from __future__ import annotations

from typing import Collection, Dict

from mostrador.nlu import number_words as spelt
from mostrador.nlu.number_words import known

# --- money ------------------------------------------------------------------------------------------------------------

CURRENCY_SIGNS: Dict[str, str] = {  # glued to a number, before or after it
    "us$": "USD", "u$s": "USD", "u$d": "USD", "usd$": "USD", "usd": "USD", "mx$": "MXN", "mxn": "MXN", "ar$": "ARS",
    "ars": "ARS", "clp": "CLP", "cop": "COP", "uyu": "UYU", "pen": "PEN", "rs.": "INR", "rs": "INR", "inr": "INR",
    "re": "INR", "₹": "INR", "रु": "INR", "रु.": "INR", "रू": "INR", "eur": "EUR", "€": "EUR", "gbp": "GBP", "cad": "CAD",
    "aed": "AED", "aud": "AUD", "₦": "NGN", "ngn": "NGN", "₱": "PHP", "php": "PHP",
    "£": "GBP", "$": "", "/-": "",
}  # fmt: skip
_CURRENCY_WORDS = {
    "INR": """
        inr rs re rupee rupees rupes rupaye rupaya rupay rupaiya rupaiye rupye rupya rupia rupias rupiya rupeye rupai
        rupees/- rupe rupiye rupiya rupaiyya रुपइया रुपिया रुपिये रुपये रुपए रुपया रुपयों रुपय रूपये रूपए रूपया रुपैया रुपीज रु रू ₹
    """,
    "USD": "usd dollar dollars dolar dolares dolars us$ u$s u$d verdes डॉलर डालर यूएसडी",
    "EUR": "eur euro euros euritos € यूरो",
    "GBP": "gbp pound pounds £ quid",
    "CAD": "cad",
    "AED": "aed dirham dirhams",
    "AUD": "aud",
    "NGN": "ngn naira",
    "KES": "kes ksh",
    "PYG": "pyg guarani guaranies",
    "ARS": "ars",
    "MXN": "mxn",
    "CLP": "clp",
    "COP": "cop",
    "UYU": "uyu",
    "": "$ peso pesos bucks buck mangos varos pesitos /- पेसो",
}
CURRENCY_WORDS: Dict[str, str] = {word: iso for iso, words in _CURRENCY_WORDS.items() for word in known(words)}
BEFORE_A_SUM = known(
    """
    cad aed aud ngn kes ksh rs re inr usd us$ u$s u$d eur ars mxn clp cop uyu gbp $ ₹ € £ रु रू rupees rupee रुपये रुपए
    pesos यूएसडी
    """
)
"""Currency words that may stand before the number."""
COUNTRY_OF_PESOS: Dict[str, str] = {
    word: iso
    for iso, words in {
        "ARS": "argentinos argentino argentine argentinean",
        "MXN": "mexicanos mexicano mexican",
        "CLP": "chilenos chileno chilean",
        "COP": "colombianos colombiano colombian",
        "UYU": "uruguayos uruguayo uruguayan",
    }.items()
    for word in known(words)
}
SENT_AFTER = known("bheje bheja bhej paid sent transferred bhar भेजे भेजा चुकाए")
SLANG: Dict[str, str] = {
    **dict.fromkeys(known("luca lucas luka lukas luquitas"), "thousand"),
    **dict.fromkeys(known("palo palos palito palitos"), "million"),
}
BEFORE_SLANG = known("un una medio media").union(spelt.UNITS, spelt.WHOLE, spelt.TENS, spelt.HUNDREDS)
NOTHING = known(
    """
    out soldout nil nill none nothing finished khatam khatm khtm nothin
    nada ninguno ninguna ningun agotado agotada agotados agotadas agotaron agoto agotarse acabaron acabo acabado
    acabados terminaron termino sin fin volaron
    खत्म खतम आउट निल
    over finish empty emptied gone agotao existencia samapt nipat khali saaf khallas khalaas
    समाप्त निपट खाली साफ खल्लास सफाचट
    """
)
"""Words after which there may be no goods left; whether so, the words around them say."""
NO_MORE = {
    ("no", "stock"), ("no", "more"), ("dont", "have"), ("havent", "got"), ("arent", "any"), ("all", "gone"),
    ("are", "gone"), ("have", "gone"), ("all", "sold"), ("sold", "all"), ("me", "quede"), ("no", "quedan"),
    ("no", "queda"),
    ("me", "quedan"), ("no", "tengo"), ("no", "tenemos"), ("no", "hay"), ("vendi", "todo"), ("vendi", "todas"),
    ("vendi", "todos"), ("todo", "vendido"), ("vendieron", "todos"), ("vendieron", "todas"), ("nahi", "bacha"),
    ("nahi", "bachi"), ("nahi", "bache"), ("nahi", "hai"), ("नहीं", "बचा"), ("नहीं", "बची"), ("नहीं", "बचे"), ("नहीं", "है"),
    ("used", "up"), ("ran", "out"), ("run", "out"), ("hi", "nahi"), ("hi", "nahin"), ("dana", "nahi"),
    ("bilkul", "nahi"),
    ("available", "nahi"), ("bhi", "nahi"), ("bhi", "nahin"), ("sab", "nikal"), ("sab", "chala"), ("sab", "chale"),
    ("sab", "gaya"), ("sab", "gaye"), ("ही", "नहीं"), ("बिल्कुल", "नहीं"), ("दाना", "नहीं"), ("सब", "निकल"), ("सब", "चला"),
    ("सब", "चले"), ("सब", "गए"), ("सारे", "बिक"), ("सारा", "बिक"), ("saara", "bik"), ("sara", "bik"), ("sab", "uth"),
    ("सब", "उठ"),
    ("sab", "bik"), ("sare", "bik"), ("saare", "bik"), ("सब", "बिक"),
}  # fmt: skip
"""Pairs of words that may say the same."""
PRICE = known(
    """
    price prices priced cost costs costing costed rate rates mrp budget worth value valued bid offer offered quote
    quoted limit spend spending pay paid paying payed deposited deposit transferred transfer sent amount bill precio
    precios cuesta cuestan costo costaba vale valen valor presupuesto sale salen pague pago pagaron pagar gastar
    gasto deposite deposito transferi transferencia mande cobraron cobran cobra cobro monto total limite tope oferta
    oferto ofrezco rebaja daam dam keemat kimat qeemat kimmat bhav bhaav rate budget prais kharch bheje bheja bhej
    diye paisa paise दाम कीमत कीमतें प्राइस रेट भाव बजट खर्च भेजे भेजा पेमेंट भुगतान पैसे मूल्य रकम
"""
)
PRICE_BEFORE = known(
    """
    under below within upto beneath max maximum min minimum around approx approximately about above beyond roughly
    budget price cost costs rate mrp worth limit paid spend quoted deposited transferred
    presupuesto precio vale valen cuesta cuestan maximo hasta bajo alrededor cerca pague deposite transferi costo sale
    limite tope mande valor cobraron
    budget daam dam keemat kimat bhav rate prais बजट दाम कीमत रेट भाव प्राइस
    """
)
PRICE_AFTER = known("andar neeche niche tak upar under max maximum budget only/- अंदर अन्दर नीचे तक ऊपर /-")
SUM_LIKE = known("ka ki ke ko wala wali wale me mein का की के को वाला वाली वाले में")
RANGES = known("between entre beech बीच")

# --- instalments ------------------------------------------------------------------------------------------------------

INSTALMENTS = known(
    """
    emi emis emies instalment instalments installment installments instalmment instalmments installmnts instalmnts
    installement installements instal installs payments payment tranches cuota cuotas quotas quota cta ctas coutas
    cuots cuotitas pago pagos mensualidad mensualidades mensualidads msi abono abonos parcialidad parcialidades
    plazos kist kisto kiston kishto kishton kishte kiste kistein kishtein qist qisto qiston kishat kishton kisht
    kistey kisten किस्त किस्तों किस्ते किस्तें किस्तो किश्त किश्तों किश्तें किश्ते किश्तो ईएमआई इएमआई इएमाई एमी
    इंस्टॉलमेंट इंस्टालमेंट ईमआई
"""
)
ALL_AT_ONCE = known("single unica unico")  # "in a single instalment", "cuota única"
PARTS = known("part parts partes veces times hisso hisse hisson bhag bhaag हिस्सों हिस्से भाग भागों")
MONTHS = known(
    """
    month months mnth mnths mth mths mon mo mos monthly mes meses mesecitos
    mahine mahina mahino mahinon maheene maheena maheeno mahinay mahiney mah maah
    महीने महीना महीनों महिने महिना महिनों माह मंथ
    """
)
PAYING = known(
    """
    pay paying paid repay pagar pagarlo pagarla pagarlos pagarlas pago pagamos pagas pagan chuka chukaunga chukana
    chukau bharna bharunga dunga denge bhugtan चुका चुकाऊंगा चुकाना भुगतान दूंगा दूँगा
    """
)
DIVIDING = known("split spread divide divided dividir dividido dividirlo partir repartir baant बांट बाँट")
BETWEEN_COUNT_AND_INSTALMENTS = known(
    """
    easy equal monthly small fixed interest free no cost zero month months mahine mahina mahino ki ke ka wali wale
    wala nocost 0 simple big low single iguales fijas fijos sola solo unica unico mensuales chicas pequenas comodas
    sin interes lindas mes meses aasan asaan chhoti choti barabar masik आसान छोटी बराबर मासिक की के का वाली महीने
    महीना नो कॉस्ट महीनों
"""
)
AFTER_INSTALMENTS = known("of in for ke ka ki me number no is are to de en a son con set mein को की के में")
NO_FINANCING = known(
    """
    warranty waranty guarantee garantia garantias ago old hace espero wait waiting delivery validity expiry expires
    warrenty garanti baby bebe since purane purana purani pehle pahle back last desde
    वारंटी वॉरंटी गारंटी पहले पुराना पुरानी पुराने
    """
)
# --- what is neither --------------------------------------------------------------------------------------------------

UNITS = known(
    """
    gb tb mb kb mp megapixel megapixels mpx mpixel inch inches pulgada pulgadas pulg cm cms mm ft feet foot watt
    watts wat w volt volts v amp amps ampere hz khz mhz ghz mah kwh kw hp btu frigorias channel channels ch chn
    canal canales seater seat seats seaters log logon ton tons tonelada toneladas tonne carat karat carats ct
    quilates quilate kilates way ways port ports puerto puertos core cores ply burner burners door doors puerta
    puertas layer layers star stars estrella estrellas gen generation wheeler ram rom percent pct degree degrees
    grados fps dpi px pixel pixels rpm ml cc oz gm gms gram grams grs gr gramos gramo yr sq sqft cu yards yard gaz
    gaj am pm hs hrs hr hours hour hora horas min mins minutes minutos minuto oclock baje baj bajay bajey sec secs
    day days dia dias week weeks semana semanas year years ano anos anio anios din dino dinon hafte hafta hafton
    haftey saal sal ghante ghanta minute th st nd rd number numbers no num numero nambar nmbr person persons plazas
    plaza hilos cuerpos cuerpo cabezas hornallas velocidades bits bit lumens lumen talle talla size sizes phase
    stage litre litres liter liters ltr ltrs lt litro litros l metro metros mt mts meter meters metre metres m kg
    kgs kilo kilos kilogram kilograms km kms channel जीबी टीबी एमबी मेगापिक्सल मेगापिक्सेल एमपी इंच वाट वॉट वोल्ट
    चैनल सीटर टन कैरेट फीट फुट फ़ीट सेमी मिमी ग्राम लीटर मीटर किलो बजे घंटे घंटा मिनट दिन दिनों हफ्ते हफ्ता हफ्तों
    सप्ताह साल सालों वर्ष नंबर नम्बर साइज तारीख प्रतिशत एमएएच स्टार पोर्ट
"""
)
MEASURED_OUT = known(
    """
    metro metros mt mts meter meters metre metres kg kgs kilo kilos litre litres liter liters ltr litro litros
    मीटर किलो लीटर yard yards gaz
    """
)
"""Units in which goods are also sold: ``25 metros de cable`` is a quantity."""
PACKED = known(
    """
    box boxes carton cartons pack packs packet packets bundle bundles bag bags set sets roll rolls bottle bottles tin
    tins case cases sheet sheets copy copies
    caja cajas paquete paquetes bolsa bolsas saco sacos rollo rollos juego juegos combo combos atado bulto bultos kit
    kits lata latas frasco frascos botella botellas
    dibba dibbe peti petiyan bori packet पैकेट डिब्बा डिब्बे पेटी पेटियां बोरी सेट रोल बंडल बोतल
    """
)
LABELS = known(
    """
    size sizes sz talle talla talles tallas numero nro num number numbers no nos. sku code codigo cod postal pin
    pincode zip flat house home makan ghar gali sector sec street calle avenida av altura piso depto departamento
    dpto room floor block plot ward lote km ruta order pedido invoice factura bill ticket ref referencia dni gstin
    gst cuit id iphone galaxy note redmi pixel poco realme vivo oppo cat category categoria wifi usb hdmi version
    ver v bluetooth gen ps xbox playstation modelo model mod series serie tel phone call cel celular telefono
    whatsapp wsp wasap ip type tipo class clase grade level nivel chapter page pagina step shop local oficina office
    manzana esquina ph casa lot windows android ios core ryzen intel i h shade tono ext interno paso opcion option
    canal gate puerta ring ticket nota tarjeta card ending terminada dated fecha date dia year ano born aged age
    edad uhf साइज नंबर नम्बर मकान घर गली सेक्टर फ्लैट पिन कोड पिनकोड मॉडल फोन कॉल ऑर्डर बिल इनवॉइस प्लॉट वार्ड नोट
    आईफोन रेडमी वाईफाई कमरा तारीख सन
"""
)
MONTH_NAMES = known(
    """
    january february march april may june july august september october november december jan feb mar apr jun jul aug
    sep sept oct nov dec enero febrero marzo abril mayo junio julio agosto septiembre setiembre octubre noviembre
    diciembre janvari farvari april mai joon julai agast sitambar aktoobar navambar disambar tarikh tareekh
    जनवरी फरवरी मार्च अप्रैल मई जून जुलाई अगस्त सितंबर सितम्बर अक्टूबर अक्तूबर नवंबर नवम्बर दिसंबर दिसम्बर तारीख
    lunes martes miercoles jueves viernes sabado domingo monday tuesday wednesday thursday friday saturday sunday
    """
)
RANGE_WORDS = known("se to a y - से hasta till and")
ONES = known("one ones wala wali wale vala vali वाला वाली वाले")
ORDERED = known(
    "the el la los las that this which another other any every each no otro otra ningun ninguna alguna cada"
)
ORDINAL_TAILS = known("st nd rd th ro ra da do to ta er era ª º va vo wa wan va वां वीं वें रा री th.")

# --- pieces -----------------------------------------------------------------------------------------------------------

PIECES = known(
    """
    pc pcs pce pces pice pis piss peice peices piece pieces unit units nos item items pcz pza pzas pieza piezas pz pzs
    unidad unidades uds ud und unds unids articulo articulos pees nag naag nug adad peece pieces.
    पीस पीसेस नग अदद पिस इकाई आइटम पीसों यूनिट
    """
)
PAIRS = known(
    """
    pair pairs pr prs par pares parcito parcitos jodi jode jodiyan joda jodiya jori जोड़ी जोड़े जोड़ियां जोड़ा
    """
)
COUPLE = known("couple cople")
COUNT_LABELS = known("qty quantity cantidad cant matra sankhya मात्रा संख्या क्वांटिटी qnty qtty x × *")
WANT = known(
    """
    want need needs order ordering buy buying take taking give send get getting book add put keep pack purchase
    require required ship bring have grab reserve wanna gimme lemme like hold deliver quiero quisiera querria
    queremos necesito necesitamos ocupo ocupamos dame denme deme das llevo llevaria llevar llevamos mandame manda
    mandas mandar compro comprar compramos agregame agrega ponme poneme pone pon apartame separame reservame encargo
    encargar pido pedir dejame tomo enviame envia envias mandenme anotame sumame vendeme vendes tenes tienen tienes
    hay pasame guardame regalame cotizame cotizar chahiye chaiye chahie chaahiye chahiyein mangwana mangwane mangta
    lena lene leni lunga lungi loonga lenge lega lagenge lagega lagegi dena de dedo dijiye dijie dedijiye bhej bhejo
    bhejna bhejdo bhejiye daal daalo dalo kharidna kharidne lagwane lagwana lagwani pack order book rakh milega
    milegi milenge dilwa dilao mangao le lelo mangaana चाहिए चाहिये चाहिएं लेना लेने लेनी लूंगा लूँगा लूंगी लूँगी
    लेंगे लगेंगे लगेगा लगेंगी दे दो देना दीजिए दीजिये दें भेज भेजो भेजना भेजें भेजिए डाल डालो खरीदना खरीदने खरीदनी
    पैक ऑर्डर बुक रख मंगवाना मंगवाने मंगवानी ले लो लीजिए ख़रीदना ले रहा रही मिलेंगे मिलेगा मिलेगी
"""
)
PLEASE = known("make sean mejor better instead please pls plz plis porfa porfavor favor kripya कृपया प्लीज")
HAVING = known("tengo tenemos paas pass पास")
STOCK = known(
    """
    stock stok inventory inventry inventario existencias existencia invetory stocks estoc maal
    स्टॉक स्टाक इन्वेंटरी इन्वेंट्री माल
    """
)
CART = known("cart carrito carro basket order pedido trolley  kart कार्ट ऑर्डर orden")
ADD = known(
    """
    add added adding adds received recieved restock restocked arrived arrive came come increase increased increment
    plus incoming produced stitched crafted bump raise got additional raised made finished suma sumar sume sumale
    sumá sumame sumen sumamos agrega agregar agregue agregale agregalos agregalas agregalo agregales agregá añade
    anade anadir anadi anadile aumenta aumentar aumentale aumente llegaron llego llegan entraron entro ingresaron
    ingreso ingresa ingresar ingrese ingresame recibi recibimos recibieron hice hicimos termine terminamos repuse
    repusimos incrementa incrementar subile subi subele cargale cargá fabrique fabricamos teji cosi produje sumaron
    trajeron incorpora incorporar jod jodo joden jodna jodiye jodd badha badhao badhado badhaa badhana badhaiye aaya
    aaye aayi aaya aae aai aagaye aagaya aagayi banaye banaya banayi banaaye bana dalo daalo daal dal mila milaye
    pahunche pahuncha aaenge barhao jode joda जोड़ जोड़ो जोड़ें जोड़ना जोड़िए जोड़े बढ़ा बढ़ाओ बढ़ाएं बढ़ाएँ बढ़ाना
    बढ़ाइए आया आए आई आये आयी आईं बनाए बनाया बनाई बनाये डाल डालो डालिए पहुंचे पहुँचे प्लस बढ़े बना
"""
)
ADD_ONLY_TO_STOCK = known(
    "come got made finished bana daal dal daalo dalo डाल डालो डालिए mila subi banaye ingreso बना raise"
)
"""Words that say "more of it" only where the stock is spoken of."""
MORE = known("more mas extra additional aur otro otros otra otras another और ज्यादा अतिरिक्त zyada jyada")
TAKE = known(
    """
    sold minus less reduce reduced remove removed deduct deducted subtract subtracted lost broken broke took
    decrease decreased damaged dispatched shipped gone used gave dropped drop knock stolen lower cut discard vendi
    vendimos vendio vendieron vendido vendidos vendidas vendiste quita quitar quitale quite quitá quitame resta
    restar restale reste restá restame saca sacar sacale saque sacá sacame descuenta descontar descontale descuente
    desconta descontame baja bajar bajale baje bajá bajame rompieron rompio rompi perdi perdimos perdieron salieron
    salio fueron robaron reduce reducir reducile merma disminuye disminuir disminui regale elimina eliminar elimine
    despache rebaja rebajale restan rompimos danaron arruinaron bik bike bika biki bikgaye becha beche bechi bech
    ghata ghatao ghatana ghatado kam hata hatao hatado hataya toot tut tute tutt toote toota tooti nikal nikale
    nikli nikala nikaal nikalo kat kaat kaato khoye kho kharab chori gaayab minus khatam becha बिक बिके बिका बिकी
    बिकीं बेच बेचे बेचा बेची बेचीं घटा घटाओ घटाएं घटाएँ घटाना घटाइए कम हटा हटाओ हटाएं हटाना टूट टूटे टूटा टूटी निकल
    निकले निकली निकाल निकालो निकाले काट काटो खराब ख़राब चोरी खो माइनस
"""
)
LEFT = known(
    """
    left remain remaining remains quedan queda quedaron quedo quedarian bache bacha bachi bachein bachii bacchi
    बचे बचा बची बचीं शेष restantes
    """
)
SETTING = known(
    """
    set is are = equals equal now update updated change changed make correct total count exactly currently
    es son esta estan pone poner pon ponelo ponele ponlo ponla dejalo deja dejá dejar fija fijar fijalo actualiza
    actualizar actualizalo cambia cambiar corrige corregir corregi sea ahora quede hay tengo
    kar karo karna kardo kariye rakho rakh set hai hain he h kul ho badlo badal badlo likho likh
    कर करो करें करना कीजिए रखो रख सेट है हैं कुल हो बदलो बदल लिखो लिख कीजिये करिए
    """
)
OPENERS = known(
    """
    i we you u ill id im it sean sea please pls plz kindly only just exactly about around like some for of with and
    also then but ok okay so yes hi hello bro sir madam me us my at least total all those these them another other
    extra more in to want need order buy take give send get book add put keep pack purchase require ship bring have
    grab reserve can do make set is are was it reduce increase sold sell minus plus received deduct by remove lost
    made left got there would could will lets approximately nearly roughly say says change increment hold wanna
    gimme cart order yo nosotros quiero quisiera necesito ocupo dame das llevo llevaria mandame manda mandas compro
    comprar agregame agrega ponme pone pon apartame separame reservame encargo pido pedir dejame tomo enviame vendi
    vendimos vendieron llegaron entraron ingresaron recibi recibimos hice hicimos quita resta restale saca suma
    sumale sumar sume descuenta descontar desconta descontale baja bajale quedan queda quedaron hay tengo tenes
    tienen tienes tenemos solo solamente unos unas como por de con y e mas otros otras los las favor necesitamos
    queremos a en son es para me te nos le si hola bueno dale che porfa anotame sumame aumenta agregar quitar restar
    llevar mandar cambia cambiar actualiza rompieron perdi salieron fueron exactamente justo tambien que mujhe
    mujhko humko humein hume hamko hame mere meri mera aur bas sirf bhai bhaiya ji ab abhi aaj kal ke ka ki ko me
    mein se ye yeh wo woh par pe ek to toh kul total haan han h hai or hamare apne sahab karke kam plus minus मुझे
    हमें मुझको हमको मेरे मेरी मेरा और बस सिर्फ सिर्फ़ भाई जी अब अभी आज कल के का की को में से ये यह वो वह पर तो कुल
    केवल हाँ हां भैया कृपया आप नमस्ते
"""
)
NO_GOODS = known(
    """
    or and to is are was were the of in on at for with by from hai hain ho tha the ka ki ke ko me mein se par tak o
    y e es son de del en al con por para que a ya या और है हैं का की के को में से पर तक ? wala wali wale वाला वाली
    वाले
"""
)
ALONE = known(
    "just only single solo sola solamente nomas unico unica sirf bas keval exactly सिर्फ बस केवल सिर्फ़ exactamente"
)
VERB_STEMS = known(
    """
    kar de daal dal laga bata rakh bhej jod hata likh ghata badha dikha bana le mila badal bol de-do hata kaat nikal
    band chalu set update change add cancel remove save
    कर दे डाल लगा बता रख भेज जोड़ हटा लिख घटा बढ़ा दिखा बना मिला बदल बोल काट निकाल सेट बांट बाँट अपडेट बंद कह समझा
    """
)
"""After these, ``do`` / ``दो`` is the verb "give", not the number two."""

# --- whose number words they may be -----------------------------------------------------------------------------------

HINDI = known(
    """
    hai hain h ka ke ki ko mein chahiye chaiye kar karo karna kardo dena dedo daal lena lene lunga lungi mere mera
    meri mujhe humko ye yeh wala wali wale aur bhai bik bike bike kitna kitne kitni tak bhej bhejo dikhao batao
    hazar hazaar sau lakh darjan rupaye rupay rupye kist kisto kiston mahine bhaiya ji karna lelo sirf bas abhi aaj
    naya maal diye hoga milega milegi stock me gaye gayi gaya hata hatao hatado bech becha beche bechi dijiye
    dijie dikhao toot tut raha rahi rahe tha thi unka iska inka kharab taiyar banaye bana subah shaam kal se ghar
    dunga dungi jayenge jayega milenge daalo nikal
"""
) - known("me stock ye se")
ENGLISH = known(
    """
    the a an of for is are was were i you my your our we they it its in on to with and or need want how do have has
    at this that these those from by please can will not any them here there what which when been be had
    """
) - known("do me to")
SPANISH = known(
    """
    el los las en por para quiero necesito con cuotas cuota pesos meses sin del un una unos unas al mi que dame llevo
    vendi llegaron entraron quedan tengo docena docenas son pagos hola lucas favor agrega suma mandame ocupo
    """
)
HINDI_DOUBTFUL = known(
    """
    do teen tin che chhe sat saat ath aath das dus bis bees tis tees char chaar nau bara tera sola ek satra bavan saath
    sath bais chalis
    """
)
SPANISH_DOUBTFUL = known("once dies mil miles seis par")


GROUPS: Dict[str, Collection[str]] = {
    "sent_after": SENT_AFTER,
    "nothing": NOTHING,
    "price": PRICE,
    "price_before": PRICE_BEFORE,
    "price_after": PRICE_AFTER,
    "sum_like": SUM_LIKE,
    "ranges": RANGES,
    "instalments": INSTALMENTS,
    "parts": PARTS,
    "months": MONTHS,
    "paying": PAYING,
    "dividing": DIVIDING,
    "between_count_and_instalments": BETWEEN_COUNT_AND_INSTALMENTS,
    "after_instalments": AFTER_INSTALMENTS,
    "no_financing": NO_FINANCING,
    "units": UNITS,
    "measured_out": MEASURED_OUT,
    "packed": PACKED,
    "labels": LABELS,
    "month_names": MONTH_NAMES,
    "range_words": RANGE_WORDS,
    "ones": ONES,
    "ordered": ORDERED,
    "ordinal_tails": ORDINAL_TAILS,
    "pieces": PIECES,
    "pairs": PAIRS,
    "couple": COUPLE,
    "count_labels": COUNT_LABELS,
    "want": WANT,
    "please": PLEASE,
    "having": HAVING,
    "stock": STOCK,
    "cart": CART,
    "add": ADD,
    "add_only_to_stock": ADD_ONLY_TO_STOCK,
    "more": MORE,
    "take": TAKE,
    "left": LEFT,
    "setting": SETTING,
    "alone": ALONE,
    "verb_stems": VERB_STEMS,
    "currency": CURRENCY_WORDS.keys(),
    "opener": OPENERS,
    "no_goods": NO_GOODS,
}
"""Each group counts as one word more, beside the words themselves."""
