"""`frontdesk fit-thresholds`: from which similarity on a query belongs to a label, learnt from examples."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
import yaml

from frontdesk_server.embedders import EmbedderError, StaticEmbedder, load_default
from frontdesk_server.learning.thresholds import fit_thresholds as fit
from frontdesk_server.routing.references import ReferenceIndex, Scoring, parse_references


def fit_thresholds(
    references: Annotated[Path, typer.Option(help='JSON Lines of {"label", "text"}: the utterances per label.')],
    examples: Annotated[
        Path, typer.Option(help='JSON Lines of {"label", "text"}; label null for queries that belong nowhere.')
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
    try:
        table = load_default() if embedder is None else StaticEmbedder.load(embedder)
        known = parse_references(_lines(references))
        labelled = _examples(examples)
        index = ReferenceIndex(tuple(known), table.embed_many([r.text for r in known]), scoring, k)
        vectors = table.embed_many([text for text, _ in labelled])
        fitted = fit(index, vectors, [label for _, label in labelled], out_of_scope_weight=out_of_scope_weight)
    except (OSError, ValueError, EmbedderError) as error:
        typer.echo(f"fit-thresholds: {error}", err=True)
        raise typer.Exit(1) from error
    section = {"scoring": scoring, "k": k, "threshold": fitted.default_threshold, "thresholds": fitted.thresholds}
    figures = {
        "accuracy": fitted.accuracy,
        "accuracy_without_thresholds": fitted.accuracy_without_thresholds,
        "examples": fitted.examples,
        "out_of_scope_examples": fitted.out_of_scope_examples,
        "embedder": table.id,
    }
    if json_:
        typer.echo(json.dumps(section | figures, indent=2))
    else:
        typer.echo("".join(f"# {name}: {value}\n" for name, value in figures.items()), nl=False)
        typer.echo(yaml.safe_dump(section, sort_keys=False, allow_unicode=True), nl=False)


def _examples(path: Path) -> list[tuple[str, str | None]]:
    """Texts and their labels, None for out of scope. Raises ValueError with file and line."""
    examples: list[tuple[str, str | None]] = []
    for number, line in enumerate(_lines(path), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise ValueError(f"{path}:{number}: not JSON: {error}") from error
        match row:
            case {"text": str(text), "label": str() | None as label} if text:
                examples.append((text, label))
            case _:
                raise ValueError(f'{path}:{number}: expected {{"label": "…" or null, "text": "…"}}')
    return examples


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()
