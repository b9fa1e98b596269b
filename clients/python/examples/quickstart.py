"""Route, complete, stream with the decision first, cancel midway, report an outcome.

Start a server with `make run`, then `make example-python`. Another address is the first argument, or FRONTDESK_ADDRESS.
"""

from __future__ import annotations

import asyncio
import sys

from frontdesk import Client, FrontdeskError, TextDelta, explain, text_of


async def main(target: str | None) -> None:
    """Show every kind of call once."""
    async with Client(target, timeout=30) as client:
        decision = await client.route("Prove the Riemann hypothesis.")
        print(explain(decision), "\n")

        completion = await client.complete("What is 2 + 2?", labels={"example": "python"})
        print(f"{completion.model} answers: {text_of(completion.message)}")
        print(f"{completion.cost.total_nano_usd / 1e9:.9f} USD\n")

        stream = client.stream_complete("Fix the bug in this Python function that calculates Fibonacci.")
        print(f"{(await stream.decision()).model} was chosen and answers: ", end="")
        async for text in stream.text():
            print(text, end="", flush=True)
        print("\n")

        async with client.stream_complete("Tell me a very long story.") as story:
            async for event in story:
                if isinstance(event, TextDelta):
                    break
        print(f"cancelled after {text_of(story.partial.message)!r}\n")

        await client.report_outcome(completion.completion_id, quality=1.0, source="example")
        try:
            await client.route("hi", router="no-such-router")
        except FrontdeskError as error:
            print(f"{error.code.name} {error}")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else None))
