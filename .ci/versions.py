"""Writes the version of clients/python/frontdesk/_version.py into every other place that has to name it.

`versions.py` writes and tells what has changed; a test holds the places together by `stale`.
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "clients/python/frontdesk/_version.py"

PLACES = {
    "pyproject.toml": r'"frontdesk==(.+?)"',
    "deploy/helm/frontdesk/Chart.yaml": r"(?m)^(?:version|appVersion): (\S+)",
    "clients/go/options.go": r'Version = "(.+?)"',
    "clients/go/README.md": r"(?:clients/go@v|frontdesk-go/)([0-9.]+)",
    "clients/java/pom.xml": r"<artifactId>frontdesk-client</artifactId>\s*<version>(.+?)</version>",
    "clients/java/README.md": r"(?:<version>|frontdesk-java/)([0-9.]+)",
    "clients/typescript/package.json": r'"version": "(.+?)"',
    "clients/typescript/package-lock.json": r'"name": "@frontdesk/client",\s*"version": "(.+?)"',
    "clients/typescript/src/options.ts": r'version = "(.+?)"',
    "clients/typescript/README.md": r"frontdesk-typescript/([0-9.]+)",
}
"""The group of each match is the version."""


def version() -> str:
    """The one that counts."""
    (found,) = re.findall(r'__version__ = "(.+)"', SOURCE.read_text(encoding="utf-8"))
    return str(found)


def stamped(text: str, pattern: str, wanted: str) -> str:
    """The text with the wanted version in every place of the pattern, of which there must be one."""
    stamps = re.compile(pattern)
    if not stamps.search(text):
        raise LookupError(f"no place for the version: {pattern}")
    return stamps.sub(lambda match: match[0].replace(match[1], wanted), text)


def stale() -> dict[Path, str]:
    """The files that name another version, as they should read."""
    files = {ROOT / name: pattern for name, pattern in PLACES.items()}
    fresh = {path: stamped(path.read_text(encoding="utf-8"), pattern, version()) for path, pattern in files.items()}
    return {path: text for path, text in fresh.items() if path.read_text(encoding="utf-8") != text}


if __name__ == "__main__":
    for path, text in stale().items():
        path.write_text(text, encoding="utf-8")
        print(f"{path.relative_to(ROOT)}: {version()}")
