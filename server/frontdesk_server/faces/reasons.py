"""The reasons that only HTTP knows. `python -m frontdesk_server.faces.reasons` prints the page of all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from frontdesk_server.domain.errors import FrontdeskError
from frontdesk_server.faces.status import MethodNotAllowed, NoSuchPath, UnsupportedMediaType, http_status
from frontdesk_server.rpc.reasons import ReasonRow, errors_page, row_of

_ERRORS: tuple[FrontdeskError, ...] = (NoSuchPath(""), MethodNotAllowed("", ()), UnsupportedMediaType(""))


def http_rows() -> Iterator[ReasonRow]:
    """The row of each, with its status."""
    for error in _ERRORS:
        yield replace(row_of(type(error)), code=str(http_status(error)))


if __name__ == "__main__":
    print(errors_page(http_rows()), end="")
