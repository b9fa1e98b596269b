"""Random and mutated event streams into the readers of both dialects: nothing but `UpstreamError` may come out."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from frontdesk_server.backends.anthropic_response import AnthropicTranslator
from frontdesk_server.backends.exchange import Translator
from frontdesk_server.backends.openai_response import OpenAITranslator
from frontdesk_server.backends.sse import SseReader
from frontdesk_server.domain.errors import UpstreamError

from tests.chaos.fuzzing import Budget, Report, mutated
from tests.upstream import Script
from tests.upstream.dialects import AnthropicDialect, Dialect, OpenAIDialect

_DIALECTS: tuple[tuple[Dialect, Callable[[], Translator]], ...] = (
    (OpenAIDialect(), OpenAITranslator),
    (AnthropicDialect(), AnthropicTranslator),
)
_SCRIPTS = (
    Script(reasoning="hm", cached_tokens=3),
    Script(tool_name="add", tokens=('{"a":', "1}")),
)
_REQUEST = {"model": "m", "logprobs": True, "top_logprobs": 2, "stream_options": {"include_usage": True}}


async def fuzz(budget: Budget) -> Report:
    """Mutate whole streams, a tenth of them beyond recognition, and cut them anywhere."""
    report = Report("event streams")
    for random in budget.rounds():
        dialect, translator = random.choice(_DIALECTS)
        frames = dialect.frames(random.choice(_SCRIPTS), _REQUEST)
        stream = b"".join((*frames.opening, *frames.tokens, *frames.closing))
        stream = random.randbytes(random.randint(0, 400)) if random.random() < 0.1 else mutated(stream, random)
        report.inputs += 1
        try:
            _read(stream, translator(), random)
        except UpstreamError:
            pass
        except Exception as error:
            report.findings.append(f"{error!r} for {stream!r}")
    return report


def _read(stream: bytes, translator: Translator, random: Random) -> None:
    reader = SseReader()
    while stream and not translator.ended:
        size = random.randint(1, 200)
        for _ in translator.read_events(reader.feed(stream[:size])):
            pass
        stream = stream[size:]
    if translator.complete:
        translator.finished()
