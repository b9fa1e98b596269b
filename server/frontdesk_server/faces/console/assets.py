"""What pages load: style sheet, scripts, the plot library, an icon. Kept in memory, named with their hash."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from frontdesk_server.faces.http import Reply

PREFIX = "/console/static/"
_FOLDER = Path(__file__).parent / "static"
_KINDS = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_HEADERS = (
    ("cache-control", "public, max-age=31536000, immutable"),  # its address changes with it
    ("x-content-type-options", "nosniff"),
    ("cross-origin-resource-policy", "same-origin"),
)


@dataclass(frozen=True, slots=True)
class _Asset:
    kind: str
    raw: bytes
    digest: str


class Assets:
    """Every file of the folder that has one of the kinds above."""

    def __init__(self) -> None:
        self._found: dict[str, _Asset] = {}
        for path in sorted(_FOLDER.rglob("*")):
            if path.suffix in _KINDS:
                raw = path.read_bytes()
                name = path.relative_to(_FOLDER).as_posix()
                self._found[name] = _Asset(_KINDS[path.suffix], raw, sha256(raw).hexdigest()[:12])

    def url(self, name: str) -> str:
        """Where pages find it."""
        return f"{PREFIX}{name}?{self._found[name].digest}"

    def has(self, path: str) -> bool:
        """Whether something is kept there."""
        return path.removeprefix(PREFIX) in self._found

    async def send(self, path: str, reply: Reply) -> None:
        """Send what is kept there."""
        asset = self._found[path.removeprefix(PREFIX)]
        await reply.content(asset.kind, asset.raw, _HEADERS)
