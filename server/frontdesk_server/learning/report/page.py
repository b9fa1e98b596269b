"""The page of a report: sections in, one HTML file out that needs nothing beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from frontdesk_server.learning.drawing.look import DARK, LIGHT

__all__ = ["Headline", "Section", "render_page", "table"]


@dataclass(frozen=True, slots=True)
class Headline:
    """A figure that the page opens with."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Section:
    """A title, a sentence that says what is to be seen, and the chart or table as HTML."""

    title: str
    lead: str
    body: str


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table; the first column is text, the others are figures. On a phone a row is a block of its own."""
    head = "".join(f"<th>{escape(name)}</th>" for name in header)
    body = "".join(
        "<tr>"
        + "".join(f'<td data-of="{escape(n)}">{escape(c)}</td>' for n, c in zip(header, row, strict=True))
        + "</tr>"
        for row in rows
    )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def render_page(title: str, subtitle: str, headlines: Sequence[Headline], sections: Sequence[Section]) -> str:
    """Return the whole page."""
    tiles = "".join(
        f'<div class="tile"><strong>{escape(h.value)}</strong><span>{escape(h.label)}</span></div>' for h in headlines
    )
    body = "".join(
        f"<section><h2>{escape(s.title)}</h2><p>{escape(s.lead)}</p>{s.body}</section>" for s in sections if s.body
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><main>"
        f'<header><span class="brand">Frontdesk</span><h1>{escape(title)}</h1><p>{escape(subtitle)}</p></header>'
        f'<div class="tiles">{tiles}</div>{body}</main></body></html>\n'
    )


def _palette(colours: Mapping[str, str]) -> str:
    return ":root{" + ";".join(f"--{name}:{value}" for name, value in colours.items()) + "}"


_STYLE = (
    f"{_palette(LIGHT)}@media(prefers-color-scheme:dark){{{_palette(DARK)}}}"
    """
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:880px;margin:0 auto;padding:48px 24px 72px}
header{margin-bottom:28px}
.brand{color:var(--accent);font-weight:650;letter-spacing:.02em}
h1{font-size:32px;line-height:1.15;margin:6px 0 8px;letter-spacing:-.015em;overflow-wrap:anywhere}
header p,section>p{color:var(--soft);margin:0;max-width:68ch}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin-bottom:20px}
.tile{background:var(--card);border:1px solid var(--rule);border-radius:12px;padding:16px 18px}
.tile span{overflow-wrap:anywhere}
.tile strong{display:block;font-size:22px;line-height:1.25;font-variant-numeric:tabular-nums;letter-spacing:-.01em}
.tile span{color:var(--soft);font-size:13.5px}
section{background:var(--card);border:1px solid var(--rule);border-radius:14px;padding:24px 26px;margin-top:18px}
h2{font-size:19px;margin:0 0 4px}
section>p{margin-bottom:16px;font-size:14.5px}
svg{display:block;width:100%;height:auto;font:12px system-ui,sans-serif}
.wide,.narrow{overflow-x:auto}
.narrow{display:none}
.grid{stroke:var(--rule);stroke-width:1}
.tick,.title,.name,.value{fill:var(--soft)}
.leader{stroke:var(--mark);stroke-width:.8}
.label{fill:var(--ink);font-size:11.5px}
.legend{display:flex;flex-wrap:wrap;gap:4px 22px;color:var(--soft);font-size:13px;margin:0 0 6px}
.legend svg{display:inline-block;width:26px;height:8px;margin-right:8px;vertical-align:middle}
.line{fill:none;stroke-linejoin:round}
.mark{fill:var(--mark);stroke:var(--card);stroke-width:1.5}.mark.strong{fill:var(--accent)}
.bar,.cell{fill:var(--accent)}
.on{fill:#fff}.off{fill:var(--ink)}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:14px;font-variant-numeric:tabular-nums}
th{color:var(--soft);font-weight:550;text-align:right;padding:6px 10px;border-bottom:1px solid var(--rule)}
td{text-align:right;padding:7px 10px;border-bottom:1px solid var(--rule);white-space:nowrap}
th:first-child,td:first-child{text-align:left;padding-left:0}
tbody tr:last-child td{border-bottom:0}
@media(max-width:640px){main{padding:24px 10px 40px}section{padding:18px 14px}
.wide{display:none}.narrow{display:block}
.tiles{grid-template-columns:repeat(2,minmax(0,1fr))}.tile{padding:12px 14px}.tile strong{font-size:19px}
thead{display:none}tr{display:block;padding:8px 0;border-bottom:1px solid var(--rule)}
tbody tr:last-child{border-bottom:0}
td{display:flex;justify-content:space-between;gap:16px;border:0;padding:1px 0;white-space:normal}
td::before{content:attr(data-of);color:var(--soft);white-space:nowrap}
td:first-child{font-weight:600;overflow-wrap:anywhere}td:first-child::before{content:none}}
@media print{body{background:#fff}section,.tile{break-inside:avoid}}
"""
)
