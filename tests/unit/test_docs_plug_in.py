"""The plug-in that docs/strategies.md shows works as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "strategies.md"


def test_the_plug_in_of_the_page_is_found_and_asked_and_passes_its_own_test(tmp_path: Path) -> None:
    section = PAGE.read_text(encoding="utf-8").partition("## A strategy of your own")[2].partition("\n## ")[0]
    module, project, configuration, test = re.findall(r"^```(?:python|toml|yaml)\n(.*?)^```", section, re.M | re.S)
    (tmp_path / "shouting.py").write_text(module)
    (tmp_path / "frontdesk.yaml").write_text(configuration)
    (tmp_path / "test_shouting.py").write_text(test)
    described = tomllib.loads(project)["project"]
    info = tmp_path / f"{described['name']}-{described['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Name: {described['name']}\nVersion: {described['version']}\n")
    (group, named), *_ = described["entry-points"].items()
    lines = (f"{name} = {place}\n" for name, place in named.items())
    (info / "entry_points.txt").write_text(f"[{group}]\n{''.join(lines)}")

    paths = (str(Path(sys.executable).parent), os.environ["PATH"])
    found = (str(tmp_path), *filter(None, sys.path))
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_shouting.py"],
        cwd=tmp_path,
        env={**os.environ, "PATH": os.pathsep.join(paths), "PYTHONPATH": os.pathsep.join(found)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert tested.returncode == 0, tested.stdout
