"""What the JSON Schema says of fields, which editors show."""

from __future__ import annotations

from typing import Any

from frontdesk_server.config.base import Section
from frontdesk_server.config.root import Config


class Below(Section):
    depth_mm: int = 1
    """How deep, in
    millimetres."""
    width: int = 1


class Further(Below):
    below: Below = Below()
    """What lies below."""


def fields(schema: dict[str, Any]) -> dict[str, dict[str, Any]]:
    properties: dict[str, dict[str, Any]] = schema["properties"]
    return properties


def test_a_field_is_described_by_the_text_below_it_also_where_it_is_inherited_or_a_section() -> None:
    described = fields(Further.model_json_schema())
    assert described["depth_mm"]["description"] == "How deep, in\nmillimetres."
    assert described["below"]["description"] == "What lies below."
    assert "description" not in described["width"]


def test_a_class_within_a_function_has_no_descriptions_and_no_fault() -> None:
    class Local(Section):
        depth: int = 1
        """How deep."""

    assert "description" not in fields(Local.model_json_schema())["depth"]


def test_the_configuration_is_described() -> None:
    sections = Config.model_json_schema()["$defs"]
    described = fields(sections["OpenAIBackendConfig"])
    assert described["max_connections"]["description"] == "Most connections at once."
    assert described["base_url"]["description"].startswith("Root of the API")
