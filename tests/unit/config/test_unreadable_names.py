"""Names that nobody could read or write are faults, whatever they name."""

from __future__ import annotations

import json

import pytest
from frontdesk_server.config.loading import parse_config
from frontdesk_server.domain.errors import ConfigError

CONFIG = """
backends: {BACKEND: {kind: simulated}, sim: {kind: simulated}}
models: {MODEL: {backend: sim}, a: {backend: sim}}
routers:
  ROUTER: {default_model: a, strategy: {kind: rules, rules: [{name: RULE, model: a}]}}
  default:
    default_model: a
    strategy:
      kind: split
      arms:
      - {name: ARM, weight: 1, strategy: {kind: model, model: a}}
      - {name: other, weight: 1, strategy: {kind: model, model: a}}
limits: {path: limits.db, rules: [{name: LIMIT, window: day, requests: 1}]}
security: {keys: [{caller: CALLER, id: "01234567", sha256: "%s"}]}
""" % ("0" * 64)
NAMED = ("BACKEND", "MODEL", "ROUTER", "RULE", "ARM", "LIMIT", "CALLER")
FAULTS = {
    "": "is empty",
    "  ": "is empty",
    " a": "begins or ends with a blank",
    "a\x1b[31m": "holds characters that cannot be shown",
    "a\nb": "holds characters that cannot be shown",
    "a\u202eb": "holds characters that cannot be shown",
}


@pytest.mark.parametrize(("name", "message"), FAULTS.items(), ids=map(repr, FAULTS))
@pytest.mark.parametrize("named", NAMED)
def test_a_name_that_nobody_could_read_or_write_is_a_fault(named: str, name: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse_config(CONFIG.replace(named, json.dumps(name)), "f.yaml", {})

    (fault,) = error.value.faults
    assert message in fault.message
    assert fault.line
    (line,) = error.value.lines()
    assert line.isprintable()


@pytest.mark.parametrize("name", ["gpt-4.1", "a b/c", "Modèle 7", "模型", "default"])
def test_other_names_are_good(name: str) -> None:
    text = CONFIG
    for named in NAMED:
        text = text.replace(named, json.dumps(f"{named} {name}"))
    assert parse_config(text, "f.yaml", {})
