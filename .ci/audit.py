"""Looks pinned packages up among known vulnerabilities. Usage: audit.py PIP_AUDIT CONSTRAINTS.

Fails on findings alone. Where nothing can be looked up it says so, having found out by one package: an index that knows
of no vulnerabilities need not be asked for them all.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

_SECONDS = 120
_PROBE = "cryptography=="


def main(pip_audit: str, constraints: Path) -> int:
    """Print what was found; 1 when a package is vulnerable."""
    pins = [line for line in constraints.read_text().splitlines() if "==" in line]
    if not _looked_up(pip_audit, [pin for pin in pins if pin.startswith(_PROBE)]):
        print("audit: SKIPPED, known vulnerabilities cannot be looked up here")
        return 0
    packages = _looked_up(pip_audit, pins)
    findings = [(package, found) for package in packages for found in package["vulns"]]
    for package, found in findings:
        fixed = ", ".join(found["fix_versions"]) or "no version"
        print(f"audit: {package['name']} {package['version']}: {found['id']}, fixed in {fixed}")
    print(f"audit: {len(findings)} known vulnerabilities; {len(packages)} of {len(pins)} packages looked up")
    return int(bool(findings))


def _looked_up(pip_audit: str, pins: list[str]) -> list[dict[str, Any]]:
    """Those of the packages that the index tells something about."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as requirements:
        requirements.write("\n".join(pins))
        requirements.flush()
        command = [pip_audit, "--no-deps", "--disable-pip", "--progress-spinner", "off", "--format", "json"]
        try:
            done = subprocess.run(  # noqa: S603 - the Makefile's own arguments
                [*command, "--requirement", requirements.name], capture_output=True, timeout=_SECONDS, check=False
            )
            packages: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
        except (subprocess.TimeoutExpired, ValueError):
            return []
    return [package for package in packages if "vulns" in package]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
