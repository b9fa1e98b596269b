"""Log lines as people read them in a terminal: a call is one short line, a start says where to go on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from structlog.typing import EventDict

from frontdesk_server.domain.controls import shown
from frontdesk_server.domain.decision import IN_TURN
from frontdesk_server.domain.money import usd
from frontdesk_server.telemetry import names

_DIM, _RED, _GREEN, _BOLD, _PLAIN = "\033[2m", "\033[31m", "\033[32m", "\033[1m", "\033[0m"
SERVER_LISTENING = "server.listening"
"""The event of a start."""

_METHOD_WIDTH = 14
_ANSWER = "answer"

Render = Callable[[Any, str, EventDict], Any]


class TerminalRenderer:
    """Implements structlog's renderer; what has no form of its own here is rendered by `otherwise`."""

    def __init__(self, otherwise: Render, *, colours: bool) -> None:
        self._otherwise = otherwise
        self._colours = colours

    def __call__(self, logger: Any, method: str, values: EventDict) -> Any:
        """One line, or the few of a start."""
        values = {name: shown(value) if isinstance(value, str) else value for name, value in values.items()}
        match values["event"]:
            case names.LOG_CALL_ENDED | names.LOG_CALL_FAILED:
                return self._call(values)
            case event if event == SERVER_LISTENING:
                return self._start(values)
        return self._otherwise(logger, method, values)

    def _call(self, values: Mapping[str, Any]) -> str:
        good = values["code"] == "OK"
        ending = self._in(_GREEN, "ok") if good else self._in(_RED, values["error_reason"] or values["code"])
        parts = [
            self._in(_DIM, _clock(values["timestamp"])),
            f"{values['method'].rpartition('/')[2]:<{_METHOD_WIDTH}}",
            f"{_milliseconds(values['duration_ms']):>7}",
            ending,
            self._in(_BOLD, IN_TURN.join(_models(values))),
            usd(values["cost_nano_usd"]) if "cost_nano_usd" in values else "",
            values.get("router", ""),
            self._in(_DIM, values.get("decision_id", "")),
        ]
        return "  ".join(filter(None, parts))

    def _start(self, values: Mapping[str, Any]) -> str:
        http = values.get("http")
        facts = {
            "gRPC": values["address"],
            "HTTP": http or "",
            "console": values.get("console", ""),
            "config": f"{values['config']} (version {values['version']})",
            "models": ", ".join(values.get("models", ())),
            "routers": ", ".join(values.get("routers", ())),
            "try": f'frontdesk complete --address {values["address"]} "What is 2 + 2?"',
            "": f"curl {http}/v1/models" if http else "",
        }
        lines = (f"  {self._in(_DIM, f'{name:<8}')}{fact}" for name, fact in facts.items() if fact)
        return "\n".join([self._in(_BOLD, "Frontdesk listens; stop it with Ctrl-C"), *lines])

    def _in(self, colour: str, text: str) -> str:
        return f"{colour}{text}{_PLAIN}" if self._colours and text else text


def _models(values: Mapping[str, Any]) -> Iterable[str]:
    """Those that were asked to answer, in turn; of a mere decision the chosen one."""
    asked = [attempt["model"] for attempt in values.get("attempts", ()) if attempt["purpose"] == _ANSWER]
    return asked or filter(None, [values.get("model", "")])


def _clock(timestamp: str) -> str:
    return f"{datetime.fromisoformat(timestamp).astimezone():%Y-%m-%d %H:%M:%S}"


def _milliseconds(duration_ms: float | None) -> str:
    if duration_ms is None:
        return ""
    return f"{duration_ms:.0f} ms" if duration_ms < 10_000 else f"{duration_ms / 1000:.1f} s"
