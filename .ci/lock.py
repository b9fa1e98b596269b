"""Locks what the image installs, with the hashes of every file: `lock.py UV` writes deploy/*.lock.

Versions are those of constraints.txt, which the tests have run with. `uv pip compile` resolves for every platform.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
LEFT_OUT = frozenset({"learn"})
"""Extras that no configuration needs: training is done elsewhere, and is large."""
BUILD = ("hatchling>=1.27", "cyclonedx-bom>=7.0")
_HEAD = "# {what}, by .ci/lock.py; do not edit.\n"


def needed() -> list[str]:
    """What the service needs for whatever a configuration may name; without our own distributions."""
    server = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    client = tomllib.loads((ROOT / "clients/python/pyproject.toml").read_text())["project"]
    extras = [name for name in server["optional-dependencies"] if name not in LEFT_OUT]
    lists = [
        server["dependencies"],
        client["dependencies"],
        *(server["optional-dependencies"][name] for name in extras),
    ]
    return [one for each in lists for one in each if not re.match(r"frontdesk\b", one)]


def lock(uv: str, requirements: list[str], file: Path, what: str) -> None:
    """Resolve, and write one version of each package with its hashes."""
    command = [uv, "pip", "compile", "-", "--universal", "--python-version", "3.11", "--generate-hashes", "--no-header"]
    command += ["--no-annotate", "--no-emit-index-url", "--constraint", str(ROOT / ".ci/constraints.txt"), "--quiet"]
    done = subprocess.run(  # noqa: S603 - the Makefile's own arguments
        command, input="\n".join(requirements), capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(done.stderr)
    file.write_text(_HEAD.format(what=what) + done.stdout)


if __name__ == "__main__":
    lock(sys.argv[1], needed(), ROOT / "deploy/requirements.lock", "What the image runs")
    lock(sys.argv[1], list(BUILD), ROOT / "deploy/requirements-build.lock", "What the image is built with")
