"""The audit of dependencies: it fails on findings, and never calls clean what it could not look up."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

AUDIT = Path(__file__).parents[2] / ".ci" / "audit.py"
CLEAN = {"name": "cryptography", "version": "2", "vulns": []}
VULNERABLE = {"name": "b", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["1.1"]}]}
UNKNOWN = {"name": "cryptography", "skip_reason": "not found"}


def _text(answer: Any) -> str:
    return answer if isinstance(answer, str) else json.dumps(answer)


def audited(folder: Path, probe: Any, everything: Any) -> tuple[int, str, int]:
    """Exit code, output, and how many packages were asked for, with a pip-audit that answers this."""
    (folder / "pins.txt").write_text("# pins\na==1\nb==1\ncryptography==2\n")
    pip_audit = folder / "pip-audit"
    pip_audit.write_text(
        f"""#!{sys.executable}
import pathlib, sys
asked = pathlib.Path(sys.argv[-1]).read_text().split()
with open({str(folder / "asked")!r}, "a") as log:
    log.write("x" * len(asked))
print({_text(probe)!r} if len(asked) == 1 else {_text(everything)!r})
"""
    )
    pip_audit.chmod(0o755)
    command = [sys.executable, str(AUDIT), str(pip_audit), str(folder / "pins.txt")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout, len((folder / "asked").read_text())


@pytest.mark.parametrize("probe", [{"dependencies": [UNKNOWN]}, {"dependencies": []}, "an error page"])
def test_where_nothing_can_be_looked_up_it_says_so_and_asks_no_further(probe: Any, tmp_path: Path) -> None:
    code, said, asked = audited(tmp_path, probe, None)
    assert (code, asked) == (0, 1)
    assert "SKIPPED" in said


def test_a_vulnerable_package_fails_it(tmp_path: Path) -> None:
    code, said, _ = audited(tmp_path, {"dependencies": [CLEAN]}, {"dependencies": [CLEAN, VULNERABLE]})
    assert code == 1
    assert "b 1: CVE-1, fixed in 1.1" in said


def test_a_clean_bill_says_how_many_packages_it_is_about(tmp_path: Path) -> None:
    code, said, _ = audited(
        tmp_path, {"dependencies": [CLEAN]}, {"dependencies": [CLEAN, {"name": "a", "skip_reason": ""}]}
    )
    assert code == 0
    assert "0 known vulnerabilities; 1 of 3 packages" in said
