"""A fitted cascade at rest: a directory with ``artefact.json`` (kind ``cascade``) and ``arrays.npz``, checksummed.

``artefact.json`` names the strongest model, the members, how answers are compared, every policy's order of asking,
which policy was chosen, from what it was fitted, and its certificates. The arrays are the difficulty model
(``structure_mean|scale|weights``, ``word_idf|weights``, ``difficulty_units``), the members (``member_weights``,
``log_cost_mean|scale``, ``answer_size_units``), the scorer (``score_mean|scale|better|worse``), how able the models
are (``abilities``, ``ability_units``; absent from format 2) and the thresholds (``thresholds`` [steps of all policies,
2] accept at most and escalate above, ``difficulty_limits`` [policies]).
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from frontdesk_server.artefacts.cascade.abilities import AbilityModel
from frontdesk_server.artefacts.cascade.difficulty import BUCKETS, STRUCTURE_NAMES, DifficultyModel
from frontdesk_server.artefacts.cascade.policy import CascadePolicy, CascadeStep, FittedCascade, LossScorer, Members
from frontdesk_server.artefacts.cascade.state import FEATURES, feature_count
from frontdesk_server.artefacts.quality.artefact import ARRAYS, MANIFEST, ArtefactError
from frontdesk_server.domain.unusable import in_words
from frontdesk_server.judging.answers import Compare

__all__ = ["KIND", "load_cascade", "read_kind", "save_cascade"]

FORMAT_VERSION = 3
_READABLE = (2, FORMAT_VERSION)
KIND = "cascade"


def save_cascade(cascade: FittedCascade, directory: Path) -> None:
    """Write both files; an artefact that stood there is replaced."""
    directory.mkdir(parents=True, exist_ok=True)
    buffer = BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **_arrays(cascade))
    manifest = {
        "format_version": FORMAT_VERSION,
        "kind": KIND,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "strongest": cascade.strongest,
        "members": cascade.members.names,
        "compare": cascade.compare,
        "max_loss": cascade.max_loss,
        "chosen": cascade.chosen,
        "policies": [
            {
                "order": [step.model for step in policy.steps],
                "cost_weight": policy.cost_weight,
                "estimate": dict(policy.estimate),
            }
            for policy in cascade.policies
        ],
        "features": {"structure": STRUCTURE_NAMES, "state": FEATURES},
        "details": dict(cascade.details),
        "certificates": [dict(certificate) for certificate in cascade.certificates],
        "checksums": {ARRAYS: hashlib.sha256(buffer.getvalue()).hexdigest()},
    }
    (directory / ARRAYS).write_bytes(buffer.getvalue())
    (directory / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def read_kind(directory: Path) -> str:
    """Return the kind of the artefact in a directory. Raises ArtefactError."""
    return str(_read_manifest(directory).get("kind"))


def load_cascade(directory: Path) -> FittedCascade:
    """Read and verify a fitted cascade. Raises ArtefactError."""
    manifest = _read_manifest(directory)
    if manifest.get("kind") != KIND or manifest.get("format_version") not in _READABLE:
        raise ArtefactError(
            f"{directory}: holds a {manifest.get('kind')} of format {manifest.get('format_version')}, "
            f"not a {KIND} of format {' or '.join(map(str, _READABLE))}"
        )
    try:
        content = (directory / ARRAYS).read_bytes()
        if hashlib.sha256(content).hexdigest() != manifest["checksums"][ARRAYS]:
            raise ArtefactError(f"{directory / ARRAYS}: the checksum differs from the manifest's; copy it anew")
        with np.load(BytesIO(content), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        if manifest["features"] != {"structure": list(STRUCTURE_NAMES), "state": list(FEATURES)}:
            raise ArtefactError(f"{directory}: fitted on other features than this version reads; fit it again")
        return _assemble(manifest, arrays)
    except (OSError, KeyError, TypeError, ValueError, IndexError, zipfile.BadZipFile) as error:
        raise ArtefactError(f"{directory}: not a readable cascade: {error!r}") from error


def _read_manifest(directory: Path) -> Mapping[str, Any]:
    try:
        manifest = json.loads((directory / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ArtefactError(f"{directory}: holds no {MANIFEST}") from error
    except (OSError, ValueError) as error:
        raise ArtefactError(f"{directory / MANIFEST}: not readable: {in_words(error)}") from error
    if not isinstance(manifest, dict):
        raise ArtefactError(f"{directory / MANIFEST}: not an object")
    return manifest


def _arrays(cascade: FittedCascade) -> dict[str, NDArray[Any]]:
    difficulty, members, scorer = cascade.difficulty, cascade.members, cascade.scorer
    steps = [(step.accept_at_most, step.escalate_above) for policy in cascade.policies for step in policy.steps]
    arrays = {
        "structure_mean": difficulty.structure_mean,
        "structure_scale": difficulty.structure_scale,
        "structure_weights": difficulty.structure_weights,
        "word_idf": difficulty.word_idf,
        "word_weights": difficulty.word_weights,
        "difficulty_units": np.array([difficulty.mean, difficulty.scale]),
        "member_weights": members.weights,
        "log_cost_mean": members.log_cost_mean,
        "log_cost_scale": members.log_cost_scale,
        "answer_size_units": np.array([members.size_mean, members.size_scale]),
        "score_mean": scorer.mean,
        "score_scale": scorer.scale,
        "score_better": scorer.better,
        "score_worse": scorer.worse,
        "thresholds": np.array(steps, dtype=np.float64).reshape(-1, 2),
        "difficulty_limits": np.array([policy.escalate_above_difficulty for policy in cascade.policies]),
    }
    if able := cascade.abilities:
        arrays["abilities"] = able.abilities
        arrays["ability_units"] = np.array([able.difficulty_weight, able.spread, able.coincidence])
    return arrays


def _assemble(manifest: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> FittedCascade:
    names = tuple(manifest["members"])
    _check_names(manifest, names)
    _check_shapes(arrays, len(names))
    thresholds = iter(arrays["thresholds"].tolist())
    policies = tuple(
        CascadePolicy(
            tuple(CascadeStep(model, *next(thresholds)) for model in policy["order"]),
            float(limit),
            float(policy["cost_weight"]),
            policy["estimate"],
        )
        for policy, limit in zip(manifest["policies"], arrays["difficulty_limits"], strict=True)
    )
    return FittedCascade(
        strongest=manifest["strongest"],
        members=Members(
            names,
            arrays["member_weights"],
            arrays["log_cost_mean"],
            arrays["log_cost_scale"],
            *map(float, arrays["answer_size_units"]),
        ),
        compare=manifest["compare"],
        difficulty=DifficultyModel(
            arrays["structure_mean"],
            arrays["structure_scale"],
            arrays["structure_weights"],
            arrays["word_idf"],
            arrays["word_weights"],
            *map(float, arrays["difficulty_units"]),
        ),
        scorer=LossScorer(*(arrays[f"score_{part}"] for part in ("mean", "scale", "better", "worse"))),
        policies=policies,
        chosen=range(len(policies))[manifest["chosen"]],
        max_loss=float(manifest["max_loss"]),
        abilities=AbilityModel(arrays["abilities"], *map(float, arrays["ability_units"]))
        if "abilities" in arrays
        else None,
        details=manifest["details"],
        certificates=tuple(manifest["certificates"]),
    )


def _check_names(manifest: Mapping[str, Any], members: Sequence[str]) -> None:
    if manifest["compare"] not in get_args(Compare):
        raise ValueError(f"answers cannot be compared by {manifest['compare']!r}")
    strangers = {model for policy in manifest["policies"] for model in policy["order"]}.difference(members)
    if strangers:
        raise ValueError(f"its policies ask {', '.join(sorted(strangers))}, not among its members")


def _check_shapes(arrays: Mapping[str, NDArray[Any]], members: int) -> None:
    expected = {
        **dict.fromkeys(("structure_mean", "structure_scale", "structure_weights"), (len(STRUCTURE_NAMES),)),
        **dict.fromkeys(("word_idf", "word_weights"), (BUCKETS,)),
        **dict.fromkeys(("member_weights", "log_cost_mean", "log_cost_scale"), (members,)),
        **dict.fromkeys(("score_mean", "score_scale"), (feature_count(members),)),
        **dict.fromkeys(("score_better", "score_worse"), (feature_count(members) + 1,)),
    }
    if "abilities" in arrays:
        expected |= {"abilities": (members + 1,), "ability_units": (3,)}
    for name, shape in expected.items():
        if arrays[name].shape != shape:
            raise ValueError(f"array {name} has shape {arrays[name].shape}, not {shape}")
