"""How people are called, where they live and what they write, by language: Faker's, seeded."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from faker import Faker

_LOCALES = (
    *("en_US", "pt_BR", "es_ES", "de_DE", "fr_FR", "ja_JP", "ar_AA", "he_IL", "hi_IN", "ru_RU"),
    *("ko_KR", "zh_CN", "tr_TR", "el_GR", "th_TH", "bn_BD", "fa_IR", "vi_VN", "hy_AM", "uk_UA"),
)
"""Every script that Faker writes, some from right to left; hi, ko and tr for names only."""

_PROVIDERS = [f"faker.providers.{name}" for name in ("address", "lorem", "person")]
"""All that is asked for: Faker would load every other, too, which takes seconds."""

_PEOPLE = 3
_SENTENCES = 8
_WORDS = 4

ODD_SENTENCES = (
    "It's \"working\" & <b>it is not</b>: C:\\temp\\new, 100%, /* -- */ '; \\o/",
    "İstanbul'da ığdır ağacı, Straße, ﬁn, Ǆ and a\u0301 beside \u00e1",
    "لا إله\u200f abc \u202bשלום\u202c, a zero\u200bwidth\u200djoiner",
    "eu preciso terminar a minha tabela, está muito difícil **",
)
"""What quoting, escaping, case and normal forms trip over; in every language's sentences."""

EMOJI = ("😀", "☕", "🌧️", "🎉", "👩‍💻", "🏳️‍🌈", "👍🏽", "🐈‍⬛", "❤️", "🧑🏿‍🚀", "🇧🇷", "𝓱𝓲")

SOURCES = (
    "web",
    "mobile web",
    "txt",
    '<a href="http://example.com/deck" rel="nofollow">ExampleDeck</a>',
    '<a href="http://example.org/pho" rel="nofollow">Phonograph für Beispiele</a>',
)


@dataclass(frozen=True, slots=True)
class Language:
    """A language, with invented people of one of its towns and what they write."""

    code: str
    town: str
    country: str
    country_code: str
    people: tuple[str, ...]
    sentences: tuple[str, ...]
    hashtags: tuple[str, ...]


@cache
def languages() -> tuple[Language, ...]:
    """Return all languages: the same ones each time, on every Python."""
    return tuple(map(_language, _LOCALES))


def screen_names(number: int) -> list[str]:
    """Return names to log in with, in ASCII, each once."""
    fake = Faker("en_US")
    fake.seed_instance("screen names")
    return [fake.unique.user_name() for _ in range(number)]


def _language(locale: str) -> Language:
    fake = Faker(locale, providers=_PROVIDERS)
    fake.seed_instance(locale)
    return Language(
        code=locale.split("_")[0],
        town=fake.city(),
        country=fake.current_country(),
        country_code=fake.current_country_code(),
        people=tuple(fake.name() for _ in range(_PEOPLE)),
        sentences=(*(fake.sentence().strip() for _ in range(_SENTENCES)), *ODD_SENTENCES),
        hashtags=tuple(fake.word() for _ in range(_WORDS)),
    )
