"""Addresses on the web that something can answer at."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, HttpUrl

_LABEL = re.compile(r"[^.]{1,63}")
_LONGEST_NAME = 253
_WEB = re.compile(r"\s*https?:", re.IGNORECASE)
_WITH_HOST = re.compile(r"\s*https?://[^/\\?#:]", re.IGNORECASE)


def _names_a_host(value: object) -> object:
    """What browsers do, which take the path of https:///v1 for its host, would call a stranger."""
    if isinstance(value, str) and _WEB.match(value) and not _WITH_HOST.match(value):
        raise ValueError("names no host")
    return value


def _can_answer(url: HttpUrl) -> HttpUrl:
    host = (url.host or "").removesuffix(".")
    if not host.startswith("[") and (
        len(host) > _LONGEST_NAME or not all(_LABEL.fullmatch(label) for label in host.split("."))
    ):
        raise ValueError("its host is no name: parts between dots have 1 to 63 characters")
    if url.port == 0:
        raise ValueError("nothing can answer at port 0")
    return url


Address = Annotated[HttpUrl, BeforeValidator(_names_a_host), AfterValidator(_can_answer)]
