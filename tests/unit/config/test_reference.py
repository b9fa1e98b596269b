"""The page of every section and key is the schema's, whole, and its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

from frontdesk_server.config.reference import reference
from frontdesk_server.config.root import Config

PAGE = Path(__file__).parents[3] / "docs" / "configuration.md"


def test_the_page_is_what_the_schema_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(Config.model_json_schema()), (
        "run: frontdesk schema --markdown > docs/configuration.md"
    )


def test_headings_are_told_apart() -> None:
    headings = re.findall(r"^## (.+)$", reference(Config.model_json_schema()), re.M)
    assert sorted(headings) == sorted(set(headings))


def test_every_section_and_key_of_the_schema_is_there() -> None:
    schema = Config.model_json_schema()
    page = reference(schema)
    keys = {key for definition in schema["$defs"].values() for key in definition.get("properties", ())}
    assert [key for key in sorted(keys) if f"| `{key}` |" not in page] == []


def test_bounds_choices_defaults_and_escapes_are_spelled_out() -> None:
    schema = {
        "properties": {
            "count": {"type": "integer", "minimum": 1, "default": 3, "description": "How many."},
            "mode": {"anyOf": [{"enum": ["a", "b"], "type": "string"}, {"type": "null"}], "default": None},
            "names": {"type": "array", "items": {"type": "string"}, "default": []},
            "pattern": {"type": "string", "default": "x|y", "description": "Either | or."},
            "place": {"$ref": "#/$defs/PlaceConfig"},
        },
        "required": ["place"],
        "$defs": {"PlaceConfig": {"description": "Where.", "properties": {"kind": {"const": "here"}}}},
    }
    page = reference(schema)
    for row in (
        "| `count` | whole number ≥ 1 | `3` | How many. |",
        "| `mode` | `a`, `b` |  |  |",
        "| `names` | list of text | none |  |",
        r"| `pattern` | text | `x\|y` | Either \| or. |",
        "| `place` | [`here`](#kind-here) | required |  |",
        "## `kind: here`\n\nWhere.\n",
    ):
        assert row in page
