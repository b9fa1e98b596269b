"""`frontdesk fit-thresholds`: from which similarity on a query belongs to a label, learnt from examples."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
import yaml

from frontdesk_server.artefacts.embedders import EmbedderError, Matrix, StaticEmbedder, load_default
from frontdesk_server.cli.faults import foreseen
from frontdesk_server.cli.progress import progress_bar
from frontdesk_server.cli.saying import say
from frontdesk_server.learning.data.tables import read_table, taken
from frontdesk_server.learning.embedding.thresholds import fit_thresholds as fit
from frontdesk_server.routing.references import Reference, ReferenceIndex, Scoring


def fit_thresholds(
    references: Annotated[Path, typer.Option(help='Rows of {"label", "text"}: the utterances per label.')],
    examples: Annotated[
        Path, typer.Option(help='Rows of {"label", "text"}; label null for queries that belong nowhere.')
    ],
    scoring: Annotated[Scoring, typer.Option(help="As the strategy's.")] = "top_k_mean",
    k: Annotated[int, typer.Option(min=1, help="Utterances of the mean.")] = 3,
    embedder: Annotated[
        Path | None, typer.Option(help="Folder of a static table. Default: the one that ships.")
    ] = None,
    out_of_scope_weight: Annotated[float, typer.Option(min=0.0, help="What an out-of-scope example counts.")] = 1.0,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON instead of YAML.")] = False,
) -> None:
    """Fit the thresholds of an embedding strategy; prints the section to paste into the configuration.

    Example: frontdesk fit-thresholds --references refs.jsonl --examples labelled.jsonl
    """
    with foreseen("fit-thresholds", ValueError, EmbedderError):
        table = load_default() if embedder is None else StaticEmbedder.load(embedder)
        known = taken(
            read_table(references, ("label", "text")), lambda row: Reference(row.text("label"), row.text("text"))
        )
        labels, texts = zip(*_labelled(examples), strict=True)
        with progress_bar("embedding", len(known) + len(texts)) as advance:
            index = ReferenceIndex(tuple(known), _embed(table, [r.text for r in known], advance), scoring, k)
            vectors = _embed(table, texts, advance)
        fitted = fit(index, vectors, labels, out_of_scope_weight=out_of_scope_weight)
    section = {"scoring": scoring, "k": k, "threshold": fitted.default_threshold, "thresholds": fitted.thresholds}
    figures = {
        "accuracy": fitted.accuracy,
        "accuracy_without_thresholds": fitted.accuracy_without_thresholds,
        "examples": fitted.examples,
        "out_of_scope_examples": fitted.out_of_scope_examples,
        "embedder": table.id,
    }
    if json_:
        say(json.dumps(section | figures, indent=2))
    else:
        say("".join(f"# {name}: {value}\n" for name, value in figures.items()), nl=False)
        say(yaml.safe_dump(section, sort_keys=False, allow_unicode=True), nl=False)


def _embed(table: StaticEmbedder, texts: Sequence[str], advance: Callable[[int], None]) -> Matrix:
    vectors = []
    for text in texts:
        vectors.append(table.embed(text))
        advance(1)
    return np.stack(vectors)


def _labelled(path: Path) -> list[tuple[str | None, str]]:
    """Labels and texts. Raises DatasetError with file, row and column."""
    return taken(
        read_table(path, ("label", "text")), lambda row: (row.optional_text("label") or None, row.text("text"))
    )
