"""Frontdesk as the external processor of a gateway."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from frontdesk_server.config.base import Section

_HEADER = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+")


def _header_name(name: str) -> str:
    if not _HEADER.fullmatch(name) or name.startswith("x-envoy-"):
        raise ValueError("is no header that a gateway lets be set: small letters, and not x-envoy-")
    return name


class ExtProcConfig(Section):
    """`envoy.service.ext_proc.v3.ExternalProcessor`, for gateways that forward queries themselves."""

    on_failure: Literal["closed", "open"] = "closed"
    """`closed` answers 503 for what Frontdesk fails to decide, `open` lets it pass as it came. What may not pass, such
    as a query beyond a budget, never does."""
    caller: Literal["gateway", "request"] = "gateway"
    """Whose credentials say who calls: those that the gateway calls Frontdesk with, or those of the HTTP request. Its
    `authorization` and `x-api-key` are then taken off everything that passes."""
    body_model: Literal["upstream", "public"] = "upstream"
    """What the body's `model` becomes: the model's name at its backend, or its name in the pool."""
    cluster_header: Annotated[str, AfterValidator(_header_name)] = "x-frontdesk-cluster"
    """Request header that names where the gateway is to send the query."""
    clusters: dict[str, Annotated[str, Field(min_length=1, max_length=256)]] = {}
    """What that header says of a model. Default: the model's backend."""
