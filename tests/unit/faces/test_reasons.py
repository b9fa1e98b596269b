"""The page of all reasons, those that only HTTP knows among them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import frontdesk_server.faces.app  # every face, with its errors
from frontdesk_server.domain.errors import FrontdeskError
from frontdesk_server.faces.reasons import http_rows
from frontdesk_server.rpc.reasons import errors_page, reason_rows

ROOT = Path(__file__).parents[3]


def errors_of(error: type[FrontdeskError]) -> Iterator[type[FrontdeskError]]:
    for child in error.__subclasses__():
        yield child
        yield from errors_of(child)


def test_the_page_lists_exactly_the_reasons_that_exist() -> None:
    assert (ROOT / "docs" / "errors.md").read_text() == errors_page(http_rows())


def test_no_face_has_a_reason_that_the_page_leaves_out() -> None:
    room = frontdesk_server.faces.app.__name__.rpartition(".")[0]
    of_faces = {error.reason for error in errors_of(FrontdeskError) if error.__module__.startswith(room)}
    assert of_faces
    assert of_faces <= {row.reason for row in (*http_rows(), *reason_rows())}
