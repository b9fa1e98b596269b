"""`frontdesk calibrate`: the cheapest policy whose loss is certified to stay under a limit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import typer

from frontdesk_server.artefacts.cascade.artefact import KIND, read_kind
from frontdesk_server.artefacts.embedders import EmbedderError
from frontdesk_server.artefacts.quality.artefact import Artefact, default_artefact_path
from frontdesk_server.cli.exit_codes import UNSUPPORTED
from frontdesk_server.cli.faults import foreseen
from frontdesk_server.cli.learning_access import RoutingConfigOption, embedder_of, listed
from frontdesk_server.cli.progress import progress_bar
from frontdesk_server.cli.saying import say
from frontdesk_server.config.offline import load_offline
from frontdesk_server.learning.calibration.artefacts import Certify, calibrate_cascade, calibrate_predictor
from frontdesk_server.learning.calibration.calibrate import Calibrated, Procedure
from frontdesk_server.learning.calibration.calibrate import calibrate as choose
from frontdesk_server.learning.data.dataset import Dataset, DatasetError, read_dataset
from frontdesk_server.learning.recorded.certification import SETTINGS, certify_router

_DEFAULT = "default"


def calibrate(
    data: Annotated[list[Path], typer.Option(help="Outcomes that were not trained on: Parquet, JSON Lines or CSV.")],
    artefact: Annotated[Path | None, typer.Option(help="Artefact of train or cascade-fit.")] = None,
    router: Annotated[
        str | None, typer.Option(help="Router of the configuration; without one `default`, the predictor that ships.")
    ] = None,
    config: RoutingConfigOption = None,
    strong: Annotated[
        str | None, typer.Option(help="Strongest model; of a configured router, by default its own.")
    ] = None,
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

    Of a configured router, the floor of its classifiers or the threshold of its cascade's checks is calibrated. What to
    set is printed; the configuration is not touched.

    Example: frontdesk calibrate --data held-out.parquet --router default --config frontdesk.yaml --max-loss 0.02
    """
    certify = partial(choose, max_loss=max_loss, confidence=confidence, test=test, procedure=procedure, seed=seed)
    settings: Mapping[str, float] = {}
    with foreseen("calibrate", EmbedderError):
        dataset = read_dataset(*data)
        if config is not None and router is not None and artefact is None:
            models = listed(pool or "") or tuple(model for model in (weak, strong) if model and weak)
            result, settings, target = _configured(config, dataset, router, models, strong or "", certify, out)
        else:
            source = _source(artefact, router)
            target = out or source
            with progress_bar("calibrating", None):
                if read_kind(source) == KIND:
                    result = calibrate_cascade(source, target, dataset, certify)
                else:
                    models, embedder = _models(source, strong, weak, pool), embedder_of(config)
                    pair = weak is not None
                    result = calibrate_predictor(source, target, dataset, embedder, models, certify, pair=pair)
    _print(result, target, settings, json_)
    if result.index == 0:
        raise typer.Exit(UNSUPPORTED)


def _configured(
    config: Path,
    dataset: Dataset,
    router: str,
    models: tuple[str, ...],
    strong: str,
    certify: Certify,
    out: Path | None,
) -> tuple[Calibrated, Mapping[str, float], Path | None]:
    loaded = load_offline(config)
    with progress_bar("calibrating", (SETTINGS + 1) * len(dataset)) as advance:
        found = certify_router(loaded, dataset, router, models, certify, strongest=strong, advance=advance)
    if found.artefact is None:
        return found.result, found.settings, None
    target = out or found.artefact
    Artefact.load(found.artefact).with_certificate(found.result.certificate.as_json()).save(target)
    return found.result, found.settings, target


def _source(artefact: Path | None, router: str | None) -> Path:
    if (artefact is None) == (router is None):
        raise typer.BadParameter("either --artefact or --router is needed")
    if artefact is not None:
        return artefact
    if router != _DEFAULT:
        raise typer.BadParameter(f"unknown router {router!r}; known without --config: {_DEFAULT}")
    return default_artefact_path()


def _models(source: Path, strong: str | None, weak: str | None, pool: str | None) -> tuple[str, ...]:
    """The models to calibrate among, the strongest last."""
    if strong is None or (weak is None) == (pool is None):
        raise typer.BadParameter("a predictor needs --strong, and either --weak or --pool")
    models = (*(name for name in listed(pool or weak or "") if name != strong), strong)
    known = Artefact.load(source).models
    if unknown := [model for model in models if model not in known]:
        raise DatasetError(f"the artefact knows {', '.join(known)}; not {', '.join(unknown)}")
    return models


def _print(result: Calibrated, target: Path | None, settings: Mapping[str, float], as_json: bool) -> None:
    certificate = result.certificate
    if as_json:
        values = {
            **certificate.as_json(),
            "certified": result.index > 0,
            "more_labels_needed": result.more_labels_needed,
            "next_threshold": result.next_threshold,
            "settings": dict(settings),
            "out": None if target is None else str(target),
        }
        finite = {k: None if isinstance(v, float) and not np.isfinite(v) else v for k, v in values.items()}
        say(json.dumps(finite, indent=2))
        return
    confidence = f"{1 - certificate.delta:.1%} confidence ({certificate.n:,} queries, {certificate.test})"
    if result.index:
        say(
            f"Certified: at threshold {certificate.threshold:.4g} the loss is at most {certificate.max_loss:.2%} with "
            f"{confidence}.\nIt saves {certificate.cost_saved:z.1%} of the cost; the loss seen here is "
            f"{certificate.observed_loss:z.2%}." + (f" Written to {target}." if target else "")
        )
        for place, value in settings.items():
            say(f"Set in the configuration, at {place}: {value:g}")
    else:
        say(
            f"Nothing cheaper than the strongest model can be certified to lose at most {certificate.max_loss:.2%} "
            f"with {confidence}."
        )
    if result.next_threshold is None:
        return
    following = f"the next cheaper policy (threshold {result.next_threshold:.4g})"
    if (needed := result.more_labels_needed) is not None:
        labels = f"About {needed:,} more {'label' if needed == 1 else 'labels'} like these"
        say(f"{labels} would certify {following} in four of five cases.")
    else:
        say(f"More labels like these would hardly certify {following}: its loss is above that or too close to it.")
