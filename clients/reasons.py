"""Writes the reasons of errors as constants of every client, from the table that docs/errors.md prints.

`python clients/reasons.py` writes them; a test holds them fresh by `sources`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from frontdesk_server.rpc.reasons import CLIENT_REASONS, ReasonRow, reason_rows

CLIENTS = Path(__file__).parent
_ORIGIN = "Written by clients/reasons.py, as docs/errors.md."
_INITIALISMS = {"HTTPS", "ID", "JSON", "TTL", "URI", "UTF8"}


def sources() -> dict[Path, str]:
    """The file of every language with its text."""
    rows = sorted((*reason_rows(), *CLIENT_REASONS), key=lambda row: row.reason)
    return {
        CLIENTS / "python/frontdesk/reasons.py": _python(rows),
        CLIENTS / "go/reasons.go": _go(rows),
        CLIENTS / "java/src/main/java/dev/frontdesk/Reason.java": _java(rows),
        CLIENTS / "typescript/src/reasons.ts": _typescript(rows),
    }


def _python(rows: Iterable[ReasonRow]) -> str:
    names = "".join(f'\n\n{row.reason}: Final = "{row.reason}"\n"""{row.meaning}"""' for row in rows)
    head = f'"""Why a call failed: what `FrontdeskError.reason` may be. {_ORIGIN}"""'
    return f"{head}\n\nfrom __future__ import annotations\n\nfrom typing import Final{names}\n"


def _go(rows: Iterable[ReasonRow]) -> str:
    lines = (f'\t// {_go_name(row)}: {_unquoted(row)}\n\t{_go_name(row)} = "{row.reason}"\n' for row in rows)
    head = f"package frontdesk\n\n// Why a call failed: what [Error.Reason] may be. {_ORIGIN}\n"
    return f"{head}const (\n{''.join(lines)})\n"


def _java(rows: Iterable[ReasonRow]) -> str:
    lines = (
        f'  /** {_unquoted(row)} */\n  public static final String {row.reason} = "{row.reason}";\n\n' for row in rows
    )
    doc = f"/** Why a call failed: what {{@link FrontdeskException#reason}} may be. {_ORIGIN} */"
    head = f"package dev.frontdesk;\n\n{doc}\npublic final class Reason {{\n"
    return f"{head}{''.join(lines)}  private Reason() {{}}\n}}\n"


def _typescript(rows: Iterable[ReasonRow]) -> str:
    lines = (f'  /** {row.meaning} */\n  {row.reason}: "{row.reason}",\n' for row in rows)
    doc = f"/** Why a call failed: what `FrontdeskError.reason` may be. {_ORIGIN} */"
    return f"{doc}\nexport const Reason = {{\n{''.join(lines)}}} as const;\n"


def _go_name(row: ReasonRow) -> str:
    words = (word if word in _INITIALISMS else word.capitalize() for word in row.reason.split("_"))
    return "Reason" + "".join(words)


def _unquoted(row: ReasonRow) -> str:
    return row.meaning.replace("`", "")


if __name__ == "__main__":
    for path, text in sources().items():
        path.write_text(text, encoding="utf-8")
