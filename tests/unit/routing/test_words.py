# ruff: noqa: RUF001 - words of many scripts, some of whose letters look like ours
"""Keywords of rules in many scripts: a rule that keeps private text on a local model must see it, and only it."""

from __future__ import annotations

import unicodedata

import pytest
from frontdesk_server.routing.strategies.conditions import PhraseSet
from frontdesk_server.routing.strategies.folding import folded
from frontdesk_server.routing.strategies.words import has_word
from hypothesis import assume, example, given
from hypothesis import strategies as st

FOUND = [
    ("iban", "我的IBAN：请保密"),
    ("iban", "我的ＩＢＡＮ：请保密"),
    ("iban", "私のIBANは次の通り"),
    ("iban", "バンクIBANー"),
    ("iban", "IBAN을 알려 드릴게요"),
    ("iban", "내IBAN번호"),
    ("iban", "รหัสที่IBANของฉัน"),
    ("iban", "رقم IBAN\u200f: سري"),
    ("iban", "DE: IBAN؟"),
    ("iban", "मेरा IBAN।"),
    ("iban", "“IBAN”…"),
    ("iban", "IBAN™"),
    ("iban", "IBAN², siehe unten"),
    ("iban", "İBAN numaram"),
    ("iban", "I\u00adBAN"),
    ("iban", "\ufeffiban"),
    ("iban", "khmer\u200biban\u200bkhmer"),
    ("iban", "¡IBAN!"),
    ("iban", "iban💰"),
    ("iban", "iban\ufe0f"),
    ("iban", "l'IBAN:DE12"),
    ("연봉", "연봉을 올려 주세요"),
    ("연봉", "내 연봉은 비밀"),
    ("연봉", "2024연봉"),
    ("연봉", "\u110b\u1167\u11ab\u1107\u1169\u11bc을"),  # the same in conjoining jamo
    ("راتب", "كم راتب؟"),
    ("راتب", "راتب، من فضلك"),
    ("تنخواہ", "میری تنخواہ۔"),
    ("वेतन", "मेरा वेतन।"),
    ("शिक्षा", "शिक्षा, कृपया"),
    ("বেতন", "আমার বেতন।"),
    ("சம்பளம்", "என் சம்பளம்?"),
    ("ücret", "ÜCRET nedir"),
    ("kira", "KİRA sözleşmesi"),
    ("sınır", "SINIR nerede"),
    ("straße", "HAUPT STRASSE 5"),
    ("STRASSE", "in der Straße"),
    ("λόγος", "ΛΌΓΟΣ, λέει"),
    ("зарплата", "Моя ЗАРПЛАТА…"),
    ("համար", "իմ համար։"),
    ("ხელფასი", "ჩემი ხელფასი!"),
    ("שכר", "ה: שכר־מינימום"),
    ("ደመወዝ", "የእኔ፡ደመወዝ።"),
    ("เงินเดือน", "ขอดูเงินเดือนของฉันหน่อย"),
    ("ເງິນເດືອນ", "ຂໍເບິ່ງເງິນເດືອນຂອງຂ້ອຍ"),
    ("ប្រាក់ខែ", "សូមមើលប្រាក់ខែរបស់ខ្ញុំ"),
    ("လစာ", "ကျွန်တော့်လစာကို"),
    ("དངུལ", "ངའི་དངུལ་"),
    ("薪水", "请问薪水是多少"),
    ("給料", "彼の給料は秘密"),
    ("カード", "クレジットカード番号"),
    ("カード", "ｸﾚｼﾞｯﾄｶｰﾄﾞ"),
    ("マネージャー", "マネージャーの"),
    ("credit card", "my\u00a0credit\u3000 card\n"),
    ("信用 card", "信用\u2003CARD"),
    ("c++", "ich mag Ｃ＋＋。"),
    ("naïve", "a nai\u0308ve one"),
    ("ofﬁce", "OFFICE"),
    ("iban", "ⓘⓑⓐⓝ, bitte"),
    ("iban", "ⒾⒷⒶⓃ"),
    ("iban", "🄸🄱🄰🄽"),
    ("ⓘⓑⓐⓝ", "iban"),
    ("kg", "in ㎏?"),
    ("5kg", "5㎏"),
    ("tel", "℡: 030"),
    ("℡", "my TEL."),
    ("no", "№: 5"),
    ("株式会社", "㍿"),
    ("株", "㈱"),
    ("秘", "㊙"),
    ("iban", "ⓘIBAN"),
    ("iban", "IBAN①"),
    ("007", "⓪⓪⑦"),
    ("iban", "i\u200bb\u200ban"),
    ("iban", "\u200biban\u200b"),
    ("i\u200bban", "iban"),
    ("iban", "ib\u034fan"),
    ("iban", "ib\u2060an\u2061"),
    ("iban", "ib\u3164an"),
    ("密码", "我的密\n码是"),
    ("密码", "密 \r\n\t码"),
    ("密 码", "密码"),
    ("คำลับ", "คำ\nลับ"),
    ("カード", "カー\nド"),
    ("راتب", "كم راتـــب؟"),
    ("راتب", "كم رَاتِبٌ؟"),
    ("رَاتِب", "راتب"),
    ("أجر", "ا\u0654جر"),
    ("שכר", "שָׂכָר"),
    ("שכר", "\ufb2bכר"),
    ("κωδικός", "ΚΩΔΙΚΟΣ"),
    ("ΚΩΔΙΚΟΣ", "ο κωδικός μου"),
    ("ρολόι", "ΡΟΛΟΪ"),
    ("μισθό", "μισθὸ"),
    ("don't", "DON\u2019T"),
    ("комп'ютер", "комп\u02bcютер"),
    ("e-mail", "E\u2011Mail"),
]

NOT_FOUND = [
    ("iban", "Liban"),
    ("iban", "Ibans"),
    ("iban", "IBAN_2"),
    ("iban", "IBÀN"),
    ("iban", "iban\u0323"),
    ("iban", "iban\u200d\u0323"),
    ("iban", "x\u0300iban"),
    ("iban", "Либiban"),
    ("iban", "IBAN٣"),
    ("pay", "payment"),
    ("pay", "repay"),
    ("연봉", "고연봉자"),
    ("راتب", "مراتب"),
    ("वेतन", "वेतनों"),
    ("वेतन", "वेतना"),
    ("हिन्दी", "हिन्दीभाषी"),
    ("शिक्ष", "शिक्षा"),
    ("বেতন", "বেতনের"),
    ("சம்பள", "சம்பளம்"),
    ("größe", "Übergröße"),
    ("зарплат", "зарплата"),
    ("שכר", "שכרון"),
    ("λόγος", "πρόλογος"),
    ("ក", "ក្រ"),
    ("រ", "ក្រ"),
    ("ท", "ที่"),
    ("か", "か\u3099"),
    ("credit card", "credit, card"),
    ("m²", "m2"),
    ("tm", "word™"),
    ("sm", "word℠"),
    ("اجر", "أجر"),
    ("credit card", "creditcard"),
    ("credit\u200bcard", "credit card"),
    ("비밀", "비 밀"),
]


def _found(keyword: str, text: str) -> bool:
    phrases = PhraseSet()
    number = phrases.add_keywords(("another", keyword))
    phrases.compile()
    return phrases.found_in(text) == {number}


@pytest.mark.parametrize(("keyword", "text"), FOUND)
def test_a_keyword_is_found_as_its_script_writes_words(keyword: str, text: str) -> None:
    assert _found(keyword, text)


@pytest.mark.parametrize(("keyword", "text"), NOT_FOUND)
def test_a_keyword_is_not_found_within_a_longer_word(keyword: str, text: str) -> None:
    assert not _found(keyword, text)


_WORDS = st.sampled_from([keyword for keyword, _ in FOUND])
_PUNCTUATION = st.characters(categories=["Po", "Pd", "Ps", "Pe", "Pi", "Pf", "Zs", "Sc", "So", "No"])


@given(_WORDS, _PUNCTUATION, _PUNCTUATION, st.sampled_from([str, str.upper, str.lower]))
def test_a_keyword_is_found_between_any_signs(keyword: str, before: str, after: str, case: type[str]) -> None:
    """But a sign that stands for letters is one of a word that is written in such signs itself."""
    lettered = unicodedata.normalize("NFKC", before + after) != before + after
    assume(keyword.isascii() or not lettered)
    assert _found(keyword, f"{before}{case(keyword)}{after}")


@given(st.text())
@example("İıŞẞςΣﬁ™²①ᾳ̈ｶﾞ")
def test_a_folded_text_stays_as_it_is(text: str) -> None:
    assert folded(folded(text)) == folded(text)


@given(st.text(min_size=1))
def test_a_text_that_holds_a_word_twice_holds_it_once_at_its_bounds(text: str) -> None:
    """Every whole text is a word of itself, whatever its characters."""
    plain = folded(text)

    assert not plain or has_word(plain, plain)


def test_of_several_words_at_one_place_each_is_looked_at() -> None:
    phrases = PhraseSet()
    numbers = [phrases.add_keywords(words) for words in (("credit", "loan"), ("credit card",), ("credit car",))]
    phrases.compile()

    assert phrases.found_in("my credit cards, my credit card") == {numbers[0], numbers[1]}


def test_thousands_of_keywords_are_all_found() -> None:
    phrases = PhraseSet()
    numbers = [phrases.add_keywords((f"palabra{place}", f"слово{place}")) for place in range(3000)]
    phrases.compile()

    text = " ".join(f"слово{place}" for place in range(3000))
    assert phrases.found_in(text) == set(numbers)
