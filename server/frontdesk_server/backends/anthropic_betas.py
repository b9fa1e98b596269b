"""Anthropic's betas: a header of its API, and a member of provider options, as which Bedrock has them."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from frontdesk_server.backends.json_reading import given_value
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.errors import UpstreamRequestRefused

_MEMBER = "anthropic_beta"
_BETA = re.compile(r"[A-Za-z0-9_.:-]{1,128}")


def with_betas(call: BackendCall) -> BackendCall:
    """The call with the header that switches on what its options ask for."""
    options = (one for one in call.query.provider_options if one.dialect in call.dialects)
    betas = [beta for one in options if _MEMBER in one.options_json for beta in _named(given_value(one.options_json))]
    return replace(call, headers={**call.headers, "anthropic-beta": ",".join(betas)}) if betas else call


def without_betas(body: dict[str, Any]) -> dict[str, Any]:
    """The body without what has become a header.

    Raises:
        UpstreamRequestRefused: it is no list of names.
    """
    if _MEMBER in body and _named(body) != body[_MEMBER]:
        raise UpstreamRequestRefused(f"{_MEMBER} is no list of names")
    return {name: value for name, value in body.items() if name != _MEMBER}


def _named(holder: dict[str, Any]) -> list[str]:
    betas = holder.get(_MEMBER)
    return (
        [beta for beta in betas if isinstance(beta, str) and _BETA.fullmatch(beta)] if isinstance(betas, list) else []
    )
