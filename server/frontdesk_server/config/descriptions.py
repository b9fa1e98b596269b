"""What the source says of each field, below it, for the JSON Schema alone.

pydantic can read it, too, but does so when a class is made, which every start would pay for.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module


def field_descriptions(section: type) -> Mapping[str, str]:
    """The text below each field of a class and of those that it derives from; none where the source is not at hand."""
    described: dict[str, str] = {}
    for owner in reversed(section.__mro__):
        described |= _in_module(owner.__module__).get(owner.__qualname__, {})
    return described


@lru_cache
def _in_module(name: str) -> Mapping[str, Mapping[str, str]]:
    """The described fields of each class of a module."""
    try:
        tree = ast.parse(inspect.getsource(import_module(name)))
    except (OSError, TypeError):
        return {}
    return {node.name: _in_class(node) for node in tree.body if isinstance(node, ast.ClassDef)}


def _in_class(node: ast.ClassDef) -> Mapping[str, str]:
    return {
        field.target.id: inspect.cleandoc(below.value.value)
        for field, below in zip(node.body, node.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) and isinstance(below.value.value, str)
    }
