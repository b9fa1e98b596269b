"""Scripts without spaces between words: ideographs, kana and those of complex context (UAX #29), of one list.

Whoever looks for words has to know them: keywords of rules, and the pieces that wording is read by.
"""

from __future__ import annotations

__all__ = ["UNSEEN", "UNSPACED", "UNSPACED_BASIC", "size_of"]

_RANGES = (
    (0x02EA, 0x02EB),  # Bopomofo tones
    (0x0E01, 0x0E3A),  # Thai, but for the baht sign
    (0x0E40, 0x0EDF),  # Thai and Lao
    (0x1000, 0x109F),  # Burmese
    (0x1780, 0x17F9),  # Khmer
    (0x1950, 0x19FF),  # Tai Le, New Tai Lue, signs of Khmer
    (0x1A20, 0x1AAD),  # Tai Tham
    (0x2E80, 0x2FD5),  # radicals
    (0x3005, 0x3005),  # ideographs that stand beside the punctuation of Chinese and Japanese
    (0x3007, 0x3007),
    (0x3021, 0x3029),
    (0x3031, 0x3035),
    (0x3038, 0x303B),
    (0x3041, 0x3096),  # Hiragana
    (0x309B, 0x309F),
    (0x30A1, 0x30FA),  # Katakana
    (0x30FC, 0x312F),  # and Bopomofo
    (0x31A0, 0x31BF),
    (0x31F0, 0x31FF),
    (0x32D0, 0x32FE),
    (0x3300, 0x3357),
    (0x3400, 0x4DBF),  # Chinese characters
    (0x4E00, 0x9FFF),
    (0xA9E0, 0xA9FE),  # Burmese
    (0xAA60, 0xAADF),  # and Tai Viet
    (0xF900, 0xFAD9),  # Chinese characters
    (0xFF66, 0xFF6F),  # Katakana of half width
    (0xFF71, 0xFF9D),
    (0x11700, 0x11746),  # Ahom
    (0x16FE0, 0x1B2FB),  # Tangut, Khitan, Nushu, kana of old
    (0x1F200, 0x1F200),
    (0x20000, 0x323AF),  # Chinese characters
)

UNSPACED = "".join(f"{chr(first)}-{chr(last)}" for first, last in _RANGES)
"""What stands between the brackets of a character class, for `re` and RE2 alike."""

UNSPACED_BASIC = "".join(f"{chr(first)}-{chr(last)}" for first, last in _RANGES if last <= 0xFFFF)
"""The same without characters beyond the basic plane, which `re` finds in half the time."""

UNSEEN = (
    r"\p{Cf}\x{34f}\x{115f}\x{1160}\x{17b4}\x{17b5}\x{180b}-\x{180f}\x{3164}\x{fe00}-\x{fe0f}\x{ffa0}\x{fff0}-\x{fff8}"
    r"\x{e0000}-\x{e0fff}"
)
"""Format characters and whatever else Unicode calls default ignorable, for RE2."""


def size_of(text: str) -> int:
    """How much a text says, in bytes: a Chinese character as much as three letters."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
