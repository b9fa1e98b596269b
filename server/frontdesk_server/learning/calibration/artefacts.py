"""Calibrates an artefact by itself, without a configuration: a cascade, or a predictor's threshold or floor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np

from frontdesk_server.artefacts.cascade.artefact import load_cascade, save_cascade
from frontdesk_server.artefacts.embedders import Embedder
from frontdesk_server.artefacts.quality import Artefact, Predictor
from frontdesk_server.learning.calibration.calibrate import Calibrated, Policies
from frontdesk_server.learning.calibration.policies import cascade_policies, floor_policies, pair_policies
from frontdesk_server.learning.data.dataset import Dataset, DatasetError
from frontdesk_server.learning.data.recorded import record_answers
from frontdesk_server.learning.evaluation.plain_routers import predicted_qualities

__all__ = ["Certify", "calibrate_cascade", "calibrate_predictor", "costs_or_calls"]


class Certify(Protocol):
    """`calibrate.calibrate` with its limit, confidence, test, procedure and seed filled in."""

    def __call__(self, policies: Policies, *, subject: str, data_sha256: str) -> Calibrated:
        """Choose the cheapest policy that can be certified."""


def calibrate_cascade(source: Path, target: Path, dataset: Dataset, certify: Certify) -> Calibrated:
    """Certify a policy of a fitted cascade and write it, chosen and with its certificate, to `target`.

    Raises ArtefactError, and DatasetError where models, answers or costs are missing.
    """
    fitted = load_cascade(source)
    data = record_answers(dataset, fitted.members.names, fitted.strongest, compare=fitted.compare, at_least=1)
    policies = cascade_policies(fitted, data)
    result = certify(policies, subject="cascade policy, by cost weight", data_sha256=data.sha256)
    certificates = (*fitted.certificates, result.certificate.as_json())
    save_cascade(replace(fitted, chosen=result.index, certificates=certificates), target)
    return result


def calibrate_predictor(
    source: Path,
    target: Path,
    dataset: Dataset,
    embedder: Embedder,
    models: Sequence[str],
    certify: Certify,
    *,
    pair: bool,
) -> Calibrated:
    """Certify a predictor's threshold between a `pair`, weak model first, or its floor over `models`, strongest last.

    Writes it with its certificate to `target`. Raises ArtefactError, and DatasetError where a model is missing.
    """
    artefact = Artefact.load(source)
    chosen = dataset.select_models(models).complete()
    if not len(chosen):
        raise DatasetError("no query has an outcome of every one of these models")
    predicted = predicted_qualities(chosen, models, Predictor(artefact, embedder))
    cost = costs_or_calls(chosen, models, models[-1]).cost_nano_usd
    if pair:
        policies = pair_policies(predicted[:, 1] - predicted[:, 0], chosen.quality, cost)
        subject = f"{models[1]} instead of {models[0]}, by predicted gain"
    else:
        policies = floor_policies(predicted, chosen.quality, cost, cost.mean(axis=0))
        subject = f"quality floor over {', '.join(models)}"
    result = certify(policies, subject=subject, data_sha256=chosen.sha256)
    artefact.with_certificate(result.certificate.as_json()).save(target)
    return result


def costs_or_calls(dataset: Dataset, models: Sequence[str], strongest: str) -> Dataset:
    """Return the data; where it lacks costs of these models, a call of the strongest costs 1 and all else 0."""
    columns = [dataset.model_index(model) for model in models]
    if not np.isnan(dataset.cost_nano_usd[:, columns]).any():
        return dataset
    calls = np.zeros(dataset.quality.shape)
    calls[:, dataset.model_index(strongest)] = 1.0
    return replace(dataset, cost_nano_usd=calls, check_cost_nano_usd=np.zeros(calls.shape))
