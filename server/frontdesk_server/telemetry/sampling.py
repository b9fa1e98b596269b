"""Which calls are traced: a gate in front of the SDK, so that the others cost next to nothing."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

from frontdesk_server.domain.errors import ConfigError, ConfigFault
from frontdesk_server.telemetry.propagation import Inbound

_SPACE = 1 << 64


@dataclass(frozen=True, slots=True)
class Gate:
    """A ratio of traces; with `parent_based` the caller's flag decides where there is one."""

    ratio: float
    parent_based: bool = True

    def admits(self, inbound: Inbound) -> bool:
        """Whether this call is traced; a trace id is judged alike by every service of the trace."""
        if inbound.trace_id:
            if self.parent_based:
                return inbound.sampled
            return inbound.trace_id % _SPACE < self.ratio * _SPACE
        return random.random() < self.ratio  # noqa: S311 - sampling, not secrecy


def configured_gate(environ: Mapping[str, str], default_ratio: float) -> Gate:
    """OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG, else a parent-based ratio.

    Raises:
        ConfigError: the sampler is unknown or its argument is no ratio.

    """
    name = environ.get("OTEL_TRACES_SAMPLER", "").strip().lower()
    if not name:
        return Gate(default_ratio)
    base = name.removeprefix("parentbased_")
    ratios = {"always_on": 1.0, "always_off": 0.0, "traceidratio": _ratio(environ.get("OTEL_TRACES_SAMPLER_ARG", ""))}
    if base not in ratios:
        raise _fault(f"OTEL_TRACES_SAMPLER={name} is not known; there are {', '.join(ratios)}, each also parentbased_")
    return Gate(ratios[base], parent_based=name != base)


def _ratio(argument: str) -> float:
    try:
        ratio = float(argument or 1.0)
    except ValueError:
        ratio = -1.0
    if not 0 <= ratio <= 1:
        raise _fault(f"OTEL_TRACES_SAMPLER_ARG={argument} is no ratio between 0 and 1")
    return ratio


def _fault(message: str) -> ConfigError:
    return ConfigError("environment", [ConfigFault(message)])
