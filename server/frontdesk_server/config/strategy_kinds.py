"""Which kinds of strategies a configuration may name: those that ship, and those that are plugged in.

A strategy's section stands in the strategy's own file, and that file makes it known here. The rooms of the strategies
lie above this one, so that nothing here imports them: the files of `SHIPPED` and the modules that installed packages
name under the entry point group `frontdesk.strategies` are loaded when the first tree is read.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Annotated, Any, ClassVar, NamedTuple, Self, Union

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, TypeAdapter, ValidationError
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from frontdesk_server.config.base import Section
from frontdesk_server.config.known_keys import unknown
from frontdesk_server.config.values import Location
from frontdesk_server.domain.defects import type_of

SHIPPED = "frontdesk_server.routing.strategies"
"""The package of the strategies that ship, one file each."""
PLUGGED = "frontdesk.strategies"
"""The entry point group of those that others write."""

_REF = "frontdesk_server.config.strategy_kinds.StrategyConfig"


class Child(NamedTuple):
    """A strategy right below another: its name in paths, its place in the parent's section, its own section."""

    name: str
    location: Location
    config: StrategyConfig


class StrategyConfig(Section):
    """The section of a strategy. Those with strategies below them say which."""

    kind: str

    asks_one: ClassVar[bool] = False
    """Whether a query passes at most one of the strategies below, and not one after the other."""
    by_chance: ClassVar[bool] = False
    """Whether a hash and no property of the query decides."""

    def children(self) -> Sequence[Child]:
        """The strategies right below, in the order in which they are asked."""
        return ()

    def with_children(self, children: Sequence[StrategyConfig]) -> Self:
        """The same with these in the places of `children()`."""
        return self

    def predicted_by(self) -> tuple[str, Mapping[str, str]] | None:
        """The artefact that predicts qualities here, and under which names it knows models of other names in the pool.

        None where nothing is predicted.
        """
        return None

    @property
    def refers_to(self) -> str:
        """The router whose tree is asked in this one's place; empty where none is."""
        return ""

    @property
    def asked_model(self) -> str:
        """The model that is called to decide; empty where none is."""
        return ""

    @property
    def given_ms(self) -> float:
        """The time that the configuration gives it by itself; 0 where it says nothing of it."""
        return 0.0


_sections: dict[str, type[StrategyConfig]] = {}


def add_strategy_kind(section: type[StrategyConfig]) -> None:
    """Make a section known by the literal of its `kind`. Raises `ValueError` for a kind that another section has."""
    (kind,) = section.model_fields["kind"].annotation.__args__  # type: ignore[union-attr]
    if _sections.setdefault(kind, section) is not section:
        raise ValueError(f"two strategies are of the kind {kind!r}")
    _union.cache_clear()


def strategy_kinds() -> Mapping[str, type[StrategyConfig]]:
    """Every section by its kind, in their order, without those of plug-ins that cannot be loaded."""
    _load()
    return dict(sorted(_sections.items()))


@lru_cache(maxsize=1)
def _load() -> Mapping[str, str]:
    """Load all there is; of plug-ins that cannot be loaded, their names and what is to be said of them."""
    for module in pkgutil.iter_modules(import_module(SHIPPED).__path__):
        import_module(f"{SHIPPED}.{module.name}")
    unloaded: dict[str, str] = {}
    for plugged in entry_points(group=PLUGGED):
        try:
            plugged.load()
        except (Exception, SystemExit) as error:
            whose = "" if plugged.dist is None else f" of the distribution {plugged.dist.name} {plugged.dist.version}"
            unloaded[plugged.name] = f"the plug-in {plugged.name}{whose} cannot be loaded: {error}"
    return unloaded


def _demand_loaded(kind: str) -> None:
    """Raises `ValueError` for the kind of a plug-in that cannot be loaded; one may bring kinds of other names."""
    unloaded = _load()
    if kind in unloaded:
        raise ValueError(unloaded[kind])
    if unloaded and kind not in _sections:
        raise ValueError(f"{unknown(kind, _sections, 'kind')}; {'; '.join(unloaded.values())}")


def forget_loaded() -> None:
    """Look for plug-ins again when the next tree is read."""
    _load.cache_clear()
    _union.cache_clear()


@lru_cache(maxsize=1)
def _union() -> TypeAdapter[StrategyConfig]:
    sections: Any = Union[tuple(strategy_kinds().values())]  # noqa: UP007  (as many as there are)
    return TypeAdapter(Annotated[sections, Field(discriminator="kind")])


def _validated(value: Any) -> StrategyConfig:
    if isinstance(value, StrategyConfig):
        return value
    if isinstance(value, Mapping) and isinstance(kind := value.get("kind"), str):
        _demand_loaded(kind)
    try:
        return _union().validate_python(value)
    except ValidationError:
        raise
    except (Exception, SystemExit) as error:  # a plug-in's own validator, which only ValueError is foreseen of
        raise ValueError(f"cannot be read: {type_of(error)}: {error}") from error


class _OfItsKind:
    """Reads a strategy's section by its kind, with all faults in their places, and describes it in JSON Schema."""

    def __init__(self, *, described_here: bool) -> None:
        self._described_here = described_here

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(_validated)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        reference = core_schema.definition_reference_schema(_REF)
        if not self._described_here:
            return handler(reference)
        sections = {kind: section.__pydantic_core_schema__ for kind, section in strategy_kinds().items()}
        union = core_schema.tagged_union_schema(sections, "kind", ref=_REF)
        return handler(core_schema.definitions_schema(reference, [union]))


AnyStrategy = Annotated[StrategyConfig, _OfItsKind(described_here=False)]
"""A strategy below another."""
RootStrategy = Annotated[StrategyConfig, _OfItsKind(described_here=True)]
"""The strategy of a router."""
