# ruff: noqa: RUF001 - words of other alphabets look like ours
"""What languages are told by where they share a script: common words, letters, and endings of words.

The language "" stands for all that are not told: what is theirs is none of their neighbours'.
"""

from __future__ import annotations

__all__ = ["CYRILLIC", "LATIN"]

LATIN = {
    "en": (
        """
        the is of and to what how this that for you are with my please can it do does did was why who where when me
        write make an a in i your not on be have has had if or but at by from as so which will would could should there
        their they we he she his her our its them than then explain give tell show find list prove describe compare
        summarize summarise translate need want help about into out up all some any more most only just get use best
        good thanks thank hello fix create between after before been were am no yes now new one two three first over
        many much near every each without because while using don't i'm it's what's doesn't isn't won't can't
        """,
        "",
        "tion sion ment ness ing ght ould ally ious able ible ful less ists ism's self ing's ck ow",
    ),
    "de": (
        """
        der die das und ist nicht ein eine ich wie was mit für auf den dem zu von warum bitte sind kann mir wir sie wer
        wo wann welche welcher welches wieviel viele viel im in am an aus bei nach um über es er du mein meine meinen
        dein deine sein seine ihr ihre unser dass wenn aber oder auch nur noch schon mehr sehr gut guten hat haben habe
        hast war wird werden würde soll sollte muss müssen gibt gib einen einem einer eines kein keine dieser diese
        dieses diesen diesem zwischen ohne gegen durch vom zum zur erkläre erklär schreib schreibe schreiben nenne zeig
        finde beweise übersetze fasse danke hallo mich dich sich uns euch als bis so ja nein heute morgen gern wurde
        alle alles jede jeder
        """,
        "äöüß",
        "ung ungen keit heit lich isch schaft iert ieren sche schen sch tz cht nnt eit",
    ),
    "fr": (
        """
        le la les des est et une un je que qui dans pour pas avec ce cette vous du pourquoi comment mon ma au quel
        quelle moi de en il elle on nous ils elles se sa son ses mes tes ton ta tu aux sur par plus ou où mais si ne y
        c'est quels quelles quoi combien quand ces leur leurs lui sont être avoir ai as a ont était fait faire peut peux
        dois doit faut explique expliquez écris écrire donne donnez dis montre démontre traduis résume merci bonjour
        salut très bien tout tous toute toutes sans sous entre chez vers donc aussi comme notre votre cet moins trois
        deux oui non d'un d'une l'on qu'est qu'il n'est j'ai s'il l'a
        """,
        "àâæçèéêëîïôùûœ",
        "tion eaux euse eux ique iques ement aient oir oire elle ette eur eurs ais ait ez",
    ),
    "es": (
        """
        el la los las es y una un que en por para con como qué cómo mi del se lo su favor cuál puedes este esta de al a
        no me te le les nos sus tu tus mis más pero o si ya muy sin sobre entre hasta desde cuando donde cuándo dónde
        quién quiénes cuánto cuántos cuántas cuáles son ser está están hay tiene tienen tengo puedo puede hacer haz dime
        explica explícame escribe traduce demuestra resume dame da di gracias hola buenos buenas esto eso ese esa estos
        estas todo todos toda todas también porque come fue era soy yo él ella ellos nosotros unos unas cada otro otra
        mucho muchas muchos tres dos sí hace encuentra crea ayúdame necesito quiero
        """,
        "ñ¿¡áéíóú",
        "ción ciones dad dades miento ando iendo aje illo illa ados idos ería ía",
    ),
    "it": (
        """
        il lo la gli è e un una che di per con come non mi del della questo questa perché sono puoi quale cosa i le l'
        da in a al alla ai alle dei delle degli nel nella nei nelle sul sulla dal dalla si ci ti se ma o anche più meno
        molto tutto tutti tutte chi quando dove quanto quanti quante quali mio mia miei tuo tua suo sua loro noi voi lui
        lei io ha hanno ho hai fare fai fa dimmi spiega spiegami scrivi dimostra traduci riassumi trova dammi grazie
        ciao buongiorno essere stato era così senza tra fra due tre ogni altro altra cos'è c'è qual dell'una un'altra
        po' già
        """,
        "àèéìòù",
        "zione zioni ità mente ezza iamo etto etta ella ello aggio are ere ire ato ata uto gli cchi zz",
    ),
    "pt": (
        """
        o os as é e um uma que de em por para com como não meu minha do da você este esta qual são me a no na nos nas
        dos das ao à aos às se mais mas ou já muito muita muitos muitas sem sobre entre até desde quando onde quem
        quanto quantos quantas quais ser está estão há tem têm tenho posso pode fazer faz faça diz diga explica explique
        escreve escreva traduz traduza demonstra demonstre resume resuma dá dê obrigado obrigada olá bom boa isto isso
        esse essa esses essas estes estas tudo todos toda todas também porque come foi era sou eu ele ela eles nós seu
        sua seus suas cada outro outra três dois duas sim pelo pela num numa deste desta neste nesta lhe te preciso
        quero
        """,
        "ãõáâàçéêíóôú",
        "ção ções dade dades mento inho inha ando endo agem ável ível eiro eira ões ão ade",
    ),
    "nl": (
        """
        de het een en is niet ik dat van hoe wat met voor op te zijn waarom mijn deze kun je naar wie in aan er om ook
        als maar bij uit nog wel geen dan dit die door over tot onder tussen zonder tegen hun hij zij wij jij we ze u
        jouw uw ons onze heeft hebben heb had was waren wordt worden kan kunnen moet moeten zou zal welke welk wanneer
        waar hoeveel veel meer alle alles leg schrijf geef noem vertaal vertel bewijs maak zoek dank hallo goed goede
        graag wil mij me zich elk elke twee drie ja nee vat hier daar doe doet gaat iets niets toch
        """,
        "ĳ",
        "heid lijk lijke teit tie ijk ijn ijf ijs eren aar oor eel oen uur uit oek aan sch",
    ),
    "sv": (
        """
        och är det en ett jag inte att som på för med hur vad varför den till av min kan du i om de vi han hon ni dig
        mig sig sin sitt mitt mina din ditt dina vår har hade var vara blir ska skulle måste får när vem vilka vilken
        vilket vart många mycket mer men eller också från under över utan mellan efter detta denna dessa där här finns
        förklara skriv ge visa berätta översätt bevisa tack hej god bra så alla allt nu bara två tre ja nej man ur vid
        något några ingen inga annan
        """,
        "åäö",
        "het ning ningar isk iska arna erna orna ade sson ligt liga ör öra ig",
    ),
    "pl": (
        """
        i jest nie w na się że jak co to dlaczego do mój z czy proszę mi ten ta te tego tej tym o od po za przez dla ze
        we są był była było być ma mam masz mogę może można jaki jaka jakie kto kiedy gdzie ile który która które moja
        moje twój jego jej ich ja ty on ona my wy oni a ale lub albo oraz tylko już jeszcze bardzo więcej bez między
        przed pod nad napisz wyjaśnij podaj pokaż udowodnij przetłumacz powiedz zrób dziękuję cześć dzień dobry dwa trzy
        tak gdy jeśli ponieważ każdy każda wszystko wszystkie tych mnie ci go im
        """,
        "ąęłńśźżćó",
        "ość ości enie anie ego emu ych ymi ami ach ować wszy ski ska skie cja cji uję eż sz cz rz",
    ),
    "tr": (
        """
        ve bir bu ne için nasıl mı mi değil ile ben neden benim da de lütfen çok mu mü kim nerede nereye hangi kaç niçin
        niye sen biz siz o onlar şu var yok daha en gibi kadar sonra önce ama veya ya her tüm bütün bana sana ona beni
        seni onu bize olan olarak olur oldu eder nedir midir açıkla yaz anlat söyle göster kanıtla çevir özetle bul ver
        yap merhaba teşekkürler teşekkür evet hayır iki üç şey hakkında arasında ki ise eğer içinde üzerinde nelerdir
        """,
        "şğıçöü",
        "lar ler ları leri dır dir dür mak mek yor ması mesi ını ini unu nın nin dan den lık lik ım sın sin cı",
    ),
    "id": (
        """
        yang dan di apa ini itu untuk dengan tidak saya bagaimana dari ke adalah mengapa tolong pada dalam akan bisa
        dapat ada sudah belum juga atau tetapi karena jika kalau siapa kapan mana dimana berapa kenapa apakah aku kamu
        anda dia kami kita mereka nya oleh sebagai lebih sangat banyak semua setiap antara tanpa tentang jelaskan tulis
        tuliskan buat buatkan buktikan terjemahkan sebutkan berikan beri carikan terima kasih halo selamat seorang
        sebuah tiga dua satu bukan hanya saja lagi harus ingin mau agar supaya
        """,
        "",
        "kan nya lah kah annya asi",
    ),
    "vi": (
        """
        là của và không tôi có cho một những này như thế nào bạn các được tại sao gì ai khi đâu bao nhiêu hãy viết giải
        thích chứng minh dịch với trong trên về để người từ đến ra vào thì mà nhưng hoặc nếu vì cũng rất nhiều hơn đã
        đang sẽ chào cảm ơn xin hai ba con cái làm hay đó ở bị rồi mọi
        """,
        "ơưđạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹă",
        "",
    ),
    "": (
        """
        jeg ikke hvad hvordan hvorfor hvor hvem hvilke af og er det en et til på med som han hun mange meget at din mit
        fra eller om der har kan skal vil den de i hva noen je se jak proč co že na to si s ve v kolik kdo není jsem pro
        nebo ale jsou prosím děkuji hogy nem az egy és van mi ki miért hogyan kérem milyen mennyi vagy ja on ei että
        mitä miten miksi kuka onko ovat kun kuinka missä și este nu cu pe ce cum care pentru sunt la un o să mai sau cât
        el els les amb per què una com no són dels quin quina aquest što kako zašto koji ne su sam za od die is nie
        hoekom wat hoe ek jy met kas ir ar ko kā par ng sa ang mga ay ni kwa wa
        """,
        "øæěřůťďňőűțșşţăāēīūėįųčžšðþŀ",
        "",
    ),
}
"""Of each language, words, letters, endings of words."""

CYRILLIC = {
    "ru": (
        """
        и в не на что как это почему я мне для по с у какой пожалуйста из ли есть он она они мы вы ты но а или к от до
        за о об при без между то так же бы мой моя мои твой его её их который которая которые какая какие каков кто где
        когда сколько чем если чтобы уже ещё очень все всё может можно нужно объясни напиши докажи докажите переведи
        назови расскажи дай покажи спасибо привет здравствуйте два три один этот эта эти меня тебя был была было были
        нет да доброе доброго день вечер утро сделай реши
        """,
        "ыэё",
        "ть ться ует ает яет еет ете ите ство ую юю ого его ому ая ое ие ий ый ой ция ние ение ется ются ешь ишь ами",
    ),
    "uk": (
        """
        і в не на що як це чому я мені для та з у який будь ласка є чи він вона вони ми ви ти але або до від за про при
        без між то так же мій моя мої твій його її їх яка які хто де коли скільки якщо щоб вже ще дуже всі все може
        можна треба поясни напиши доведи переклади назви розкажи дай покажи дякую привіт два три один цей ця ці мене
        тебе був була було були немає й зі із по доброго ранку дня вечора зроби розв'яжи
        """,
        "іїєґ",
        "ти тися ння ів ого ому ій ий ють уть ість ції",
    ),
    "bg": (
        """
        и в не на какво как това защо аз ми за с е да съм моля се са от по до ли има няма но или към при без между то
        така си мой моя ти той тя те ние вие кой коя кое кои къде кога колко ако че вече още много всички всичко може
        трябва обясни напиши докажи преведи кажи дай покажи благодаря здравей два три един една едно тази този тези мен
        теб беше бяха ще със във през след преди добро утро добър ден вечер направи реши
        """,
        "ъ",
        "ът ят ата ята ото ето ите ия ане ени",
    ),
    "": (
        """
        је и у на да се што како зашто не за од са су ја ти он і ў як чаму гэта я және бұл үшін қалай бір
        """,
        "јљњћђџўқғңөұүһәѓќѕ",
        "",
    ),
}
"""Of each language, words, letters, endings of words."""
