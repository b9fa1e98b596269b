"""`frontdesk evaluate`: what a router is worth on recorded outcomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.text import Text

from frontdesk_server.artefacts.cascade.artefact import KIND as CASCADE
from frontdesk_server.artefacts.cascade.artefact import load_cascade, read_kind
from frontdesk_server.artefacts.quality import Artefact, Predictor, default_artefact_path
from frontdesk_server.cli.compared import compared_table, tell_verdicts
from frontdesk_server.cli.exit_codes import UNSUPPORTED
from frontdesk_server.cli.learning_access import RoutingConfigOption, embedder_of, listed, nearness_of
from frontdesk_server.cli.progress import progress_bar
from frontdesk_server.cli.saying import say
from frontdesk_server.cli.tables import Column, console, table
from frontdesk_server.config.loading import LoadedConfig
from frontdesk_server.config.offline import load_offline
from frontdesk_server.domain.money import PER_THOUSAND, per_thousand
from frontdesk_server.learning.cascades.evaluation import evaluate_cascade
from frontdesk_server.learning.data.dataset import Dataset, read_dataset
from frontdesk_server.learning.evaluation.added import verdicts
from frontdesk_server.learning.evaluation.comparable import NotComparable
from frontdesk_server.learning.evaluation.estimates import Evaluation
from frontdesk_server.learning.evaluation.evaluate import evaluate_pair, evaluate_pool
from frontdesk_server.learning.evaluation.neighbours import neighbours_of
from frontdesk_server.learning.evaluation.plain_routers import (
    CLASSIFIER,
    PLAIN_ROUTERS,
    is_training_data,
    plain_qualities,
    predicted_qualities,
)
from frontdesk_server.learning.evaluation.router_evaluation import evaluate_router
from frontdesk_server.learning.recorded.trial import Trial, candidates, try_routers

_DEFAULT = "default"
_MOST_CURVES = 8
"""Figures that are resampled for their intervals, of the kind of evaluation that has most of them."""


def evaluate(
    data: Annotated[list[Path], typer.Option(help="Outcomes, or a directory of RouteLLM's recorded responses.")],
    artefact: Annotated[
        Path | None, typer.Option(help="Artefact of `frontdesk train` or `frontdesk cascade-fit`.")
    ] = None,
    router: Annotated[
        str, typer.Option(help=f"Router of the configuration, or one of {', '.join(PLAIN_ROUTERS)}.")
    ] = "",
    config: RoutingConfigOption = None,
    learned: Annotated[
        list[Path] | None,
        typer.Option(
            "--learned-from",
            help="Outcomes that nearest neighbours learn from, as the training did; else other folds of --data.",
        ),
    ] = None,
    strong: Annotated[str, typer.Option(help="Strong model of a pair.")] = "",
    weak: Annotated[str, typer.Option(help="Weak model of a pair.")] = "",
    pool: Annotated[str, typer.Option(help="Models of a pool, separated by commas, instead of a pair.")] = "",
    out: Annotated[Path | None, typer.Option(help="Directory for evaluation.json and the curves.")] = None,
    resamples: Annotated[int, typer.Option(min=2, help="Bootstrap resamples behind each interval.")] = 500,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Draw the cost-quality curve of a router beside random, prompt length, nearest neighbours and the oracle.

    Example: frontdesk evaluate --data dev.parquet --artefact artefacts/mine --strong large --weak small --out plots

    A router of a configuration is asked about every query, without calling a model; --pool, or --strong and --weak,
    narrow the models that it may choose among.

    Example: frontdesk evaluate --data dev.parquet --router default --config frontdesk.yaml
    """
    if out is not None:
        from frontdesk_server.learning.evaluation.plots import draw_curves  # missing is said before the work

    dataset = read_dataset(*data)
    try:
        past = read_dataset(*learned) if learned else None
        found = _evaluated(dataset, past, artefact, router, config, (strong, weak, pool), resamples, seed)
    except NotComparable as error:
        say(f"evaluate: {error}", err=True)
        raise typer.Exit(UNSUPPORTED) from error
    found.result["verdicts"] = verdicts(found.result)
    if out is not None:
        title = f"{found.subject} of {', '.join(path.stem for path in data)}"
        found.result["plots"] = [str(path) for path in draw_curves(found, out, "curves", title)]
        written = {**found.result, "drawn": found.document()}
        (out / "evaluation.json").write_bytes(orjson.dumps(written, option=orjson.OPT_INDENT_2))
    if as_json:
        say(orjson.dumps(found.result).decode())
    else:
        _show(found, console())


def _evaluated(
    dataset: Dataset,
    past: Dataset | None,
    artefact: Path | None,
    router: str,
    config: Path | None,
    models: tuple[str, str, str],
    resamples: int,
    seed: int,
) -> Evaluation:
    """Evaluate with the models of the options --strong, --weak and --pool."""
    strong, weak, pool = models
    if artefact is not None and router not in ("", CLASSIFIER):
        raise typer.BadParameter("--artefact is what is evaluated: give one of both", param_hint="--router")
    names = listed(pool) or tuple(name for name in (strong, weak) if name)
    loaded = None if config is None else load_offline(config)
    configured = loaded is not None and artefact is None and _is_configured(loaded, router)
    ask = partial(neighbours_of, embedder=nearness_of(loaded), past=past, seed=seed)
    steps = _MOST_CURVES * resamples + (len(dataset) if configured else 0)
    with progress_bar("evaluating", steps) as advance:
        options: dict[str, Any] = {"resamples": resamples, "seed": seed, "advance": advance}
        if loaded is not None and configured:
            wanted = names if pool or len(names) > 1 else ()
            chosen, trial = _tried(loaded, dataset, router or _DEFAULT, wanted, strong, advance)
            options |= {"neighbours": ask(chosen), "no_curve": trial.no_curve}
            return evaluate_router(chosen, trial.run, trial.outcomes, **options)
        if artefact is not None and read_kind(artefact) == CASCADE:
            if names:
                raise typer.BadParameter("a cascade asks its own models: leave out --strong, --weak and --pool")
            cascade = load_cascade(artefact)
            nearby = ask(dataset.select_models((*cascade.members.names, cascade.strongest)))
            return evaluate_cascade(dataset, cascade, neighbours=nearby, **options)
        if not (pool or (strong and weak)):
            raise typer.BadParameter("name --strong and --weak, or --pool")
        learned = _learned(artefact, router or CLASSIFIER)
        chosen = dataset.select_models(names)
        if learned is None:
            predicted = plain_qualities(chosen, names, router, seed)
        else:
            predicted = predicted_qualities(chosen, names, Predictor(learned, embedder_of(config)))
        options["neighbours"] = ask(chosen)
        if pool:
            found = evaluate_pool(chosen, names, predicted, **options)
        else:
            found = evaluate_pair(chosen, strong, weak, predicted[:, 0] - predicted[:, 1], **options)
        found.result["learned_from_these"] = learned is not None and is_training_data(dataset, learned)
        return found


def _is_configured(loaded: LoadedConfig, router: str) -> bool:
    """Whether the name is for the configuration to know: a router of the configuration hides a plain one."""
    return router in loaded.config.routers or router not in PLAIN_ROUTERS


def _tried(
    loaded: LoadedConfig,
    dataset: Dataset,
    router: str,
    wanted: tuple[str, ...],
    strong: str,
    advance: Callable[[int], None],
) -> tuple[Dataset, Trial]:
    """The models that a router may choose among, and what it did."""
    models = candidates(loaded.config, dataset, router, wanted)
    (trial,) = try_routers(loaded, dataset, [router], models, strongest=strong, advance=advance)
    return dataset.select_models(models), trial


def _learned(artefact: Path | None, router: str) -> Artefact | None:
    """The artefact to evaluate, None for a plain router that has none."""
    if artefact is None and router not in PLAIN_ROUTERS:
        raise typer.BadParameter(
            f"unknown router {router!r}; without --config known: {', '.join(PLAIN_ROUTERS)}", param_hint="--router"
        )
    return None if artefact is None and router != CLASSIFIER else Artefact.load(artefact or default_artefact_path())


def _show(found: Evaluation, screen: Console) -> None:
    screen.print(compared_table(found.result, screen.width))
    screen.print(Text(_point(found.result)))
    singles = [
        (model, f"{alone['quality']:.3f}", per_thousand(alone["cost"]))
        for model, alone in found.result["models"].items()
    ]
    columns = [Column("always", head=True), Column("quality", right=True), Column(PER_THOUSAND, right=True)]
    screen.print(table(columns, singles, screen.width))
    screen.print(f"\n{found.result['queries']:,} queries; in brackets 95 % bootstrap intervals")
    tell_verdicts(found.result, screen)
    for plan, count in found.result.get("without_outcome", {}).items():
        screen.print(Text(f"Left out: {count:,} queries that go to {plan}, whose outcome is not recorded."))
    if found.result.get("no_curve"):
        screen.print(Text(f"No curve: {found.result['no_curve']}."))


def _point(result: Mapping[str, Any]) -> str:
    """Which points the rows of quality and cost are."""
    if result["kind"] in ("router", "cascade"):
        own = "the router's own choices" if result["kind"] == "router" else "the setting that was chosen"
        return f"Quality and cost: of {own}; of all others the best at no more than that cost."
    model = result["strong"] if result["kind"] == "pair" else result["best_single"]
    return f"Quality and cost: where each first reaches the quality of {model} alone for less; else those of {model}."
