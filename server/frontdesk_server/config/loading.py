"""Reads a configuration file: YAML, `${NAME}` from the environment, every fault with its place in one report."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from yaml.constructor import SafeConstructor

from frontdesk_server.config.limits import LimitRule
from frontdesk_server.config.root import Config
from frontdesk_server.config.security import CallerConfig
from frontdesk_server.domain.errors import ConfigError, ConfigFault

_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_VERSION_DIGITS = 12
_LONGEST_SHOWN = 40
_SECRET_FIELDS = frozenset({"api_key", "headers", "url"})

Place = tuple[int, int]
Path_ = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """A configuration with its origin. `version` is 12 hexadecimal digits over the text and what it refers to."""

    config: Config
    source: str
    version: str
    places: Mapping[Path_, Place] = field(default_factory=dict, repr=False)

    @property
    def folder(self) -> Path:
        """Where relative paths start."""
        return Path(self.source).parent

    def fault(self, location: Path_, message: str) -> ConfigFault:
        """A fault at a location of the configuration, or at the deepest part of it that the file spells out."""
        place = next(
            (self.places[location[:n]] for n in range(len(location), 0, -1) if location[:n] in self.places), (0, 0)
        )
        return ConfigFault(message, _dotted(location), *place)


def default_config_path() -> Path:
    """The configuration that ships: an embedded pool that needs no network."""
    return Path(str(files("frontdesk_server.config").joinpath("default.yaml")))


def load_config(path: Path, environment: Mapping[str, str] = os.environ) -> LoadedConfig:
    """Read and validate a file.

    Raises:
        ConfigError: with every fault found, each with its line and column.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), [ConfigFault(f"cannot be read: {error}")]) from error
    return parse_config(text, str(path), environment)


def parse_config(text: str, source: str, environment: Mapping[str, str] = os.environ) -> LoadedConfig:
    """Validate a configuration given as text; `source` names it in faults.

    Raises:
        ConfigError: with every fault found, each with its line and column.
    """
    try:
        root = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        raise ConfigError(source, [ConfigFault(f"is no YAML: {error.problem}", "", line, column)]) from error
    except yaml.YAMLError as error:
        raise ConfigError(source, [ConfigFault(f"is no YAML: {error}")]) from error
    reader = _Reader(environment)
    try:
        data = reader.value(root, ()) if root is not None else {}
    except RecursionError as error:
        raise ConfigError(source, [ConfigFault("an alias contains itself")]) from error
    config = None
    try:
        config = Config.model_validate(data)
    except ValidationError as error:
        reader.faults.extend(
            reader.fault(e["loc"], _message(e["type"], e["msg"], e["loc"], e["input"])) for e in error.errors()
        )
    if reader.faults or config is None:
        raise ConfigError(source, sorted(reader.faults, key=lambda f: (f.line, f.column)))
    faults = _dangling(config, reader)
    if faults:
        raise ConfigError(source, faults)
    digest = hashlib.sha256(json.dumps(data, sort_keys=True, default=str).encode()).hexdigest()
    return LoadedConfig(config, source, digest[:_VERSION_DIGITS], reader.places)


class _Reader:
    """Turns YAML nodes into plain values and remembers where each stands."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._constructor = SafeConstructor()
        self.places: dict[Path_, Place] = {}
        self.faults: list[ConfigFault] = []

    def value(self, node: yaml.Node, path: Path_) -> Any:
        self.places[path] = (node.start_mark.line + 1, node.start_mark.column + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        try:
            value = self._constructor.construct_object(node)
        except (yaml.YAMLError, ValueError) as error:
            self.faults.append(self.fault(path, f"cannot be read: {error}"))
            return None
        return self._resolve(value, path) if isinstance(value, str) else value

    def _mapping(self, node: yaml.MappingNode, path: Path_) -> dict[str, Any]:
        self._constructor.flatten_mapping(node)
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            if key in result:
                place = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
                self.faults.append(ConfigFault("is given twice", _dotted((*path, key)), *place))
            result[key] = self.value(value_node, (*path, key))
        return result

    def _resolve(self, text: str, path: Path_) -> str:
        def replaced(match: re.Match[str]) -> str:
            name, default = match.groups()
            value = self._environment.get(name, default)
            if value is None:
                self.faults.append(self.fault(path, f"environment variable {name} is not set"))
                return ""
            return value

        return _REFERENCE.sub(replaced, text)

    def fault(self, location: Path_, message: str) -> ConfigFault:
        """A fault at the deepest place that the file has on the way to this location."""
        known = self._known(location)
        return ConfigFault(message, _dotted(known), *self.places.get(known, (0, 0)))

    def _known(self, path: Path_) -> Path_:
        """The location without the union tags that pydantic puts between its parts."""
        known: Path_ = ()
        for part in path:
            if (*known, part) in self.places:
                known = (*known, part)
        if path and isinstance(path[-1], str) and known[-1:] != path[-1:]:
            parent = known
            self.places.setdefault((*known, path[-1]), self.places.get(parent, (0, 0)))
            known = (*known, path[-1])
        return known


def _dangling(config: Config, reader: _Reader) -> list[ConfigFault]:
    """Faults of models, limits and callers that name a backend, router or model which does not exist."""
    faults = []
    naming: list[tuple[Path_, LimitRule | CallerConfig]] = [
        *((("limits", "rules", index), rule) for index, rule in enumerate(config.limits.rules)),
        *((("security", "keys", index), key) for index, key in enumerate(config.security.keys)),
        *((("security", "certificates", index), c) for index, c in enumerate(config.security.certificates)),
    ]
    for start, part in naming:
        for what, named, known in (("router", part.routers, config.routers), ("model", part.models, config.models)):
            location: Path_ = (*start, f"{what}s")
            faults += [
                reader.fault(location, f"no {what} is named {name!r}; there are {', '.join(sorted(known))}")
                for name in sorted(named - known.keys())
            ]
    for name, model in config.models.items():
        served: list[tuple[Path_, str]] = [(("models", name, "backend"), model.backend)] if model.backend else []
        served += [
            (("models", name, "deployments", index, "backend"), d.backend) for index, d in enumerate(model.deployments)
        ]
        faults += [
            reader.fault(place, f"no backend is named {backend!r}; there are {', '.join(sorted(config.backends))}")
            for place, backend in served
            if backend not in config.backends
        ]
    return faults


def _message(kind: str, message: str, location: Path_, value: object) -> str:
    """The fault with the number at fault. Texts and misspelt fields are not shown: they may be secret."""
    message = message.removeprefix("Value error, ")
    if kind == "extra_forbidden" or not isinstance(value, int | float) or _SECRET_FIELDS.intersection(location):
        return message
    shown = repr(value)
    return f"{message} (is {shown})" if len(shown) <= _LONGEST_SHOWN else message


def _dotted(path: Path_) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")
