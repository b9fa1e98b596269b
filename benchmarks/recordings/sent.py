"""Recorded requests through the contract: what it cannot express, and what Frontdesk then sends otherwise."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from frontdesk import Client, FrontdeskError

from benchmarks.recordings.anthropic_query import anthropic_query
from benchmarks.recordings.corpus import Json, Recording
from benchmarks.recordings.meaning import Difference, bare, differences, meaning
from benchmarks.recordings.openai_query import openai_query
from benchmarks.recordings.replay import Replay
from benchmarks.recordings.servers import model_name

_LONGEST = 3_000_000
_TIMEOUT_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Sent:
    """One request: what had no place in a query, why it was refused, and how what was sent differs."""

    recording: Recording
    lost: list[str]
    refused: str = ""
    bytewise: list[Difference] = field(default_factory=list)
    meant: list[Difference] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        """Every reason for which it does not mean the same."""
        told = [f"{path} {how}" for path, how in dict.fromkeys((path, how) for path, how, _, _ in self.meant)]
        return [*self.lost, *([self.refused] if self.refused else []), *told]


async def send_requests(client: Client, replay: Replay, recordings: Sequence[Recording], *, named: bool) -> list[Sent]:
    """Every distinct request of the recordings, sent once."""
    return [await _send(client, replay, recording, named=named) for recording in _distinct(recordings)]


def report(results: Sequence[Sent]) -> Iterator[str]:
    """Lines for a reader: the sums, then the kinds of faults with an example each."""
    for kind in ("openai", "anthropic"):
        own = [result for result in results if result.recording.kind == kind]
        equal = sum(not (result.lost or result.refused or result.bytewise) for result in own)
        same = sum(not result.faults for result in own)
        share = f"{same / len(own):.1%}" if own else "-"
        yield f"requests {kind}: {len(own)}, equal {equal}, same meaning {same} ({share})"
        kinds = Counter(fault for result in own for fault in result.faults)
        for fault, count in kinds.most_common():
            example = next(result for result in own if fault in result.faults)
            seen = ((before, after) for path, how, before, after in example.meant if f"{path} {how}" == fault)
            shown = next((f"{str(before)[:80]!r} -> {str(after)[:80]!r}" for before, after in seen), "")
            yield f"  {count:4} {fault}  {example.recording.id} {example.recording.provider} {shown}"


def as_row(result: Sent) -> Json:
    """Where and how one request differs, for a reader."""
    meant = [(path, how, str(before)[:300], str(after)[:300]) for path, how, before, after in result.meant]
    return {"id": result.recording.id, "faults": result.faults, "meant": meant}


def _distinct(recordings: Sequence[Recording]) -> Iterator[Recording]:
    seen: set[str] = set()
    for recording in recordings:
        body = recording.conversation
        if body is None:
            continue
        text = json.dumps({name: value for name, value in body.items() if name != "stream"}, sort_keys=True)
        if text not in seen and len(text) <= _LONGEST:
            seen.add(text)
            yield recording


async def _send(client: Client, replay: Replay, recording: Recording, *, named: bool) -> Sent:
    body: Json = recording.conversation or {}
    dialect = recording.provider if named else "openai"
    query, lost = openai_query(body, dialect) if recording.kind == "openai" else anthropic_query(body)
    replay.sent.clear()
    try:
        await client.complete(query, router=model_name(recording, named=named), timeout=_TIMEOUT_SECONDS)
    except FrontdeskError as error:
        wrong = "; ".join(f"{found.reason} {found.description}" for found in error.violations[:2])
        return Sent(recording, lost, f"refused: {error.reason} {wrong or error.message}"[:200])
    came = replay.sent[0]
    meant = differences(meaning(body, recording.kind), meaning(came, recording.kind))
    return Sent(recording, lost, "", list(differences(bare(body), bare(came))), list(meant))
