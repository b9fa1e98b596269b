"""The console: pages for people, beside the HTTP faces."""

from __future__ import annotations

from pathlib import Path

from frontdesk_server.config.base import Section


class ConsoleConfig(Section):
    """Pages on which people ask, and see what was decided and spent: docs/console.md."""

    operators: frozenset[str] = frozenset()
    """Callers who see everybody's decisions, spending and budgets. Default: each caller sees its own alone."""
    evaluation: Path | None = None
    """The evaluation.json of `frontdesk evaluate --out`, whose curve is shown. Relative paths start at the
    configuration. Default: none."""
