from __future__ import annotations

import pytest
from frontdesk_server.rpc.json_schema import SchemaRoom, SchemasTooLarge, schema_fault


def a_room() -> SchemaRoom:
    return SchemaRoom(characters=200_000, subschemas=1000)


GOOD = [
    "{}",
    '{"type": "object", "properties": {"a": true, "b": {"type": ["string", "null"]}}, "required": ["a"]}',
    '{"$defs": {"x": {"enum": [1, null]}}, "anyOf": [{"$ref": "#/$defs/x"}, {"const": 1}]}',
    '{"type": "array", "items": {"type": "number", "minimum": -1.5}, "minItems": 1}',
    '{"items": [{"type": "string"}], "x-vendor": [1]}',
    '{"$schema": "https://schemas.invalid/never-fetched", "$ref": "https://schemas.invalid/nor-this"}',
    '{"pattern": "^(?=.*\\\\d)[\\\\w-]+$", "patternProperties": {"^x-": {}}}',
    '{"pattern": "(?i)^abc[[:alpha:]]$"}',
    '{"properties": {"pattern": {"type": "string"}, "type": {"type": "string"}}}',
    '{"pattern": "((a{100}){100}){100}"}',
]


@pytest.mark.parametrize("text", GOOD)
def test_schemas_pass(text: str) -> None:
    assert schema_fault(text, a_room()) is None


BAD = [
    ("", "not JSON"),
    ("{", "not JSON"),
    ("NaN", "not JSON"),
    ("[" * 100_000, "not JSON"),
    ("true", "object"),
    ('{"type": "text"}', "/type"),
    ('{"type": []}', "/type"),
    ('{"type": [["string"]]}', "/type"),
    ('{"properties": []}', "/properties"),
    ('{"properties": {"a": {"type": 1}}}', "/properties/a/type"),
    ('{"properties": {"a": "string"}}', "/properties/a"),
    ('{"required": "a"}', "/required"),
    ('{"required": ["a", "a"]}', "/required"),
    ('{"enum": []}', "/enum"),
    ('{"anyOf": []}', "/anyOf"),
    ('{"allOf": [1]}', "/allOf/0"),
    ('{"items": 1}', "/items"),
    ('{"pattern": 1}', "/pattern"),
    ('{"minimum": "0"}', "/minimum"),
    ('{"minLength": -1}', "/minLength"),
    ('{"maxItems": true}', "/maxItems"),
    ('{"uniqueItems": "yes"}', "/uniqueItems"),
    ('{"pattern": "("}', "/pattern"),
    ('{"properties": {"a": {"items": {"pattern": "[z-a]"}}}}', "/properties/a/items/pattern"),
    ('{"patternProperties": {"(": {}}}', "/patternProperties"),
    ('{"multipleOf": 0}', "/multipleOf"),
    ('{"additionalProperties": "no"}', "/additionalProperties"),
    ('{"items": [{"type": "text"}]}', "/prefixItems/0/type"),
    ('{"properties": {"a": {"not": {"enum": []}}}}', "/properties/a/not/enum"),
    ('{"dependentRequired": {"a": "b"}}', "/dependentRequired/a"),
    ('{"$ref": "a b"}', "/$ref"),
    ('{"not": ' * 100 + "{}" + "}" * 100, "deeper"),
]


@pytest.mark.parametrize(("text", "fault"), BAD)
def test_what_is_no_schema_is_told_where(text: str, fault: str) -> None:
    assert fault in (schema_fault(text, a_room()) or "")


def test_what_is_said_of_a_schema_does_not_repeat_it() -> None:
    text = '{"uniqueItems": "%s"}' % ("x" * 1000)
    assert schema_fault(text, a_room()) == '/uniqueItems: it is not of type "boolean"'


def test_a_schema_that_is_known_takes_room_like_a_new_one() -> None:
    text = '{"anyOf": [{"title": "a"}, {"title": "b"}, {"title": "known"}]}'
    room = SchemaRoom(characters=1000, subschemas=10)
    assert [schema_fault(text, room) for _ in range(2)] == [None, None]
    assert room.subschemas == 2
    with pytest.raises(SchemasTooLarge):
        schema_fault(text, room)


def test_a_schema_for_which_there_was_no_room_is_examined_where_there_is() -> None:
    text = '{"anyOf": [{"type": "first"}, {}, {}]}'
    with pytest.raises(SchemasTooLarge):
        schema_fault(text, SchemaRoom(characters=1000, subschemas=2))
    assert "/anyOf/0/type" in (schema_fault(text, a_room()) or "")


@pytest.mark.parametrize(("text", "good"), [('{"type": "object"}', True), ("{}", False), ('{"type": "array"}', False)])
def test_parameters_of_a_tool_are_an_object(text: str, good: bool) -> None:
    assert (schema_fault(text, a_room(), of_type_object=True) is None) is good
