"""Finds the charset of a collation id, and decodes its bytes as the server does.

The ids are those of `information_schema` on MySQL 9.7 and MariaDB 11.8, which never disagree.
Python's codecs were compared with both servers, byte sequence by byte sequence. If they differ, the
table is corrected here; what the server itself cannot read is an error.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from cdc.mapping.types import single_byte

Decode = Callable[[bytes], str]

UTF8 = frozenset({"utf8mb4", "utf8mb3", "ascii"})
"""Charsets whose bytes are UTF-8."""

IDS = {
    "armscii8": "32 64 1056 1088",
    "ascii": "11 65 1035 1089",
    "big5": "1 84 1025 1108",
    "cp1250": "26 34 44 66 99 1050 1090",
    "cp1251": "14 23 50-52 1074-1075",
    "cp1256": "57 67 1081 1091",
    "cp1257": "29 58-59 1082-1083",
    "cp850": "4 80 1028 1104",
    "cp852": "40 81 1064 1105",
    "cp866": "36 68 1060 1092",
    "cp932": "95-96 1119-1120",
    "dec8": "3 69 1027 1093",
    "eucjpms": "97-98 1121-1122",
    "euckr": "19 85 1043 1109",
    "gb18030": "248-250",
    "gb2312": "24 86 1048 1110",
    "gbk": "28 87 1052 1111",
    "geostd8": "92-93 1116-1117",
    "greek": "25 70 1049 1094",
    "hebrew": "16 71 1040 1095",
    "hp8": "6 72 1030 1096",
    "keybcs2": "37 73 1061 1097",
    "koi8r": "7 74 1031 1098",
    "koi8u": "22 75 1046 1099",
    "latin1": "5 8 15 31 47-49 94 1032 1071",
    "latin2": "2 9 21 27 77 1033 1101",
    "latin5": "30 78 1054 1102",
    "latin7": "20 41-42 79 1065 1103",
    "macce": "38 43 1062 1067",
    "macroman": "39 53 1063 1077",
    "sjis": "13 88 1037 1112",
    "swe7": "10 82 1034 1106",
    "tis620": "18 89 1042 1113",
    "ucs2": "35 90 128-151 159 640-642 1059 1114 1152 1174 2560-2727 2744-2759",
    "ujis": "12 91 1036 1115",
    "utf16": "54-55 101-124 672-674 1078-1079 1125 1147 2816-2983 3000-3015",
    "utf16le": "56 62 1080 1086",
    "utf32": "60-61 160-183 736-738 1084-1085 1184 1206 3072-3239 3256-3271",
    "utf8mb3": "33 76 83 192-215 223 576-579 1057 1107 1216 1238 2048-2215 2232-2247",
    "utf8mb4": "45-46 224-247 255-323 608-611 1069-1070 1248 1270 2304-2471 2488-2503",
}


def _numbers(ids: str) -> Iterator[int]:
    for span in ids.split():
        first, _, last = span.partition("-")
        yield from range(int(first), int(last or first) + 1)


COLLATIONS: dict[int, str] = {
    number: charset for charset, ids in IDS.items() for number in _numbers(ids)
}

UNDEFINED = "\ufffe"
"""Marks a byte without a character, in the tables of `codecs.charmap_decode`."""

SINGLE_BYTE: dict[str, tuple[str, dict[int, str]]] = {
    "cp1250": ("cp1250", {}),
    "cp1251": ("cp1251", {}),
    "cp1256": ("cp1256", dict.fromkeys(b"\x8a\x8f\x98\x9a\x9f\xaa\xc0\xff", UNDEFINED)),
    "cp1257": ("cp1257", {}),
    "cp850": ("cp850", {}),
    "cp852": ("cp852", {}),
    "cp866": ("cp866", {0xFC: "ⁿ", 0xFD: "²"}),
    "greek": ("iso8859_7", {0xA1: "ʽ", 0xA2: "ʼ"} | dict.fromkeys(b"\xa4\xa5\xaa", UNDEFINED)),
    "hebrew": ("iso8859_8", {0xAF: "‾"}),
    "hp8": ("hp_roman8", {}),
    "koi8r": ("koi8_r", {}),
    "koi8u": ("koi8_u", {0x95: "•"}),
    "latin1": ("cp1252", {byte: chr(byte) for byte in b"\x81\x8d\x8f\x90\x9d"}),
    "latin2": ("iso8859_2", {}),
    "latin5": ("iso8859_9", {}),
    "latin7": ("iso8859_13", {}),
    "macce": ("mac_latin2", {}),
    "macroman": ("mac_roman", {}),
    "tis620": ("tis_620", {}),
}
"""Python's codec, and the bytes that the servers read differently."""

ASCII = "".join(map(chr, range(128)))
TABLES = {
    "armscii8": ASCII + single_byte.ARMSCII8,
    "dec8": ASCII + single_byte.DEC8,
    "geostd8": ASCII + single_byte.GEOSTD8,
    "keybcs2": ASCII + single_byte.KEYBCS2,
    "swe7": ASCII.translate(
        {ord(old): new for old, new in zip("@[\\]^`{|}~\x7f", "ÉÄÖÅÜéäöåü\ufffe", strict=True)}
    )
    + UNDEFINED * 128,
}


def charset(collation: int) -> str | None:
    """Return the charset of a collation id; None if it is not known."""
    return COLLATIONS.get(collation)


def decoder(name: str) -> tuple[Decode, bool] | None:
    """Return a charset's decoder, and whether no two byte sequences decode alike.

    The decoder raises ValueError for bytes that the server cannot read either. Returns None for a
    charset that Python cannot decode as the servers do.
    """
    if name in UTF8:
        return bytes.decode, True
    if name in SINGLE_BYTE or name in TABLES:
        table = _table(name)
        characters = [one for one in table if one != UNDEFINED]
        return ByTable(table), len(set(characters)) == len(characters)
    found = MULTI_BYTE.get(name)
    return (found, name in INJECTIVE) if found else None


@cache
def _table(name: str) -> str:
    if name in TABLES:
        return TABLES[name]
    codec, mended = SINGLE_BYTE[name]
    return "".join(
        mended.get(byte) or bytes((byte,)).decode(codec, "replace").replace("\ufffd", UNDEFINED)
        for byte in range(256)
    )


@dataclass(frozen=True, slots=True)
class ByTable:
    """Decodes bytes that are a character each; `table` has UNDEFINED for a byte without one."""

    table: str

    def __call__(self, raw: bytes) -> str:
        """Return the characters; raises ValueError for a byte without one."""
        return codecs.charmap_decode(raw, "strict", self.table)[0]

    def characters(self) -> list[str | None]:
        """Return the character of each byte."""
        return [None if one == UNDEFINED else one for one in self.table]


def _by_codec(codec: str, mended: dict[str, str] | None = None, errors: str = "strict") -> Decode:
    """Decode by Python's codec, then exchange the characters that the servers read differently."""
    exchange = str.maketrans(mended or {})

    def decode(raw: bytes) -> str:
        text = raw.decode(codec, errors)
        return text.translate(exchange) if exchange and not text.isascii() else text

    return decode


BIG5_EXTENSION = dict(zip(range(0xF9D6, 0xF9DD), "碁銹裏墻恒粧嫺", strict=True))
BIG5_BYTES = {character: pair.to_bytes(2, "big") for pair, character in BIG5_EXTENSION.items()}
BIG5_UNREAD = frozenset("╴￣ˍ")
"""Characters with one sequence in Python's table and none in the servers'."""


def _big5(raw: bytes) -> str:
    """Decode; a character's second sequence is one that the servers cannot read."""
    text = raw.decode("big5", "cdc.big5")
    if not BIG5_UNREAD.isdisjoint(text) or text.encode("big5", "cdc.big5") != raw:
        raise ValueError("big5 bytes without a character")
    return text


def _extend_big5(error: UnicodeError) -> tuple[str | bytes, int]:
    if isinstance(error, UnicodeEncodeError):
        return BIG5_BYTES[error.object[error.start]], error.start + 1
    assert isinstance(error, UnicodeDecodeError)
    pair = error.object[error.start : error.start + 2]
    character = BIG5_EXTENSION.get(int.from_bytes(pair, "big"))
    if character is None:
        raise error
    return character, error.start + 2


UJIS_USER_ROW = 0xF5
UJIS_ROW_CELLS = 94
UJIS_FIRST_CELL = 0xA1
PRIVATE_USE = 0xE000
UJIS_SECOND_PLANE = PRIVATE_USE + 10 * UJIS_ROW_CELLS


def _extend_ujis(error: UnicodeError) -> tuple[str, int]:
    """Read the ten user-defined rows of either plane, for which Unicode has private use."""
    assert isinstance(error, UnicodeDecodeError)
    triple = error.object[error.start : error.start + 3]
    first, origin = (1, UJIS_SECOND_PLANE) if triple[0] == 0x8F else (0, PRIVATE_USE)
    pair = triple[first : first + 2]
    if len(pair) < 2 or pair[0] < UJIS_USER_ROW or not 0xA1 <= pair[1] < 0xFF or pair[0] == 0xFF:
        raise error
    cell = (pair[0] - UJIS_USER_ROW) * UJIS_ROW_CELLS + pair[1] - UJIS_FIRST_CELL
    return chr(origin + cell), error.start + first + 2


codecs.register_error("cdc.big5", _extend_big5)
codecs.register_error("cdc.ujis", _extend_ujis)


def _ucs2(raw: bytes) -> str:
    text = raw.decode("utf_16_be")
    if 2 * len(text) != len(raw):
        raise ValueError("ucs2 bytes with a surrogate")
    return text


MULTI_BYTE: dict[str, Decode] = {
    "big5": _big5,
    "cp932": _by_codec("cp932"),
    "euckr": _by_codec("cp949"),
    "gb18030": _by_codec("gb18030", {"ḿ": "\ue7c7", "\ue7c7": "ḿ"}),
    "gb2312": _by_codec("gb2312"),
    "gbk": _by_codec("gbk"),
    "sjis": _by_codec("shift_jis", {"＼": "\\"}),
    "ucs2": _ucs2,
    "ujis": _by_codec("euc_jp", {"＼": "\\"}, "cdc.ujis"),
    "utf16": _by_codec("utf_16_be"),
    "utf16le": _by_codec("utf_16_le"),
    "utf32": _by_codec("utf_32_be"),
}
INJECTIVE = frozenset(MULTI_BYTE) - {"cp932", "sjis", "ujis"}
