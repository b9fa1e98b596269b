"""Recorded provider traffic, replayed through Frontdesk and compared with what the official SDKs make of it.

`make bench-recordings DATA=folder` reads the Parquet files of a folder that is no part of this project (columns id,
provider, kind, source, url, status, headers, streamed, request, body), and prints

- answers: `[answers, streamed, errors, equal, ours, FAULT]` by provider, compared with the official SDKs. "ours" are
  differences in which Frontdesk is right, each for a reason that `judging` gives.
- requests: how many of the recorded requests the contract expresses and Frontdesk sends on as they were, in equal JSON
  and in equal meaning, with the most frequent losses. `meaning` says what counts as the same.
- answers fed back: how many reach their provider again as it gave them, when the history holds them as they came.

It began as a tool that was handed to the project together with the recordings, and differs from it:

- Requests are translated with all that the contract has: efforts, budgets, `top_k`, parallel calls, user ids, names and
  details of media, results in parts, answers begun, refusals, provider options, state, blocks and tools, cache hints.
- The same meaning is counted beside equal bytes, by rules that are written down.
- One process replays and asks, on free ports; nothing is kept but lists of differences, below `.cache/recordings`.
- `--named` serves every recorded model under its provider's and its own name, so that what is known of them holds; by
  default nothing is known of the servers that are asked.
"""
