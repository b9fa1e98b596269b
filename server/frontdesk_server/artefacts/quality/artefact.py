"""The artefact: a directory with ``artefact.json`` and ``arrays.npz``, checksummed, readable without any pickle.

``artefact.json`` says what it is (format version, kind, when and from which data it came, embedder id and dimension,
feature specification, models, training metrics) and carries the SHA-256 of ``arrays.npz``. docs/artefacts.md names
every field and array.
"""

import hashlib
import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from frontdesk_server.artefacts.quality.drift import ScoreProfile
from frontdesk_server.artefacts.quality.features import FeatureSpec
from frontdesk_server.artefacts.quality.signals import SIGNAL_NAMES
from frontdesk_server.domain.errors import FrontdeskError
from frontdesk_server.domain.unusable import in_words

__all__ = ["Artefact", "ArtefactError", "EmbedderMismatchError", "artefact_path", "default_artefact_path"]

FORMAT_VERSION = 1
KIND = "quality-predictor"
DEFAULT_NAME = "default"
MANIFEST, ARRAYS = "artefact.json", "arrays.npz"


class ArtefactError(FrontdeskError):
    """An artefact is absent, damaged, or of another kind or version; the message says which and what to do."""


class EmbedderMismatchError(ArtefactError):
    """The artefact was trained on vectors of another embedder than the configured one."""


@dataclass(frozen=True, slots=True, eq=False)
class Artefact:
    """A trained predictor at rest; :class:`frontdesk_server.artefacts.quality.predict.Predictor` puts it to work."""

    models: tuple[str, ...]
    embedder_id: str
    embedder_dimension: int
    features: FeatureSpec
    arrays: Mapping[str, NDArray[Any]]
    has_tasks: bool = False
    """Whether it carries the heads for task and difficulty."""
    data_sha256: str = ""
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    metrics: Mapping[str, Any] = field(default_factory=dict)
    """What training measured on rows held out of it."""
    certificates: tuple[Mapping[str, Any], ...] = ()
    """Written by ``frontdesk calibrate``."""
    score_profiles: Mapping[str, ScoreProfile] = field(default_factory=dict)
    """By model, of the predictions held out of training; absent for models that drift cannot be told of."""

    def check_embedder(self, embedder_id: str) -> None:
        """Raise EmbedderMismatchError unless the artefact was trained with this embedder."""
        if embedder_id != self.embedder_id:
            raise EmbedderMismatchError(
                f"the artefact was trained with embedder {self.embedder_id!r}, the configured one is {embedder_id!r}: "
                "configure that embedder, or train again with `frontdesk train`"
            )

    def with_certificate(self, certificate: Mapping[str, Any]) -> "Artefact":
        """Return the artefact with one more certificate; the arrays stay as they are."""
        return replace(self, certificates=(*self.certificates, certificate))

    def save(self, directory: Path) -> None:
        """Write both files; an artefact that stood there is replaced."""
        directory.mkdir(parents=True, exist_ok=True)
        buffer = BytesIO()
        arrays: dict[str, Any] = {name: self.arrays[name] for name in sorted(self.arrays)}
        np.savez_compressed(buffer, **arrays)
        content = buffer.getvalue()
        manifest = {
            "format_version": FORMAT_VERSION,
            "kind": KIND,
            "created": self.created.isoformat(timespec="seconds"),
            "embedder": {"id": self.embedder_id, "dimension": self.embedder_dimension},
            "features": asdict(self.features),
            "models": self.models,
            "has_tasks": self.has_tasks,
            "data_sha256": self.data_sha256,
            "metrics": self.metrics,
            "certificates": self.certificates,
            "score_profiles": {model: profile.as_json() for model, profile in self.score_profiles.items()},
            "checksums": {ARRAYS: hashlib.sha256(content).hexdigest()},
        }
        (directory / ARRAYS).write_bytes(content)
        (directory / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> "Artefact":
        """Read an artefact and verify it. Raises ArtefactError."""
        manifest = _read_manifest(directory)
        try:
            content = (directory / ARRAYS).read_bytes()
            if hashlib.sha256(content).hexdigest() != manifest["checksums"][ARRAYS]:
                raise ArtefactError(f"{directory / ARRAYS}: the checksum differs from the manifest's; copy it anew")
            with np.load(BytesIO(content), allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
            features = FeatureSpec(
                lexical_bits=int(manifest["features"]["lexical_bits"]),
                signal_names=tuple(manifest["features"]["signal_names"]),
                cuts_unspaced=bool(manifest["features"].get("cuts_unspaced", False)),
            )
            if features.signal_names != SIGNAL_NAMES:
                raise ArtefactError(f"{directory}: trained on other text signals than this version reads; train again")
            return cls(
                models=tuple(manifest["models"]),
                embedder_id=manifest["embedder"]["id"],
                embedder_dimension=int(manifest["embedder"]["dimension"]),
                features=features,
                arrays=arrays,
                has_tasks=bool(manifest["has_tasks"]),
                data_sha256=manifest["data_sha256"],
                created=datetime.fromisoformat(manifest["created"]),
                metrics=manifest["metrics"],
                certificates=tuple(manifest["certificates"]),
                score_profiles={
                    model: ScoreProfile.from_json(profile)
                    for model, profile in dict(manifest.get("score_profiles", {})).items()
                },
            )
        except (OSError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
            raise ArtefactError(f"{directory}: not a readable artefact: {error!r}") from error


def default_artefact_path() -> Path:
    """Return where the artefact that ships with Frontdesk lies."""
    return Path(str(files("frontdesk_server.artefacts.quality") / "data" / "default"))


def artefact_path(name: str, folder: Path) -> Path:
    """Return where the artefact lies that a configuration in this folder names; `default` is the one that ships."""
    return default_artefact_path() if name == DEFAULT_NAME else folder / name


def _read_manifest(directory: Path) -> Mapping[str, Any]:
    try:
        manifest = json.loads((directory / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ArtefactError(f"{directory}: holds no {MANIFEST}; `frontdesk train --out` writes one") from error
    except (OSError, ValueError) as error:
        raise ArtefactError(f"{directory / MANIFEST}: not readable: {in_words(error)}") from error
    if not isinstance(manifest, dict) or manifest.get("kind") != KIND:
        raise ArtefactError(f"{directory}: not a {KIND} artefact")
    if manifest.get("format_version") != FORMAT_VERSION:
        raise ArtefactError(
            f"{directory}: format version {manifest.get('format_version')!r}, this Frontdesk reads {FORMAT_VERSION}"
        )
    return manifest
