"""The plug-in that docs/strategies.md shows can be installed and works as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "strategies.md"
NEEDS_NO_NETWORK = ("--no-index", "--no-build-isolation", "--no-deps", "--disable-pip-version-check")


def test_the_plug_in_of_the_page_is_installed_and_asked_and_passes_its_own_test(tmp_path: Path) -> None:
    section = PAGE.read_text(encoding="utf-8").partition("## A strategy of your own")[2].partition("\n## ")[0]
    folder, installed = tmp_path / "folder", tmp_path / "installed"
    folder.mkdir()
    for told, content in re.findall(r"((?:[^\n]+\n)+)\n```\w+\n(.*?)^```", section, re.M | re.S):
        (name,) = set(re.findall(r"`(\w+\.\w+)`", told))
        (folder / name).write_text(content)
    assert {file.name for file in folder.iterdir()} == {
        "shouting.py",
        "pyproject.toml",
        "frontdesk.yaml",
        "test_shouting.py",
    }

    _run("pip", "install", "--quiet", *NEEDS_NO_NETWORK, "--target", str(installed), ".", folder=folder)
    assert (installed / "shouting.py").exists()
    _run("pytest", "-q", "-p", "no:cacheprovider", "test_shouting.py", folder=folder, installed=installed)


def _run(*command: str, folder: Path, installed: Path | None = None) -> None:
    paths = (str(Path(sys.executable).parent), os.environ["PATH"])
    found = filter(None, (str(installed or ""), *sys.path))
    ran = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env={**os.environ, "PATH": os.pathsep.join(paths), "PYTHONPATH": os.pathsep.join(found)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
