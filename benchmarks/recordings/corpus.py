"""Recorded exchanges with providers, read from Parquet files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Recording:
    """One answer, and the request where it was kept. `kind` is the API's: "openai" or "anthropic"."""

    id: str
    provider: str
    kind: str
    source: str
    status: int
    headers: dict[str, str]
    streamed: bool
    request: Json | None
    body: bytes

    @property
    def content_type(self) -> str:
        """Of the answer."""
        return self.headers.get("content-type") or ("text/event-stream" if self.streamed else "application/json")

    @property
    def conversation(self) -> Json | None:
        """The request if it was kept, holds messages and was answered."""
        request = self.request
        if self.status != 200 or not isinstance(request, dict) or not request.get("messages"):
            return None
        return request

    def chunks(self) -> Iterator[Json]:
        """The JSON of the events of a stream, as far as it is JSON."""
        for line in self.body.decode(errors="replace").splitlines():
            if line.startswith("data:"):
                try:
                    event = json.loads(line[5:])
                except ValueError:
                    continue
                if isinstance(event, dict):
                    yield event


def read_recordings(path: Path) -> list[Recording]:
    """All recordings of a Parquet file, or of those in a folder."""
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    return [_recording(row) for file in files for row in pq.read_table(file).to_pylist()]


def _recording(row: Json) -> Recording:
    return Recording(
        id=row["id"],
        provider=row["provider"].rstrip("*"),
        kind=row["kind"],
        source=row["source"],
        status=row["status"],
        headers=json.loads(row["headers"]),
        streamed=row["streamed"],
        request=json.loads(row["request"]) if row["request"] else None,
        body=row["body"],
    )
