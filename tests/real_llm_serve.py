"""Serves a GGUF model through llama.cpp's OpenAI-compatible server; runs in an environment of its own.

Prints the address once the model is loaded, and ends with its standard input, so that it cannot outlive its parent.
"""

from __future__ import annotations

import sys

import xllamacpp  # type: ignore[import-not-found]  # lives in the server's own environment


def main(model_path: str) -> None:
    """Serve until standard input ends."""
    params = xllamacpp.CommonParams()
    params.model.path = model_path
    params.model_alias = {"smollm2"}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_ctx = 4096
    params.n_parallel = 2
    params.cpuparams.n_threads = 1
    params.cpuparams_batch.n_threads = 1
    params.warmup = True
    params.ui = False
    server = xllamacpp.Server(params)  # stops when it is no longer referenced
    print(server.listening_address, flush=True)
    sys.stdin.read()
    del server


if __name__ == "__main__":
    main(sys.argv[1])
