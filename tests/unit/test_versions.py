"""Every package has the version of the one source; `make version` writes it."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import frontdesk
import pytest


@pytest.fixture(scope="module")
def versions() -> ModuleType:
    spec = importlib.util.spec_from_file_location("versions", Path(__file__).parents[2] / ".ci" / "versions.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_package_has_the_one_version(versions: ModuleType) -> None:
    assert versions.version() == frontdesk.__version__
    assert [str(path) for path in versions.stale()] == [], "run make version"


def test_another_version_would_reach_every_place(versions: ModuleType) -> None:
    for name, pattern in versions.PLACES.items():
        text = (versions.ROOT / name).read_text(encoding="utf-8")
        stamped = versions.stamped(text, pattern, "97.1.0")
        assert "97.1.0" in stamped
        assert re.sub(r"97\.1\.0", frontdesk.__version__, stamped) == text
