"""The words around a number: what is done with it, what it counts, and what says nothing about a product."""

from __future__ import annotations

from mostrador.nlu.number_words import known

ADD = known(
    """
    add added adding more plus extra received arrived came increase increased another additional
    agrega agregar agregue suma sumar sume llegaron llego entraron entro recibi recibimos mas aumenta aumentar otros
    otras anade anadir
    jodo joden jod aaye aaya aayi aai aae badhao badha plus जोड़ो जोड़ें जोड़ आए आया आई आये बढ़ाओ बढ़ाएं बढ़ा ज़्यादा
    """
)
AND_OR_MORE = known("aur और")  # "and" between two, "more" beside one
TAKE = known(
    """
    sold minus less reduce reduced remove removed deduct subtract lost broken broke took
    vendi vendimos vendio vendieron quita quitar resta restar menos saca descuenta rompieron rompio
    bik bike bika biki becha beche ghatao ghata kam hatao toot tut
    बिके बिका बिकी बिक बेचे बेचा बेची घटाओ घटाएं घटा कम हटाओ टूट
    """
)
NONE = known("none nothing nil cero ninguno ninguna nada zero शून्य ज़ीरो जीरो shunya")
PIECES = known(
    """
    pc pcs pce pces piece pieces unit units nos item items pair pairs
    pza pzas pieza piezas pz unidad unidades uds ud und unds par pares articulo articulos
    pis pees piss nag naag adad jodi jode peece पीस नग अदद जोड़ी जोड़े पिस इकाई आइटम
    """
)
PACKS = known(
    """
    box boxes carton cartons pack packs packet packets bundle bundles bag bags kg kgs kilo kilos gram grams g gm
    meter meters metre metres litre litres
    caja cajas carton cartones paquete paquetes bolsa bolsas saco sacos gramos metro metros litro litros
    dibba dibbe peti petiyan packet bori kilo डिब्बा डिब्बे पेटी पेटियां पैकेट बोरी किलो मीटर ग्राम लीटर
    """
)
EVERY = known(
    """
    all every each everything both
    todo todos toda todas cada ambos ambas
    sab sabhi saare sare saari sari har dono सब सभी सारे सारी सारा हर दोनों
    """
)
BETWEEN = known("and & y e tatha तथा एवं")
OR = known("or o u ya या अथवा to ta se")
FILLER = known(
    """
    i we you he it its is are am be was were the this that these those there here now today of for in on at my our me
    have has had got get left please pls kindly stock quantity qty inventory number count total set put make update
    change write down record enter keep refill restock with as by only just new ones one pcs pieces want would like
    need should will can could so ok okay yes bhai sir madam hi hello thanks thank fill up correct edit current level
    which remaining down off take from product
    el la los las lo un una unos unas de del en al a mi mis hay tengo tenemos quedan queda son es esta estan ahora hoy
    por favor existencias cantidad inventario numero total pon poner ponle pone deja cambia cambiar actualiza
    actualizar anota anotar registra registrar carga cargar corrige corregir quiero necesito que se me nos le les te si
    ya solo nuevo nuevos nueva nuevas con para tiene tienen sube subir baja bajar repon reponer hola gracias dale unos
    ese esa esos esas este esto estas estos fueron fue uno producto mercaderia
    hai hain ho tha the ka ke ki ko mein me se par pe ab abhi aaj mere mera meri mujhe hamare kar karo kare kardo do de
    dena dijiye likho likh lo rakho rakh gaye gaya gayi ji haan han kul bache bacha bachi bacha hua hue wale wala wali
    naya naye nayi
    maal saman karna karni hona chahiye bhi to toh iska iske iski inka laga daal dal dalo badlo badal bhar
    है हैं हो था थे का के की को में से पर अब अभी आज मेरे मेरा मेरी मुझे हमारे कर करो करें कीजिए दो दें दे दीजिए लिखो लिख
    लो लिखें रखो रख गए गया गई जी हां हाँ कुल बचे बचा बची हुआ हुए वाले वाला वाली नया नए नये नई माल सामान करना करनी भी तो
    इसका इसके इसकी इनका स्टॉक संख्या मात्रा कृपया डाल डालो बदलो बदल भर चाहिए बदलना अपडेट
    """
)
