"""`frontdesk evaluate`: what a router is worth on recorded outcomes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import orjson
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from frontdesk_server.cascades.artefact import KIND as CASCADE
from frontdesk_server.cascades.artefact import load_cascade, read_kind
from frontdesk_server.embedders import load_default
from frontdesk_server.learning.cascade_evaluation import evaluate_cascade
from frontdesk_server.learning.dataset import Dataset, read_dataset
from frontdesk_server.learning.estimates import Evaluation
from frontdesk_server.learning.evaluate import evaluate_pair, evaluate_pool
from frontdesk_server.learning.plots import draw_curves
from frontdesk_server.predictor import Artefact, Predictor, default_artefact_path

_ROUTERS = ("classifier", "prompt-length", "random")
_CURVES_WITH_INTERVALS = 3
_CASCADE_CURVES_WITH_INTERVALS = 5


def evaluate(
    data: Annotated[list[Path], typer.Option(help="Outcomes, or a directory of RouteLLM's recorded responses.")],
    artefact: Annotated[
        Path | None, typer.Option(help="Artefact of `frontdesk train` or `frontdesk cascade-fit`.")
    ] = None,
    router: Annotated[
        str, typer.Option(help=f"Router without an artefact of its own: {', '.join(_ROUTERS)}.")
    ] = "classifier",
    strong: Annotated[str, typer.Option(help="Strong model of a pair.")] = "",
    weak: Annotated[str, typer.Option(help="Weak model of a pair.")] = "",
    pool: Annotated[str, typer.Option(help="Models of a pool, separated by commas, instead of a pair.")] = "",
    out: Annotated[Path | None, typer.Option(help="Directory for evaluation.json and the curves.")] = None,
    resamples: Annotated[int, typer.Option(min=2, help="Bootstrap resamples behind each interval.")] = 500,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Draw the cost-quality curve of a router beside random, prompt length, every single model and the oracle.

    Example: frontdesk evaluate --data dev.parquet --artefact artefacts/mine --strong large --weak small --out plots
    """
    dataset = read_dataset(*data)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("resampling", total=None)

        def advance(steps: int) -> None:
            progress.advance(task, steps)

        if artefact is not None and read_kind(artefact) == CASCADE:
            cascade = load_cascade(artefact)
            progress.update(task, total=_CASCADE_CURVES_WITH_INTERVALS * resamples)
            found = evaluate_cascade(dataset, cascade, resamples=resamples, seed=seed, advance=advance)
        else:
            names = tuple(name.strip() for name in pool.split(",") if name.strip()) or (strong, weak)
            if not all(names):
                raise typer.BadParameter("name --strong and --weak, or --pool")
            dataset = dataset.select_models(names)
            predicted = _predicted(dataset, names, artefact, router, seed)
            progress.update(task, total=_CURVES_WITH_INTERVALS * resamples)
            if pool:
                found = evaluate_pool(dataset, names, predicted, resamples=resamples, seed=seed, advance=advance)
            else:
                score = predicted[:, 0] - predicted[:, 1]
                found = evaluate_pair(dataset, strong, weak, score, resamples=resamples, seed=seed, advance=advance)
    if out is not None:
        title = ", ".join(path.stem for path in data)
        found.result["plots"] = [str(path) for path in draw_curves(found, out, "curves", title)]
        (out / "evaluation.json").write_bytes(orjson.dumps(found.result, option=orjson.OPT_INDENT_2))
    if as_json:
        typer.echo(orjson.dumps(found.result).decode())
    else:
        _show(found, Console())


def _predicted(
    dataset: Dataset, names: tuple[str, ...], artefact: Path | None, router: str, seed: int
) -> NDArray[np.float64]:
    """Return the quality that the router expects, [n, len(names)]."""
    if artefact is None and router in ("random", "prompt-length"):
        rng = np.random.default_rng(seed)
        lengths = np.array([float(len(prompt)) for prompt in dataset.prompts])
        score = rng.random(len(dataset)) if router == "random" else lengths / lengths.max()
        # The first of a pair is the strong model; in a pool, the later a model is named the less it gains.
        return score[:, None] * np.linspace(1.0, 0.0, len(names))
    if artefact is None and router != "classifier":
        raise typer.BadParameter(f"unknown router {router!r}; known: {', '.join(_ROUTERS)}", param_hint="--router")
    predictor = Predictor(Artefact.load(artefact or default_artefact_path()), load_default())
    if absent := [name for name in names if name not in predictor.models]:
        raise typer.BadParameter(
            f"the artefact does not know {', '.join(absent)}; it knows: {', '.join(predictor.models)}",
            param_hint="--artefact",
        )
    columns = [predictor.models.index(name) for name in names]
    return np.asarray(predictor.predict_many(dataset.prompts).quality[:, columns], dtype=np.float64)


def _show(found: Evaluation, console: Console) -> None:
    router = found.result["router"]
    known = ("apgr", "cpt20", "cpt50", "cpt80", "cost_saved_at_equal_quality", "cost_saved_at_max_loss", "quality_loss")
    keys = [key for key in (*known, "quality", "cost") if key in router]
    table = Table("", *keys, box=None, header_style="bold")
    for name, figures in {"router": router, **found.result["baselines"]}.items():
        table.add_row(name, *(_shown(figures.get(key)) for key in keys))
    console.print(table)
    singles = Table("always", "quality", "mean cost, nano-USD", box=None, header_style="bold")
    for model, figures in found.result["models"].items():
        cost = figures["cost"]
        singles.add_row(model, f"{figures['quality']:.3f}", "unknown" if cost is None else f"{cost:,.0f}")
    console.print(singles)
    console.print(f"\n{found.result['queries']:,} queries; in brackets 95 % bootstrap intervals")


def _shown(figure: dict[str, Any] | None) -> str:
    if figure is None or figure["value"] is None:
        return "-"
    interval = figure["ci95"]
    return f"{figure['value']:,.3g}" + (f" [{interval[0]:,.3g}, {interval[1]:,.3g}]" if interval else "")
