"""A configuration for work that calls nobody: what its secrets are does not matter, and they may be unset."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from frontdesk_server.config.loading import LoadedConfig, faults_of, parse_config, read_text
from frontdesk_server.config.service import LedgerConfig
from frontdesk_server.config.values import Location, Reader, Unreadable, compose
from frontdesk_server.domain.errors import ConfigError

_UNSET = "unset"
_STAND_INS = {"url": "redis://unset", "base_url": "https://unset.invalid"}
"""By the last key of a place: what stands there must have the form of what is missing."""


def load_offline(path: Path, environment: Mapping[str, str] = os.environ) -> LoadedConfig:
    """As `load_config`; an environment variable that is not set is no fault.

    Raises:
        ConfigError: with every fault found, each with its line and column.
    """
    return parse_config(read_text(path), str(path), environment, stand_in=stand_in_for)


def stand_in_for(location: Location) -> str:
    """What stands at a place where a variable that is not set is named."""
    return _STAND_INS.get(str(location[-1]), _UNSET) if location else _UNSET


def ledger_of(path: Path, environment: Mapping[str, str] = os.environ) -> LedgerConfig:
    """The section `ledger` alone, whatever is wrong with the others.

    Raises:
        ConfigError: with every fault found in it.
    """
    reader = Reader(environment)
    try:
        root = compose(read_text(path))
        data: Any = next((reader.value(node, ("ledger",)) for key, node in _sections(root) if key == "ledger"), {})
    except Unreadable as error:
        raise ConfigError(str(path), [error.fault]) from error
    try:
        config = LedgerConfig.model_validate(data or {})
    except ValidationError as error:
        raise ConfigError(str(path), [*reader.faults, *faults_of(error, reader, ("ledger",))]) from error
    if reader.faults:
        raise ConfigError(str(path), reader.faults)
    return config


def names_in(path: Path, section: str) -> set[str]:
    """What the file names in `models` or `routers`, whatever is wrong with it otherwise. Raises ConfigError."""
    return {name for key, node in _sections(_root(path)) if key == section for name, _ in _sections(node)}


def callers_in(path: Path) -> set[str]:
    """Whom the file's API keys name, whatever is wrong with it otherwise. Raises ConfigError."""
    security = (node for key, node in _sections(_root(path)) if key == "security")
    keys = (node.value for each in security for key, node in _sections(each) if key == "keys")
    named = (_sections(entry) for entries in keys if isinstance(entries, list) for entry in entries)
    return {str(node.value) for entry in named for key, node in entry if key == "caller"}


def _root(path: Path) -> yaml.Node | None:
    try:
        return compose(read_text(path))
    except Unreadable as error:
        raise ConfigError(str(path), [error.fault]) from error


def _sections(root: yaml.Node | None) -> list[tuple[str, yaml.Node]]:
    return [(str(key.value), node) for key, node in root.value] if isinstance(root, yaml.MappingNode) else []
