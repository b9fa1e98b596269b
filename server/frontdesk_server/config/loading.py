"""Reads a configuration file: YAML, `${NAME}` from the environment, every fault with its place in one report."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from frontdesk_server.config.contradictions import contradictions, impossible_names
from frontdesk_server.config.files import read, read_again
from frontdesk_server.config.fingerprint import fingerprint
from frontdesk_server.config.known_keys import known_keys, unknown
from frontdesk_server.config.references import dangling_references
from frontdesk_server.config.root import Config
from frontdesk_server.config.values import Location, Position, Reader, Unreadable, compose, dotted
from frontdesk_server.config.wording import said
from frontdesk_server.domain.collection import without_collection
from frontdesk_server.domain.errors import ConfigError, ConfigFault
from frontdesk_server.domain.unusable import in_words

_LONGEST_SHOWN = 40
_QUOTED = re.compile(r"'([^']*)'")
_SECRET_FIELDS = frozenset({"api_key", "headers", "sign_on", "url"})


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """A configuration with its origin. `version` is 12 hexadecimal digits over all that it says but secrets."""

    config: Config
    source: str
    version: str
    positions: Mapping[Location, Position] = field(default_factory=dict, repr=False)
    overriding: tuple[Callable[[Config], Config], ...] = ()
    """What the start makes of whatever the file says, in this order."""
    referring: Set[Location] = frozenset()
    """Where the file names a variable of the environment."""

    @property
    def folder(self) -> Path:
        """Where relative paths start."""
        return Path(self.source).parent

    def overridden(self, change: Callable[[Config], Config]) -> LoadedConfig:
        """The same with a change that what is read later gets, too."""
        return replace(self, config=change(self.config), overriding=(*self.overriding, change))

    def fault(self, location: Location, message: str) -> ConfigFault:
        """A fault at a location of the configuration, or at the deepest part of it that the file spells out."""
        position = next(
            (self.positions[location[:n]] for n in range(len(location), 0, -1) if location[:n] in self.positions),
            (0, 0),
        )
        return ConfigFault(message, dotted(location), *position)

    @contextmanager
    def placing(self) -> Iterator[None]:
        """Give faults of parts that do not know the file their places in it."""
        try:
            yield
        except ConfigError as error:
            raise ConfigError(self.source, [self._placed(fault) for fault in error.faults]) from error

    def _placed(self, fault: ConfigFault) -> ConfigFault:
        if fault.line or not fault.path:
            return fault
        return self.fault(tuple(int(part) if part.isdigit() else part for part in fault.path.split(".")), fault.message)


def default_config_path() -> Path:
    """The configuration that ships: an embedded pool that needs no network."""
    return Path(str(files("frontdesk_server.config").joinpath("default.yaml")))


def load_config(path: Path, environment: Mapping[str, str] = os.environ, *, again: bool = False) -> LoadedConfig:
    """Read and validate a file; the first time it may also be a pipe, or `-` for standard input.

    Raises:
        ConfigError: with every fault found, each with its line and column.
    """
    return parse_config(read_text(path, again=again), str(path), environment)


def read_text(path: Path, *, again: bool = False) -> str:
    """What the file holds. Raises ConfigError."""
    try:
        return (read_again if again else read)(path).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), [ConfigFault(f"cannot be read: {in_words(error)}")]) from error


@without_collection()
def parse_config(
    text: str,
    source: str,
    environment: Mapping[str, str] = os.environ,
    *,
    stand_in: Callable[[Location], str] | None = None,
) -> LoadedConfig:
    """Validate a configuration given as text; `source` names it in faults.

    With `stand_in`, what it gives for a place stands there for a variable that is not set.

    Raises:
        ConfigError: with every fault found, each with its line and column.
    """
    reader = Reader(environment, stand_in)
    data = read_values(text, source, reader)
    config = None
    try:
        config = Config.model_validate(data)
    except ValidationError as error:
        reader.faults.extend(faults_of(error, reader))
    if reader.faults or config is None:
        raise ConfigError(source, sorted(reader.faults, key=place_of))
    if faults := list(faults_between(config, reader)):
        raise ConfigError(source, faults)
    return LoadedConfig(config, source, fingerprint(data, config), reader.positions, referring=reader.referring)


def read_values(text: str, source: str, reader: Reader) -> Any:
    """The values of a configuration; what is wrong with some of them the reader notes. Raises ConfigError."""
    try:
        root = compose(text)
        return {} if root is None else reader.value(root, ())
    except Unreadable as error:
        raise ConfigError(source, [error.fault]) from error


def faults_between(config: Config, reader: Reader) -> Iterator[ConfigFault]:
    """The faults of sections that are good by themselves."""
    for location, message in (*impossible_names(config), *dangling_references(config), *contradictions(config)):
        yield reader.fault(location, message)


def place_of(fault: ConfigFault) -> Position:
    """Where a fault stands in the file."""
    return fault.line, fault.column


def faults_of(error: ValidationError, reader: Reader, within: Location = ()) -> Iterator[ConfigFault]:
    """The faults of a section at this location, in our words."""
    schema = cache(Config.model_json_schema)  # which takes its time, and is asked for by unknown keys alone
    for detail in details_of(error):
        yield reader.fault((*within, *_location(detail)), _message(detail, within, schema))


def details_of(error: ValidationError) -> list[ErrorDetails]:
    """What pydantic tells of faults, without what only follows from others of them."""
    details = error.errors()
    return [detail for detail in details if not _follows(detail, details)]


def _location(detail: ErrorDetails) -> Location:
    return (*detail["loc"], "kind") if detail["type"] == "union_tag_invalid" else detail["loc"]


def _follows(detail: ErrorDetails, details: Sequence[ErrorDetails]) -> bool:
    """Whether a list is too short only because of the faults of its items."""
    location = detail["loc"]
    inner = (other["loc"] for other in details if len(other["loc"]) > len(location))
    return detail["type"] == "too_short" and any(deeper[: len(location)] == location for deeper in inner)


def _message(detail: ErrorDetails, within: Location, schema: Callable[[], Mapping[str, Any]]) -> str:
    """The fault with the number at fault. Texts are not shown: they may be secret."""
    kind, location, value = detail["type"], detail["loc"], detail["input"]
    if kind == "extra_forbidden":
        known = known_keys(schema(), (*within, *location[:-1]))
        return unknown(str(location[-1]), known, "key here")
    if kind == "union_tag_invalid":
        return unknown(detail["ctx"]["tag"], _QUOTED.findall(detail["ctx"]["expected_tags"]), "kind")
    message = said(detail)
    if not isinstance(value, int | float) or _SECRET_FIELDS.intersection(location):
        return message
    shown = repr(value)
    return f"{message} (is {shown})" if len(shown) <= _LONGEST_SHOWN else message
