"""Routing policy by `x-frontdesk-*` headers, by `frontdesk_*` members of the metadata, and by the model's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from frontdesk.v1 import routing_pb2

from frontdesk_server.config.names import DEFAULT_ROUTER, ROUTER_PREFIX
from frontdesk_server.domain.usage import NANO_USD_PER_USD
from frontdesk_server.faces.asked import Asked
from frontdesk_server.rpc.enums import CAPABILITY
from frontdesk_server.rpc.reasons import InvalidReason as Reason

HEADER = "x-frontdesk-"
MEMBER = "frontdesk_"
_LABEL = "label-"
_LONGEST_VALUE = 4096
_CAPABILITIES = {capability.value: number for capability, number in CAPABILITY.items()}

_Policy = routing_pb2.RoutingPolicy


def _set(name: str, kind: Callable[[str], Any]) -> Callable[[_Policy, str], None]:
    return lambda policy, value: setattr(policy, name, kind(value))


def _listed(name: str) -> Callable[[_Policy, str], None]:
    return lambda policy, value: getattr(policy, name).extend(_names(value))


def _names(value: str) -> list[str]:
    return [name.strip() for name in value.split(",")]


def _capabilities(policy: _Policy, value: str) -> None:
    policy.required_capabilities.extend([_CAPABILITIES[name] for name in _names(value)])


def _nano_usd(value: str) -> int:
    return round(float(value) * NANO_USD_PER_USD)


def _time_to_first_token(policy: _Policy, value: str) -> None:
    policy.max_time_to_first_token.FromMilliseconds(int(value))


_SETTINGS: Mapping[str, tuple[str, Callable[[_Policy, str], None]]] = {
    "router": ("router", _set("router", str)),
    "quality-floor": ("quality_floor", _set("quality_floor", float)),
    "cost-weight": ("cost_weight", _set("cost_weight", float)),
    "latency-weight": ("latency_weight", _set("latency_weight", float)),
    "max-cost-usd": ("max_cost_nano_usd", _set("max_cost_nano_usd", _nano_usd)),
    "max-time-to-first-token-ms": ("max_time_to_first_token", _time_to_first_token),
    "allowed-models": ("allowed_models", _listed("allowed_models")),
    "excluded-models": ("excluded_models", _listed("excluded_models")),
    "required-capabilities": ("required_capabilities", _capabilities),
    "affinity-key": ("affinity_key", _set("affinity_key", str)),
    "max-attempts": ("max_attempts", _set("max_attempts", int)),
}
"""By the ends of headers' names: the field of the policy, and how its value is read."""

SETTINGS = frozenset(_SETTINGS)
_NOT_POLICY = frozenset({"timeout-ms"})
_REPORT = "report"
_YES, _NO = ("true", "1"), ("false", "0")


def read_headers(asked: Asked, headers: Mapping[str, str]) -> None:
    """Take policy, labels and the wish for a report from the headers; one that nobody knows is a violation."""
    for header, value in headers.items():
        if header.startswith(HEADER):
            name = header[len(HEADER) :]
            if not name.startswith("provider-key-") and name not in _NOT_POLICY:
                take_setting(asked, name, value, header)


def read_metadata(asked: Asked, metadata: Mapping[str, Any], at: str) -> None:
    """Take policy from metadata; whatever else stands there becomes labels."""
    for key, value in metadata.items():
        path = f"{at}.{key}"
        if not isinstance(value, str):
            asked.violations.add(path, Reason.MALFORMED_REQUEST, "is no string")
        elif key.startswith(MEMBER):
            take_setting(asked, key[len(MEMBER) :].replace("_", "-"), value, path)
        else:
            asked.request.labels[key] = value


def name_model(asked: Asked, model: str) -> None:
    """`default` and `frontdesk/NAME` name a router, anything else the one model that may answer."""
    policy = asked.request.policy
    if not model:
        asked.violations.add("model", Reason.FIELD_REQUIRED)
    elif model == DEFAULT_ROUTER or model.startswith(ROUTER_PREFIX):
        if not policy.router:
            policy.router = model.removeprefix(ROUTER_PREFIX)
            asked.named["router"] = "model"
    else:
        del policy.allowed_models[:]
        policy.allowed_models.append(model)
        asked.named["allowed_models"] = "model"


def take_setting(asked: Asked, name: str, value: str, at: str) -> None:
    """Take one setting by the end of its header's name, which was said there; one that nobody knows is a violation."""
    if len(value) > _LONGEST_VALUE:
        asked.violations.add(at, Reason.FIELD_TOO_LONG, f"holds more than {_LONGEST_VALUE:,} characters")
    elif name.startswith(_LABEL):
        asked.request.labels[name[len(_LABEL) :]] = value
    elif name == _REPORT:
        asked.wants_report = value.lower() in _YES
        if value.lower() not in (*_YES, *_NO):
            asked.violations.add(at, Reason.MALFORMED_REQUEST, f"{value[:32]!r} is neither true nor false")
    elif name not in _SETTINGS:
        known = ", ".join(sorted(SETTINGS))
        asked.violations.add(at, Reason.MALFORMED_REQUEST, f"names no setting; there are {known}")
    else:
        field, read = _SETTINGS[name]
        asked.named[field] = at
        try:
            read(asked.request.policy, value)
        except KeyError as error:
            known = ", ".join(sorted(_CAPABILITIES))
            asked.violations.add(at, Reason.UNKNOWN_ENUM_VALUE, f"{error.args[0]!r} is none of {known}")
        except (ValueError, OverflowError):
            asked.violations.add(at, Reason.MALFORMED_REQUEST, f"{value[:32]!r} is no value of {name}")
