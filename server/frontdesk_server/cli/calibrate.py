"""`frontdesk calibrate`: the cheapest policy whose loss is certified to stay under a limit."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import typer
from rich.console import Console

from frontdesk_server.cascades.artefact import KIND, load_cascade, read_kind, save_cascade
from frontdesk_server.domain.errors import FrontdeskError
from frontdesk_server.embedders import EmbedderError, load_default
from frontdesk_server.learning.calibrate import Calibrated, Procedure
from frontdesk_server.learning.calibrate import calibrate as certify
from frontdesk_server.learning.calibration_policies import cascade_policies, floor_policies, pair_policies
from frontdesk_server.learning.dataset import Dataset, DatasetError, read_dataset
from frontdesk_server.learning.recorded import record_answers
from frontdesk_server.predictor.artefact import Artefact, ArtefactError, default_artefact_path
from frontdesk_server.predictor.predict import Predictor


def calibrate(
    data: Annotated[list[Path], typer.Option(help="Outcomes that were not trained on: Parquet, JSON Lines or CSV.")],
    artefact: Annotated[Path | None, typer.Option(help="Artefact of train or cascade-fit.")] = None,
    router: Annotated[str | None, typer.Option(help="'default': the predictor that ships.")] = None,
    strong: Annotated[str | None, typer.Option(help="The strongest model (predictor artefacts).")] = None,
    weak: Annotated[str | None, typer.Option(help="Calibrate the threshold between this model and --strong.")] = None,
    pool: Annotated[str | None, typer.Option(help="Calibrate the quality floor over these models.")] = None,
    max_loss: Annotated[float, typer.Option(min=0.0, max=0.99, help="Quality that may be lost on average.")] = 0.02,
    confidence: Annotated[float, typer.Option(min=0.01, max=0.9999, help="Of the certificate.")] = 0.95,
    test: Annotated[Literal["betting", "hoeffding-bentkus", "binomial"], typer.Option(help="Test.")] = "betting",
    procedure: Annotated[Procedure, typer.Option(help="How many policies are tested.")] = "fixed-sequence",
    out: Annotated[Path | None, typer.Option(help="Where the certified artefact goes. Default: in place.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the order in which labels are looked at.")] = 0,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Certify the cheapest policy that loses at most --max-loss against the strongest model; exit code 3 if none.

    Example: frontdesk calibrate --data held-out.parquet --artefact cascade --max-loss 0.02 --confidence 0.95
    """
    options: dict[str, Any] = {
        "max_loss": max_loss,
        "confidence": confidence,
        "test": test,
        "procedure": procedure,
        "seed": seed,
    }
    try:
        source = _source(artefact, router)
        dataset, target = read_dataset(*data), out or source
        with Console(stderr=True).status("calibrating"):
            if read_kind(source) == KIND:
                result = _cascade(source, target, dataset, options)
            else:
                result = _predictor(source, target, dataset, strong, weak, pool, options)
    except (DatasetError, ArtefactError, EmbedderError, FrontdeskError, OSError) as error:
        typer.echo(f"calibrate: {error}", err=True)
        raise typer.Exit(1) from error
    _print(result, target, json_)
    if result.index == 0:
        raise typer.Exit(3)


def _source(artefact: Path | None, router: str | None) -> Path:
    if (artefact is None) == (router is None):
        raise DatasetError("either --artefact or --router is needed")
    if artefact is not None:
        return artefact
    if router != "default":
        raise DatasetError(f"unknown router {router!r}; known: default")
    return default_artefact_path()


def _cascade(source: Path, target: Path, dataset: Dataset, options: dict[str, Any]) -> Calibrated:
    fitted = load_cascade(source)
    data = record_answers(dataset, fitted.members.names, fitted.strongest, compare=fitted.compare, at_least=1)
    result = certify(
        cascade_policies(fitted, data), subject="cascade policy, by cost weight", data_sha256=data.sha256, **options
    )
    certificates = (*fitted.certificates, result.certificate.as_json())
    save_cascade(replace(fitted, chosen=result.index, certificates=certificates), target)
    return result


def _predictor(
    source: Path,
    target: Path,
    dataset: Dataset,
    strong: str | None,
    weak: str | None,
    pool: str | None,
    options: dict[str, Any],
) -> Calibrated:
    if strong is None or (weak is None) == (pool is None):
        raise DatasetError("a predictor needs --strong, and either --weak or --pool")
    artefact = Artefact.load(source)
    names = [name.strip() for name in (pool or weak or "").split(",") if name.strip() not in ("", strong)]
    models = [*names, strong]
    if unknown := [model for model in models if model not in artefact.models]:
        raise DatasetError(f"the artefact knows {', '.join(artefact.models)}; not {', '.join(unknown)}")
    chosen = dataset.select_models(models).complete()
    if not len(chosen):
        raise DatasetError("no query has an outcome of every one of these models")
    columns = [artefact.models.index(model) for model in models]
    predicted = Predictor(artefact, load_default()).predict_many(chosen.prompts).quality[:, columns]
    cost = _costs(chosen)
    if weak is not None:
        policies = pair_policies(predicted[:, 1] - predicted[:, 0], chosen.quality, cost)
        subject = f"{strong} instead of {weak}, by predicted gain"
    else:
        policies = floor_policies(predicted, chosen.quality, cost, cost.mean(axis=0))
        subject = f"quality floor over {', '.join(models)}"
    result = certify(policies, subject=subject, data_sha256=chosen.sha256, **options)
    artefact.with_certificate(result.certificate.as_json()).save(target)
    return result


def _costs(dataset: Dataset) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return what was paid; where the data has no costs, 1 for the strongest model, the last, and 0 for the others."""
    if not np.isnan(dataset.cost_nano_usd).any():
        return dataset.cost_nano_usd
    return np.tile(np.array([0.0] * (len(dataset.models) - 1) + [1.0]), (len(dataset), 1))


def _print(result: Calibrated, target: Path, as_json: bool) -> None:
    certificate = result.certificate
    if as_json:
        values = {
            **certificate.as_json(),
            "certified": result.index > 0,
            "more_labels_needed": result.more_labels_needed,
            "next_threshold": result.next_threshold,
            "out": str(target),
        }
        finite = {k: None if isinstance(v, float) and not np.isfinite(v) else v for k, v in values.items()}
        typer.echo(json.dumps(finite, indent=2))
        return
    confidence = f"{1 - certificate.delta:.1%} confidence ({certificate.n:,} queries, {certificate.test})"
    if result.index:
        typer.echo(
            f"Certified: at threshold {certificate.threshold:.4g} the loss is at most {certificate.max_loss:.2%} with "
            f"{confidence}.\nIt saves {certificate.cost_saved:.1%} of the cost; the loss seen here is "
            f"{certificate.observed_loss:.2%}. Written to {target}."
        )
    else:
        typer.echo(
            f"Nothing cheaper than the strongest model can be certified to lose at most {certificate.max_loss:.2%} "
            f"with {confidence}."
        )
    if result.more_labels_needed is not None:
        typer.echo(
            f"About {result.more_labels_needed:,} more labels like these would certify the next cheaper policy "
            f"(threshold {result.next_threshold:.4g})."
        )
    elif result.next_threshold is not None:
        typer.echo("More labels like these would not help: the next cheaper policy loses more than that.")
