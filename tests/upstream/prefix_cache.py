"""Anthropic's prompt cache: prefixes that end at breakpoints, found again by their bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from tests.upstream.script import Script
from tests.upstream.server import SeenRequest

_LEAST_TOKENS = 1024
_LOOKED_BACK = 20
"""Blocks before a breakpoint among which an earlier prefix is found."""
_MOST_BREAKPOINTS = 4
_BYTES_PER_TOKEN = 4


@dataclass(slots=True)
class PrefixCache:
    """Scripts for an upstream whose usage says what was read from the cache and written to it."""

    answer: Script = field(default_factory=Script)
    kept: set[bytes] = field(default_factory=set)

    def __call__(self, request: SeenRequest) -> Script:
        blocks = list(_blocks(request.body))
        digest, tokens, prefixes = hashlib.sha256(), 0, []
        for block in blocks:
            content = orjson.dumps({name: value for name, value in block.items() if name != "cache_control"})
            digest.update(content)
            tokens += len(content) // _BYTES_PER_TOKEN
            prefixes.append((digest.digest(), tokens))
        breakpoints = [place for place, block in enumerate(blocks) if "cache_control" in block]
        if len(breakpoints) > _MOST_BREAKPOINTS:
            raise ValueError("the API takes at most four breakpoints")
        read = max((tokens for place in breakpoints for tokens in self._found(prefixes, place)), default=0)
        ends = [prefixes[place] for place in breakpoints if prefixes[place][1] >= _LEAST_TOKENS]
        written = max(0, max((tokens for _, tokens in ends), default=0) - read)
        self.kept.update(prefix for prefix, _ in ends)
        return Script(tokens=self.answer.tokens, input_tokens=tokens, cached_tokens=read, cache_write_tokens=written)

    def _found(self, prefixes: list[tuple[bytes, int]], place: int) -> Iterator[int]:
        for prefix, tokens in prefixes[max(0, place - _LOOKED_BACK) : place + 1]:
            if prefix in self.kept:
                yield tokens


def _blocks(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from body.get("tools", ())
    system = body.get("system", ())
    yield from [{"type": "text", "text": system}] if isinstance(system, str) else system
    for turn in body["messages"]:
        for block in turn["content"]:
            yield {"role": turn["role"], **block}
