"""What the fuzzers share: a budget of time and inputs, byte mutations, and the report.

`python -m tests.chaos.fuzzing` runs every fuzzer and prints inputs and findings.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

_INTERESTING = (b"\x00", b"\xff", b"\x80", b"\n", b"\r", b":", b"{", b'"', b"data: ", b"\xff\xff\xff\xff\x0f", b"\n\n")


@dataclass(frozen=True, slots=True)
class Budget:
    """Where a fuzzer stops, whichever comes first; the seed repeats a run."""

    seconds: float
    inputs: int
    seed: int = 1

    def rounds(self) -> Iterator[Random]:
        """A source of chance for every input; the same ones for the same seed."""
        end = time.monotonic() + self.seconds
        for number in range(self.inputs):
            if time.monotonic() > end:
                return
            yield Random(self.seed * 1_000_003 + number)


@dataclass(slots=True)
class Report:
    """What a fuzzer tried, and the inputs that were not answered as they must be."""

    name: str
    inputs: int = 0
    findings: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [f"{self.name}: {self.inputs} inputs, {len(self.findings)} findings", *self.findings[:20]]
        return "\n  ".join(lines)


def mutated(raw: bytes, random: Random) -> bytes:
    """The bytes with one to eight of them changed, removed, doubled, or replaced by what parsers trip over."""
    changed = bytearray(raw)
    for _ in range(random.randint(1, 8)):
        at = random.randint(0, len(changed))
        until = at + random.choice((0, 1, 1, 4, 16))
        match random.randrange(4):
            case 0:
                changed[at:until] = random.randbytes(until - at)
            case 1:
                del changed[at:until]
            case 2:
                changed[at:at] = changed[at:until]
            case 3:
                changed[at:until] = random.choice(_INTERESTING)
    return bytes(changed)


async def _main(seconds: float, inputs: int, seed: int) -> int:
    from tests.chaos import fuzz_port, fuzz_protobuf, fuzz_sse

    findings = 0
    for fuzz in (fuzz_sse.fuzz, fuzz_protobuf.fuzz, fuzz_port.fuzz):
        report = await fuzz(Budget(seconds, inputs, seed))
        print(report, flush=True)
        findings += len(report.findings)
    return bool(findings)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    raise SystemExit(asyncio.run(_main(chosen.seconds, chosen.inputs, chosen.seed)))
