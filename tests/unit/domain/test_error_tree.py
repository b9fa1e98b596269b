"""The tree at the top of `domain/errors.py` is the one below it."""

from __future__ import annotations

import inspect
import re

from frontdesk_server.domain import errors
from frontdesk_server.domain.errors import FrontdeskError

_LINE = re.compile(r"^((?:[│ ]   |[├└]── )*)(\w+)(?: +(.+))?$")


def drawn() -> dict[str, tuple[str, str]]:
    """By name, the parent and what is said of each class of the picture."""
    tree: dict[str, tuple[str, str]] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        if (found := _LINE.match(line)) and hasattr(errors, found[2]):
            depth = len(found[1]) // 4
            above[depth:] = [found[2]]
            tree[found[2]] = (above[depth - 1] if depth else "", found[3] or "")
    return tree


def defined() -> dict[str, type[FrontdeskError]]:
    classes = (kind for kind in vars(errors).values() if inspect.isclass(kind))
    return {kind.__name__: kind for kind in classes if issubclass(kind, FrontdeskError)}


def test_every_error_hangs_where_the_tree_has_it() -> None:
    tree = {name: parent for name, (parent, _) in drawn().items()}
    assert tree == {
        name: kind.__bases__[0].__name__ if kind is not FrontdeskError else "" for name, kind in defined().items()
    }


def test_the_codes_of_the_tree_are_those_of_the_errors() -> None:
    told = {
        name: code[0] for name, (_, says) in drawn().items() if (code := re.match(r"[A-Z]+(?:_[A-Z]+)*\b(?=,|$)", says))
    }
    assert len(told) > 10
    assert told == {name: defined()[name].code for name in told}
