"""`frontdesk distill`: a static embedding table of your own, from a sentence encoder and your texts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from frontdesk_server.artefacts.embedders import EmbedderError, EncoderSettings, OnnxEmbedder
from frontdesk_server.cli.faults import foreseen
from frontdesk_server.cli.saying import say
from frontdesk_server.learning.embedding.corpus import read_texts


def distill(
    teacher: Annotated[Path, typer.Option(help="Folder of an ONNX sentence encoder with its tokenizer.json.")],
    texts: Annotated[list[Path], typer.Option(help="Texts like your queries: .txt, .jsonl, .parquet; repeatable.")],
    out: Annotated[Path, typer.Option(help="Folder that gets model.safetensors and tokenizer.json.")],
    dimension: Annotated[int, typer.Option(min=8, help="Length of the vectors.")] = 256,
    max_tokens: Annotated[int, typer.Option(min=8, help="Tokens of a text that the teacher reads.")] = 128,
    threads: Annotated[int, typer.Option(min=1, help="Threads of the teacher.")] = 2,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Distil a sentence encoder into a static table that embeds a query in microseconds.

    Example: frontdesk distill --teacher ./bge-small --texts queries.txt --out ./table
    """
    from frontdesk_server.learning.embedding.distill import DistillSettings
    from frontdesk_server.learning.embedding.distill import distill as distil_table

    with foreseen("distill", ValueError, EmbedderError):
        corpus = [text for path in texts for text in read_texts(path)]
        encoder = OnnxEmbedder(teacher, EncoderSettings.from_folder(teacher, max_tokens=max_tokens), threads=threads)
        tokenizer = json.loads((teacher / "tokenizer.json").read_text(encoding="utf-8"))
        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(f"{encoder.id} reads {len(corpus):,} texts")
            table = distil_table(
                encoder,
                tokenizer,
                corpus,
                DistillSettings(dimension=dimension),
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )
        table.write(out)
    if json_:
        section = {"kind": "static", "path": str(out)}
        values = {"out": str(out), "tokens": len(table.rows), "dimension": dimension, "embedder": section}
        say(json.dumps(values, indent=2))
        return
    say(f"{out}: {len(table.rows):,} tokens, {dimension} dimensions; embedder: {{kind: static, path: {out}}}")
