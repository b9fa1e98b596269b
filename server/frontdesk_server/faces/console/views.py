"""Pages from templates. Whatever a template is given is text, and escaped; nothing is marked as safe."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from frontdesk_server.domain.decision import asked_by
from frontdesk_server.domain.duration import duration
from frontdesk_server.domain.money import usd
from frontdesk_server.faces.console.assets import Assets
from frontdesk_server.faces.http import Headers

HTML = "text/html; charset=utf-8"

SECURITY: Headers = (
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cache-control", "no-store"),
)
"""Of every page and stream. Scripts and styles come from files of ours alone."""

_NAVIGATION = (
    ("/console", "Playground"),
    ("/console/decisions", "Decisions"),
    ("/console/spending", "Spending"),
    ("/console/now", "Now"),
    ("/console/curve", "Curve"),
)


class Views:
    """Renders templates."""

    def __init__(self, assets: Assets) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.filters |= {
            "usd": usd,
            "seconds": duration,
            "count": _count,
            "figure": _figure,
            "number": _number,
            "share": _share,
            "words": _words,
            "moment": _moment,
            "tree": _tree,
        }
        self._environment.globals |= {"navigation": _NAVIGATION, "asset": assets.url}

    def render(self, template: str, values: Mapping[str, Any]) -> bytes:
        """The template with these values."""
        return self._environment.get_template(f"{template}.html").render(values).encode()


def _count(number: int | None) -> str:
    return "-" if number is None else f"{number:,}"


def _figure(number: float | None, digits: int = 2) -> str:
    return "-" if number is None else f"{number:.{digits}f}"


def _number(number: float | None) -> str:
    if number is None:
        return "-"
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.3g}"


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _moment(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def _tree(path: Any) -> list[tuple[int, Any]]:
    """Strategies that were asked, each with how deep it lies below the first."""
    depths: list[int] = []
    for parent in asked_by(path):
        depths.append(0 if parent is None else depths[parent] + 1)
    return list(zip(depths, path, strict=True))
