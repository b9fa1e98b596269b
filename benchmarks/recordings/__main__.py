"""Replays recorded provider traffic: `python -m benchmarks.recordings FOLDER`."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from frontdesk import Client

from benchmarks.recordings import fed_back, judging, sent
from benchmarks.recordings.answers import read_answers
from benchmarks.recordings.corpus import Json, Recording, read_recordings
from benchmarks.recordings.replay import Replay
from benchmarks.recordings.servers import configuration, frontdesk

_OUT = Path(".cache/recordings")
_SDKS = Path(".tools/sdks/bin/python")


async def _main(arguments: argparse.Namespace) -> None:
    recordings = read_recordings(arguments.data)
    async with Replay({recording.id: recording for recording in recordings}).serving() as replay:
        config = configuration(recordings, replay.port, named=arguments.named)
        for part in arguments.parts:
            # A server each: what it learns from recorded refusals does not hold for the recorded requests.
            async with frontdesk(config, _OUT) as client:
                await _PARTS[part](client, replay, recordings, arguments)


async def _answers(
    client: Client, replay: Replay, recordings: Sequence[Recording], arguments: argparse.Namespace
) -> None:
    official = await _official(replay.port, recordings)
    for mode in arguments.modes:
        answers = await read_answers(client, recordings, mode, named=arguments.named)
        _write(f"answers-{mode}.txt", _judge(recordings, official, answers))


async def _requests(
    client: Client, replay: Replay, recordings: Sequence[Recording], arguments: argparse.Namespace
) -> None:
    results = await sent.send_requests(client, replay, recordings, named=arguments.named)
    _write("requests.txt", sent.report(results))
    _keep("requests", map(sent.as_row, results))


async def _fed_back(
    client: Client, replay: Replay, recordings: Sequence[Recording], arguments: argparse.Namespace
) -> None:
    again = await fed_back.feed_back(client, replay, recordings, named=arguments.named)
    _write("fed-back.txt", fed_back.report(again))
    _keep("fed-back", ({"id": one.recording.id, "changes": one.changes} for one in again))


_PARTS = {"answers": _answers, "requests": _requests, "fed-back": _fed_back}


async def _official(port: int, recordings: Sequence[Recording]) -> dict[str, Json]:
    asked = [{"id": one.id, "kind": one.kind, "streamed": one.streamed} for one in recordings]
    process = await asyncio.create_subprocess_exec(
        str(_SDKS),
        "-W",
        "ignore",
        str(Path(__file__).with_name("official.py")),
        str(port),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate("\n".join(map(json.dumps, asked)).encode())
    return {told["id"]: told for told in map(json.loads, out.splitlines())}


def _judge(recordings: Sequence[Recording], official: dict[str, Json], answers: Iterable[Json]) -> Iterable[str]:
    known = {recording.id: recording for recording in recordings}
    results = {ours["id"]: judging.judged(known[ours["id"]], official[ours["id"]], ours) for ours in answers}
    return judging.report(known, results)


def _write(name: str, lines: Iterable[str]) -> None:
    """Keep all of a report, and print its sums and its most frequent lines."""
    kept = list(lines)
    (_OUT / name).write_text("\n".join(kept) + "\n")
    shown = 0
    for line in kept:
        shown = shown + 1 if line.startswith("  ") else 0
        if shown <= 12:
            print(line, flush=True)


def _keep(name: str, rows: Iterable[Json]) -> None:
    with (_OUT / f"{name}.jsonl").open("w") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="a Parquet file of recordings, or a folder of such files")
    parser.add_argument("--modes", type=lambda text: text.split(","), default=["whole"], help="pieces: whole,r1,b")
    parser.add_argument("--parts", type=lambda text: text.split(","), default=tuple(_PARTS), help=",".join(_PARTS))
    parser.add_argument("--named", action="store_true", help="serve every model under its provider's name and its own")
    return parser.parse_args()


if __name__ == "__main__":
    _OUT.mkdir(parents=True, exist_ok=True)
    asyncio.run(_main(_parse()))
