"""What the invented people of the demo are called, where they live and what they write."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Language:
    """One language, with people and sentences that are all made up.

    `people` are (name, screen name) pairs; `longitude` and `latitude` are the south-west corner of
    the town's bounding box.
    """

    code: str
    town: str
    country: str
    country_code: str
    time_zone: str
    utc_offset: int
    longitude: float
    latitude: float
    people: tuple[tuple[str, str], ...]
    sentences: tuple[str, ...]
    hashtags: tuple[str, ...]


LANGUAGES = (
    Language(
        code="en",
        town="Sampleton",
        country="Exampleshire",
        country_code="XE",
        time_zone="London",
        utc_offset=0,
        longitude=-1.25,
        latitude=51.75,
        people=(
            ("Sam Placeholder", "sam_placeholder"),
            ("Ivy Example", "ivy_example"),
            ("Ned Specimen", "ned_specimen"),
            ("Dot O'Sample", "dot_osample"),
        ),
        sentences=(
            "The kettle has been on for an hour and nobody noticed.",
            'Somebody left a "working" umbrella on the bus. It\'s not working.',
            "New post: how we stopped writing everything twice & slept better",
            "It rained on the one day I washed the bicycle.",
            "Does anyone else read the last page of the manual first?",
            "Backups are easy; it's the restore that keeps me awake \\o/",
        ),
        hashtags=("monday", "kettle", "NowReading", "100days"),
    ),
    Language(
        code="pt",
        town="Vila Exemplo",
        country="Brasília do Sul",
        country_code="XP",
        time_zone="Brasilia",
        utc_offset=-10800,
        longitude=-46.625,
        latitude=-23.5,
        people=(
            ("Ana Exemplo", "ana_exemplo"),
            ("João Amostra", "joao_amostra"),
            ("Conceição Modelo", "con_modelo"),
        ),
        sentences=(
            "eu preciso terminar a minha tabela, está muito difícil **",
            "Que calor! Só falta o pão de queijo e a prova acabar.",
            "amanhã não tem aula, graças à chuva",
            "Alguém já viu o meu caderno? É azul, com uma maçã na capa.",
            "Não é saudade, é só domingo à noite.",
        ),
        hashtags=("segunda", "pãodequeijo", "férias"),
    ),
    Language(
        code="es",
        town="Villa Muestra",
        country="Ejemplandia",
        country_code="XS",
        time_zone="Madrid",
        utc_offset=3600,
        longitude=-3.75,
        latitude=40.375,
        people=(
            ("Íñigo Ejemplo", "inigo_ejemplo"),
            ("Begoña Muestra", "bego_muestra"),
            ("Paco Ficticio", "paco_ficticio"),
        ),
        sentences=(
            "¿Quién se ha llevado las llaves? ¡Otra vez!",
            "Mañana será otro día, pero hoy también cuenta.",
            "El café de la máquina sabe a lápiz.",
            "Año nuevo, teclado nuevo: por fin encuentro la ñ.",
            "Si el tren llega a tiempo, invito yo.",
        ),
        hashtags=("lunes", "café", "AñoNuevo"),
    ),
    Language(
        code="de",
        town="Musterstadt",
        country="Beispielland",
        country_code="XD",
        time_zone="Berlin",
        utc_offset=3600,
        longitude=13.375,
        latitude=52.5,
        people=(
            ("Jörg Mustermensch", "joerg_muster"),
            ("Käthe Beispiel", "kaethe_beispiel"),
            ("Uwe Platzhalter", "uwe_platzhalter"),
        ),
        sentences=(
            "Die Straßenbahn fährt heute wieder größtenteils rückwärts.",
            "Wer hat an der Uhr gedreht? Fünf Minuten später weiß es keiner mehr.",
            "Übermorgen räume ich den Keller auf. Ganz bestimmt.",
            "Rindfleischetikettierungsüberwachung passt in keine Spalte.",
            "Schönes Wetter, schlechte Ausrede.",
        ),
        hashtags=("Feierabend", "Straßenbahn", "Grüße"),
    ),
    Language(
        code="fr",
        town="Exempleville",
        country="Spécimenie",
        country_code="XF",
        time_zone="Paris",
        utc_offset=3600,
        longitude=2.25,
        latitude=48.8125,
        people=(
            ("Zoé Témoin", "zoe_temoin"),
            ("Noël Échantillon", "noel_echantillon"),
            ("Maëlle Fictive", "maelle_fictive"),
        ),
        sentences=(
            "J'ai oublié mon parapluie à l'école, évidemment.",
            "Où est passé le dernier croissant ? L'enquête commence.",
            "Ça marche sur ma machine, c'est déjà ça !",
            "Un œuf, deux œufs, et toujours pas de gâteau.",
            "Le chat dort sur le clavier : «ùùùùùù».",
        ),
        hashtags=("météo", "croissant", "çamarche"),
    ),
    Language(
        code="ja",
        town="見本市",
        country="架空国",
        country_code="XJ",
        time_zone="Tokyo",
        utc_offset=32400,
        longitude=139.625,
        latitude=35.5,
        people=(("見本 花子", "hanako_mihon"), ("例 太郎", "taro_rei"), ("架空 次郎", "jiro_kaku")),
        sentences=(
            "今日は一日中雨でした。傘を忘れた人、手を挙げて。",
            "コーヒーを三杯飲んだのに、まだ眠い…",
            "電車が一分遅れて、みんなが時計を見た。",
            "猫がキーボードの上で寝ています。ぁぃぅぇぉ",
            "明日こそ早起きする(と昨日も言った)。",
        ),
        hashtags=("雨", "コーヒー", "猫写真"),
    ),
    Language(
        code="ar",
        town="مدينة المثال",
        country="بلاد النموذج",
        country_code="XA",
        time_zone="Riyadh",
        utc_offset=10800,
        longitude=46.625,
        latitude=24.625,
        people=(
            ("مثال النموذجي", "mithal_n"),
            ("ليلى العينة", "layla_ayyina"),
            ("سامي تجربة", "sami_tajriba"),
        ),
        sentences=(
            "نسيت المفتاح في البيت مرة أخرى.",
            "القهوة اليوم أفضل من الأمس، والحمد لله.",
            "هل وصل القطار؟ لا، ولن يصل قريبًا.",
            "قرأت الكتاب كله في ليلة واحدة!",
            "المطر جميل عندما تكون داخل البيت.",
        ),
        hashtags=("قهوة", "مطر", "صباح_الخير"),
    ),
    Language(
        code="he",
        town="עיר הדוגמה",
        country="ארץ המשל",
        country_code="XH",
        time_zone="Jerusalem",
        utc_offset=7200,
        longitude=34.75,
        latitude=32.0625,
        people=(("דוגמה לוי־משל", "dugma_lm"), ("נועם בדוי", "noam_badui")),
        sentences=(
            "שוב שכחתי איפה חניתי.",
            "הקפה נגמר, גם הסבלנות.",
            "מי לקח את המטען שלי? שאלה רצינית.",
            "מחר מתחילים דיאטה, היום יש עוגה.",
        ),
        hashtags=("קפה", "עוגה"),
    ),
    Language(
        code="hi",
        town="नमूनापुर",
        country="उदाहरण प्रदेश",
        country_code="XI",
        time_zone="New Delhi",
        utc_offset=19800,
        longitude=77.125,
        latitude=28.5,
        people=(
            ("उदाहरण कुमार", "udaharan_k"),
            ("नमूना देवी", "namuna_devi"),
            ("काल्पनिक सिंह", "kalpanik_s"),
        ),
        sentences=(
            "आज चाय बहुत अच्छी बनी है।",
            "बारिश में छाता घर पर ही रह गया।",
            "क्या किसी ने मेरी किताब देखी है?",
            "क्षमा करें, ट्रेन फिर से देर से है।",
        ),
        hashtags=("चाय", "बारिश"),
    ),
    Language(
        code="ru",
        town="Образцовск",
        country="Примерия",
        country_code="XR",
        time_zone="Moscow",
        utc_offset=10800,
        longitude=37.5,
        latitude=55.625,
        people=(
            ("Образец Примеров", "obrazets_p"),
            ("Алёна Шаблонова", "alena_shablon"),
            ("Ёжик Тестов", "yozhik_t"),
        ),
        sentences=(
            "Опять забыл зонт, опять дождь.",
            "Ёлка ещё стоит, хотя уже март.",
            "Кто съел последний пирожок? Признавайтесь!",
            "Поезд пришёл вовремя — никто не поверил.",
            "Чай, книга, тишина. Идеальный вечер.",
        ),
        hashtags=("дождь", "чай", "ёлка"),
    ),
    Language(
        code="ko",
        town="견본시",
        country="예시국",
        country_code="XK",
        time_zone="Seoul",
        utc_offset=32400,
        longitude=126.875,
        latitude=37.5,
        people=(("견본 길동", "gildong_gb"), ("예시 영희", "younghee_ys")),
        sentences=(
            "오늘도 지하철에서 졸았다.",
            "커피가 식기 전에 회의가 끝나길…",
            "우산을 두 개나 잃어버렸어요 ㅠㅠ",
            "내일은 꼭 일찍 일어난다!",
        ),
        hashtags=("월요일", "커피"),
    ),
    Language(
        code="zh",
        town="样本市",
        country="示例国",
        country_code="XC",
        time_zone="Beijing",
        utc_offset=28800,
        longitude=116.25,
        latitude=39.75,
        people=(("样本 小明", "xiaoming_yb"), ("示例 丽", "li_shili"), ("虛構 阿華", "ahua_xg")),
        sentences=(
            "今天的地铁比昨天更挤。",
            "谁把最后一块饼干吃了?请自首。",
            "書還沒看完,咖啡已經涼了。",
            "下雨天最适合睡觉。𠮷",
        ),
        hashtags=("早安", "下雨天"),
    ),
    Language(
        code="tr",
        town="Örnekköy",
        country="Numunistan",
        country_code="XT",
        time_zone="Istanbul",
        utc_offset=7200,
        longitude=28.875,
        latitude=41.0,
        people=(("Işıl Örnek", "isil_ornek"), ("Çağrı Numune", "cagri_numune")),
        sentences=(
            "Çayın yanına simit, simidin yanına sohbet.",
            "İstasyonda kimse yok, ığdır ağacı bile.",
            "Şemsiyemi yine otobüste unuttum.",
            "Günaydın! Kahvaltı hazır mı?",
        ),
        hashtags=("günaydın", "çay"),
    ),
    Language(
        code="el",
        town="Δειγματούπολη",
        country="Παραδειγμία",
        country_code="XG",
        time_zone="Athens",
        utc_offset=7200,
        longitude=23.625,
        latitude=37.875,
        people=(("Παράδειγμα Δείγμας", "paradeigma_d"), ("Δοκιμή Υποθετίδου", "dokimi_y")),
        sentences=(
            "Καλημέρα, ο καφές είναι έτοιμος!",
            "Πού πήγε πάλι το κλειδί;",
            "Η θάλασσα σήμερα ήταν λάδι.",
            "Ξέχασα την ομπρέλα και φυσικά έβρεξε.",
        ),
        hashtags=("καλημέρα", "θάλασσα"),
    ),
    Language(
        code="th",
        town="เมืองตัวอย่าง",
        country="ประเทศสมมติ",
        country_code="XB",
        time_zone="Bangkok",
        utc_offset=25200,
        longitude=100.5,
        latitude=13.625,
        people=(("ตัวอย่าง ใจดี", "tuayang_j"), ("สมมติ รักเรียน", "sommut_r")),
        sentences=(
            "วันนี้ฝนตกทั้งวันเลย",
            "ลืมร่มไว้บนรถเมล์อีกแล้ว",
            "กาแฟแก้วที่สามแล้วนะ ยังง่วงอยู่",
            "พรุ่งนี้จะตื่นเช้า จริงๆ นะ",
        ),
        hashtags=("ฝนตก", "กาแฟ"),
    ),
)

EMOJI = ("😀", "☕", "🌧️", "🎉", "👩‍💻", "🏳️‍🌈", "👍🏽", "🐈‍⬛", "❤️", "🧑🏿‍🚀", "🇧🇷", "𝓱𝓲")

SOURCES = (
    "web",
    "mobile web",
    "txt",
    '<a href="http://example.com/deck" rel="nofollow">ExampleDeck</a>',
    '<a href="http://example.org/pho" rel="nofollow">Phonograph für Beispiele</a>',
)
