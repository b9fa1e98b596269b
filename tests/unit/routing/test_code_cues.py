# ruff: noqa: RUF001 - signs of other scripts look like ours
"""What only programs look like is taken for programming, in any language, and everyday words are not."""

from __future__ import annotations

import pytest
from frontdesk_server.domain.query import text_query
from frontdesk_server.routing.cues import default_cues
from frontdesk_server.routing.signals import compute_signals


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("BeanCreationException beim Start", "quotes what a program reports"),
        ("sale ECONNRESET a cada rato", "quotes what a program reports"),
        ("fatal: bad object abc", "quotes what a program reports"),
        ("就是 exit code 137", "quotes what a program reports"),
        ("git bisect はどう使う", "types a command"),
        ("kubectl logs -f は止まる", "types a command"),
        ("mit --verbose geht es", "types a command"),
        ("ps aux | grep java | wc -l", "types a command"),
        ("=MITTELWERT(A1:A9) stimmt nicht", "writes a formula of a spreadsheet"),
        ("=СУММ(A1:A3)", "writes a formula of a spreadsheet"),
        ("PROCV não acha", "writes a formula of a spreadsheet"),
        ("userName ist leer", "names what programs are made of"),
        ("max_retries を増やす", "names what programs are made of"),
        ("open() nunca devuelve nada", "names what programs are made of"),
        ("où mettre settings.toml", "names what programs are made of"),
        ("a[i] != b[i]", "names what programs are made of"),
    ],
)
def test_what_only_programs_look_like_is_named(text: str, label: str) -> None:
    assert label in {cue.label for cue in default_cues().found_in(text)}
    assert compute_signals(text_query(text)).code


@pytest.mark.parametrize(
    "text",
    [
        "Is my iPhone older than your eBay account?",
        "Does WhatsApp belong to YouTube or McDonald's?",
        "Go get some milk.",
        "Pull, don't push.",
        "Where do rust stains come from?",
        "Mein Python ist hungrig.",
        "Which branch of the bank is open?",
        "¿A qué hora sale el bus?",
        "爪哇岛在哪里？",
        "odd question",
        "Is rust bad for my car?",
        "Do swift birds sleep while they fly?",
        "My class of toddlers loves the zoo.",
        "Halla todas las funciones f con f(x+y)=f(x)f(y) y f(0)=1, paso a paso: ¿cuántas hay?",
    ],
)
def test_everyday_words_are_not_taken_for_programs(text: str) -> None:
    assert not compute_signals(text_query(text)).code
