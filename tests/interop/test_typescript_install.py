"""The install line of the TypeScript client's README, as somebody types it beside a fresh checkout."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.interop.servers import ROOT
from tests.interop.test_clients import SUITES

SECONDS = 300
LINE = "npm install ./frontdesk/clients/typescript"
IMPORTING = 'import { ask } from "@frontdesk/client"; console.log(ask("hi").messages.length);'


@pytest.mark.timeout(3 * SECONDS)
def test_the_package_can_be_imported_after_the_readmes_install_line(tmp_path: Path) -> None:
    next(suite for suite in SUITES if suite.folder == "typescript").require()
    assert LINE in (ROOT / "clients/typescript/README.md").read_text(encoding="utf-8")
    archive = tmp_path / "client.tar"
    _run(ROOT, "git", "archive", f"--output={archive}", "--prefix=frontdesk/", "HEAD", "clients/typescript")
    _run(tmp_path, "tar", "xf", str(archive))
    _run(tmp_path, "npm", "init", "-y")
    _run(tmp_path, *LINE.split())
    (tmp_path / "calls.mjs").write_text(IMPORTING)
    assert _run(tmp_path, "node", "calls.mjs") == "1\n"


def _run(folder: Path, *words: str) -> str:
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout
