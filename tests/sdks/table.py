"""The table in docs/http.md: which features work with which client. `python -m tests.sdks.table` prints it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.sdks.harness import ROOT

SEPARATE = ROOT / ".tools/sdks/bin/python"
"""The environment of clients that are not the providers' own: `make .tools/sdks/.ready`."""
NODE = ROOT / "tests/sdks/node"

EVERYWHERE = (
    "chat",
    "streams",
    "tools",
    "streamed tools",
    "structured output",
    "images",
    "errors",
    "retries",
    "cancel",
    "timeouts",
    "cut streams",
)


@dataclass(frozen=True, slots=True)
class Sdk:
    """A client, how its script is started, what that needs, and the features that it has of its own."""

    name: str
    command: Sequence[str]
    needs: Path | None = None
    own: frozenset[str] = frozenset()

    @property
    def features(self) -> list[str]:
        """What its script checks, in the order of the table."""
        return [feature for feature in FEATURES if feature in EVERYWHERE or feature in self.own]


def _python(module: str, interpreter: str | Path = sys.executable) -> tuple[str, ...]:
    return (str(interpreter), "-m", f"tests.sdks.{module}")


_OPENAI = frozenset({"logprobs", "models"})
_ANTHROPIC = frozenset({"thinking", "token counts"})
FEATURES = (*EVERYWHERE, *sorted(_OPENAI), *sorted(_ANTHROPIC))
SDKS = (
    Sdk("openai (Python)", _python("openai_python"), own=_OPENAI),
    Sdk("anthropic (Python)", _python("anthropic_python"), own=_ANTHROPIC),
    Sdk("openai (Node)", ("node", str(NODE / "check.mjs"), "openai"), NODE / "node_modules/openai", _OPENAI),
    Sdk(
        "@anthropic-ai/sdk",
        ("node", str(NODE / "check.mjs"), "anthropic"),
        NODE / "node_modules/@anthropic-ai/sdk",
        _ANTHROPIC,
    ),
    Sdk("LangChain", _python("langchain_python", SEPARATE), SEPARATE),
    Sdk("LiteLLM", _python("litellm_python", SEPARATE), SEPARATE),
)


def table(works: Mapping[str, frozenset[str]]) -> str:
    """The table in Markdown; `works` are the features that do, by client."""
    names = [sdk.name for sdk in SDKS]
    lines = [f"| | {' | '.join(names)} |", f"|---|{'---|' * len(names)}"]
    lines += [f"| {one} | {' | '.join(_cell(sdk, one, works[sdk.name]) for sdk in SDKS)} |" for one in FEATURES]
    return "\n".join(lines) + "\n"


def _cell(sdk: Sdk, feature: str, works: frozenset[str]) -> str:
    if feature not in sdk.features:
        return "-"
    return "yes" if feature in works else "no"


if __name__ == "__main__":
    print(table({sdk.name: frozenset(sdk.features) for sdk in SDKS}), end="")
