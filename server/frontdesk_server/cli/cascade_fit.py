"""`frontdesk cascade-fit`: members, order and thresholds of a cascade from recorded answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.progress import Progress

from frontdesk_server.artefacts.cascade.artefact import save_cascade
from frontdesk_server.artefacts.cascade.policy import CascadePolicy, FittedCascade
from frontdesk_server.artefacts.embedders import load_default
from frontdesk_server.cli.compared import compared_table, tell_verdicts
from frontdesk_server.cli.faults import foreseen
from frontdesk_server.cli.saying import say
from frontdesk_server.cli.tables import Column, console, table
from frontdesk_server.learning.cascades.fit import CascadeFitOptions
from frontdesk_server.learning.cascades.fit import fit_cascade as fit
from frontdesk_server.learning.data.dataset import read_dataset
from frontdesk_server.learning.evaluation.added import verdicts
from frontdesk_server.learning.evaluation.neighbours import neighbours_of


def cascade_fit(
    data: Annotated[list[Path], typer.Option(help="Outcomes with answers or responses: Parquet, JSON Lines or CSV.")],
    pool: Annotated[str, typer.Option(help="Cheap models that may be asked, separated by commas.")],
    strong: Annotated[str, typer.Option(help="The strongest model, asked when no cheap answer is accepted.")],
    out: Annotated[Path, typer.Option(help="Directory for the artefact.")],
    max_loss: Annotated[float, typer.Option(min=0.0, max=1.0, help="Quality that may be lost on average.")] = 0.005,
    compare: Annotated[
        Literal["auto", "number", "option", "json", "code", "text"], typer.Option(help="How answers are compared.")
    ] = "auto",
    max_steps: Annotated[int, typer.Option(min=1, max=6, help="Cheap models asked at most.")] = 4,
    folds: Annotated[int, typer.Option(min=2, help="Folds of the cross-validation.")] = 5,
    repeats: Annotated[int, typer.Option(min=1, help="Cross-validations, averaged.")] = 6,
    seed: Annotated[int, typer.Option(help="Seed of the splits.")] = 0,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Fit the cheapest cascade whose answers lose no more than --max-loss against the strongest model.

    Example: frontdesk cascade-fit --data answers.parquet --pool small,mid --strong frontier --out cascade
    """
    options = CascadeFitOptions(
        max_loss=max_loss,
        max_steps=tuple(sorted({max(1, max_steps - 1), max_steps})),
        folds=folds,
        repeats=repeats,
        compare=compare,
        seed=seed,
    )
    with foreseen("cascade-fit"):
        dataset = read_dataset(*data)
        members = [name.strip() for name in pool.split(",") if name.strip()]
        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("cross-validating", total=None)
            fitted = fit(
                dataset,
                members,
                strong,
                options,
                lambda done, total: progress.update(task, completed=done, total=total),
                neighbours=neighbours_of(
                    dataset.select_models(tuple(dict.fromkeys((*members, strong)))), load_default(), None, seed
                ),
            )
        save_cascade(fitted, out)
    if json_:
        say(json.dumps(_summary(fitted, out), indent=2))
    else:
        _show(fitted, out, console())


def _summary(fitted: FittedCascade, out: Path) -> dict[str, Any]:
    return {
        "out": str(out),
        "strongest": fitted.strongest,
        "max_loss": fitted.max_loss,
        **_point(fitted.policy),
        "chosen": fitted.chosen,
        "policies": [_point(policy) for policy in fitted.policies],
        **fitted.details,
        "verdicts": verdicts(fitted.details) if "routing_adds" in fitted.details else [],
    }


def _point(policy: CascadePolicy) -> dict[str, Any]:
    return {
        "order": [step.model for step in policy.steps],
        "expected": dict(policy.estimate),
        "steps": [
            {"model": s.model, "accept_at_most": _finite(s.accept_at_most), "escalate_above": _finite(s.escalate_above)}
            for s in policy.steps
        ],
        "escalate_above_difficulty": _finite(policy.escalate_above_difficulty),
    }


def _finite(value: float) -> float | None:
    """JSON knows no infinity: a threshold that nothing passes, or that nothing exceeds, is null."""
    return value if abs(value) < float("inf") else None


def _threshold(value: float) -> str:
    return f"{value:.3f}" if abs(value) < float("inf") else "any" if value > 0 else "none"


def _show(fitted: FittedCascade, out: Path, screen: Console) -> None:
    columns = (
        Column("", head=True),
        Column("order", head=True),
        Column("accepted up to"),
        Column("tried up to difficulty", right=True),
        Column("cost saved", right=True),
        Column("held-out loss", right=True),
    )
    rows = [
        (
            "chosen" if number == fitted.chosen else "",
            ", ".join(step.model for step in policy.steps) or f"{fitted.strongest} alone",
            ", ".join(_threshold(step.accept_at_most) for step in policy.steps) or "-",
            _threshold(policy.escalate_above_difficulty) if policy.steps else "-",
            f"{policy.estimate['saved']:z.1%}",
            f"{policy.estimate['loss_observed']:z.2%} ± {policy.estimate['loss_error']:.2%}",
        )
        for number, policy in enumerate(fitted.policies)
    ]
    screen.print(table(columns, rows, screen.width))
    if not fitted.policy.steps:
        screen.print(
            f"\nNo cascade is expected to lose at most {fitted.max_loss:.2%}; {fitted.strongest} answers alone."
        )
    if "baselines" in fitted.details:
        screen.print(
            f"\nBeside what it must beat at its cost, on held-out queries, for a loss of {fitted.max_loss:.2%}:"
        )
        screen.print(compared_table(fitted.details, screen.width))
        tell_verdicts(fitted.details, screen)
    screen.print(
        "\nAn answer is accepted where the strongest model is predicted to add no more than that to its quality."
    )
    screen.print(f"\nWritten to {out}. {fitted.details['protocol']}, {fitted.details['queries']} queries.")
