"""Every fact of a profile decides something: a fact that nothing reads would only look like one."""

from __future__ import annotations

import ast
from dataclasses import fields
from pathlib import Path

import frontdesk_server
from frontdesk_server.config.profile import ProfileConfig, SettingsConfig
from frontdesk_server.domain.profile import Profile, Takes

_ROOT = Path(frontdesk_server.__file__).parent
_HOLDERS = frozenset({"profile", "at_rest", "reasoning", "takes", "own", "self"})
"""What profiles and the settings that they take are called where they are read."""
_LEARNED = frozenset({"refused"})
"""What only refusals teach; no file may say it."""
_NOT_READ = frozenset({"sources", "at_rest", "reasoning"})


def _reads() -> set[str]:
    """Attributes that are read of something which is called like a profile, but where facts are only put together."""
    found: set[str] = set()
    for path in _ROOT.rglob("*.py"):
        if path.relative_to(_ROOT).parts[0] in ("config", "cli"):
            continue
        if path.name in ("profiles.py", "lessons.py"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and _is_held(node, path):
                found.add(node.attr)
    return found


def _is_held(node: ast.Attribute, path: Path) -> bool:
    holder = _holder(node.value)
    return holder in _HOLDERS and (holder != "self" or path.name == "profile.py")


def _holder(value: ast.expr) -> str:
    match value:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def test_every_fact_is_read_where_something_is_decided() -> None:
    facts = {field.name for kind in (Profile, Takes) for field in fields(kind)} - _NOT_READ
    assert facts - _reads() == set()


def test_every_fact_can_be_said_in_a_file_and_no_other() -> None:
    facts = {field.name for kind in (Profile, Takes) for field in fields(kind)} - _NOT_READ - _LEARNED
    assert set(ProfileConfig.model_fields) - {"like", "while_reasoning"} == facts
    assert set(SettingsConfig.model_fields) == {field.name for field in fields(Takes)}
