"""YAML as plain values, each with its place.

What a file may hold is bounded: aliases of aliases make millions of values of ten lines, and a text of nothing but
brackets is deeper than the stack of the parser.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol

import yaml
from yaml.constructor import SafeConstructor

from frontdesk_server.domain.errors import ConfigFault

MOST_VALUES = 500_000
"""Mappings, lists and scalars of a configuration, those behind an alias counted wherever it stands."""

DEEPEST = 100
"""Mappings and lists inside each other."""

Location = tuple[str | int, ...]
"""Where something stands in the configuration, such as ("routers", "default", "strategy")."""
Position = tuple[int, int]
"""Where it stands in the file: line and column, from 1."""


class _Mark(Protocol):
    """Where the parser was, counted from 0."""

    @property
    def line(self) -> int: ...

    @property
    def column(self) -> int: ...


_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_MERGE_TAG = "tag:yaml.org,2002:merge"


class Unreadable(Exception):
    """The text is no YAML, or too much of it."""

    def __init__(self, fault: ConfigFault) -> None:
        self.fault = fault
        super().__init__(fault.message)


def compose(text: str) -> yaml.Node | None:
    """The nodes of a text; None when it holds none.

    Raises:
        Unreadable: it is no YAML, deeper than `DEEPEST`, or longer than `MOST_VALUES`.
    """
    try:
        _check_extent(text)
        root: yaml.Node | None = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise Unreadable(_fault(f"is no YAML: {error.problem}", mark)) from error
    except yaml.YAMLError as error:
        raise Unreadable(ConfigFault(f"is no YAML: {error}")) from error
    return root


def _check_extent(text: str) -> None:
    """Walk the events, which nothing recurses into: composing what is too deep would end the process."""
    depth = values = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        values += isinstance(event, yaml.NodeEvent)
        if depth > DEEPEST:
            raise Unreadable(_fault(f"is nested more than {DEEPEST} deep", event.start_mark))
        if values > MOST_VALUES:
            raise Unreadable(_fault(f"has more than {MOST_VALUES:,} values", event.start_mark))


class Reader:
    """Turns YAML nodes into plain values and remembers where each stands."""

    def __init__(self, environment: Mapping[str, str], stand_in: Callable[[Location], str] | None = None) -> None:
        """With `stand_in`, what it gives for a place stands there for a variable that is not set."""
        self._environment = environment
        self._stand_in = stand_in
        self._constructor = SafeConstructor()
        self._values = 0
        self._open: list[yaml.Node] = []
        self._reached: Position = (0, 0)
        self._variables: dict[Location, list[str]] = {}
        self.positions: dict[Location, Position] = {}
        self.faults: list[ConfigFault] = []
        self.referring: set[Location] = set()
        """Where a variable of the environment is named."""

    def value(self, node: yaml.Node, location: Location) -> Any:
        """The value of a node at a location.

        Raises:
            Unreadable: there are more than `MOST_VALUES`, or an alias contains itself.
        """
        position = _position(node.start_mark)
        self.positions[location] = position
        self._reached = max(self._reached, position)  # what stands behind an alias stands further up
        self._values += 1
        if self._values > MOST_VALUES:
            self._refuse(
                location, f"has more than {MOST_VALUES:,} values, those behind an alias counted wherever it stands"
            )
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, location)
        if node in self._open:
            self._refuse(location, "an alias contains itself")
        if len(self._open) >= DEEPEST:
            self._refuse(location, f"is nested more than {DEEPEST} deep")
        self._open.append(node)
        try:
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, location)
            return [self.value(item, (*location, index)) for index, item in enumerate(node.value)]
        finally:
            self._open.pop()

    def fault(self, location: Location, message: str) -> ConfigFault:
        """A fault at the deepest place that the file has on the way to this location.

        It names the environment variables that the value there comes from.
        """
        known = self._known(location)
        if variables := self._variables.get(known):
            message = f"{message} (from the environment: {', '.join(variables)})"
        return ConfigFault(message, dotted(known), *self.positions.get(known, (0, 0)))

    def _refuse(self, location: Location, message: str) -> None:
        raise Unreadable(ConfigFault(message, dotted(location[:1]), *self._reached))

    def _scalar(self, node: yaml.ScalarNode, location: Location) -> Any:
        try:
            value = self._constructor.construct_object(node)
        except (yaml.YAMLError, ValueError) as error:
            self.faults.append(self.fault(location, f"cannot be read: {error}"))
            return None
        return self._resolve(value, location) if isinstance(value, str) else value

    def _mapping(self, node: yaml.MappingNode, location: Location) -> dict[str, Any]:
        """What is merged into it (`<<`), and over that what it says itself."""
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE_TAG:
                for inherited in self._merged(value_node, location):
                    result = inherited | result
        self.positions[location] = _position(node.start_mark)
        own: set[str] = set()
        for key_node, value_node in node.value:
            if key_node.tag != _MERGE_TAG and (key := self._key(key_node, location, own)) is not None:
                own.add(key)
                result[key] = self.value(value_node, (*location, key))
        return result

    def _key(self, node: yaml.Node, location: Location, before: Collection[str]) -> str | None:
        """The key; None of what can be none."""
        if not isinstance(node, yaml.ScalarNode):
            self.faults.append(ConfigFault("has a key that is no text", dotted(location), *_position(node.start_mark)))
            return None
        key = str(node.value)
        if key in before:
            self.faults.append(ConfigFault("is given twice", dotted((*location, key)), *_position(node.start_mark)))
        return key

    def _merged(self, node: yaml.Node, location: Location) -> list[dict[str, Any]]:
        """The mappings that a merge key names; the first to have a key gives it."""
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        if not all(isinstance(source, yaml.MappingNode) for source in sources):
            position = _position(node.start_mark)
            self.faults.append(ConfigFault("<< takes a mapping or a list of mappings", dotted(location), *position))
            return []
        return [self.value(source, location) for source in sources]

    def _resolve(self, text: str, location: Location) -> str:
        def replaced(match: re.Match[str]) -> str:
            self.referring.add(location)
            name, default = match.groups()
            value = self._environment.get(name, default)
            if value is None and self._stand_in is not None:
                return self._stand_in(location)
            if value is None:
                self.faults.append(self.fault(location, f"environment variable {name} is not set"))
                return ""
            self._variables.setdefault(location, []).append(name)
            return value

        return _REFERENCE.sub(replaced, text)

    def _known(self, location: Location) -> Location:
        """The location without the union tags that pydantic puts between its parts."""
        known: Location = ()
        for part in location:
            if (*known, part) in self.positions:
                known = (*known, part)
        if location and isinstance(location[-1], str) and known[-1:] != location[-1:]:
            parent = known
            self.positions.setdefault((*known, location[-1]), self.positions.get(parent, (0, 0)))
            known = (*known, location[-1])
        return known


def dotted(location: Location) -> str:
    """The location as faults show it, such as `models.small.deployments[0]`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).removeprefix(".")


def _position(mark: _Mark) -> Position:
    return mark.line + 1, mark.column + 1


def _fault(message: str, mark: _Mark | None) -> ConfigFault:
    return ConfigFault(message, "", *(_position(mark) if mark else ()))
