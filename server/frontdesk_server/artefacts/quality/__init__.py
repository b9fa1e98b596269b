"""Predicting, from a query's text alone, how well each model will answer it."""

from frontdesk_server.artefacts.quality.artefact import (
    Artefact,
    ArtefactError,
    EmbedderMismatchError,
    artefact_path,
    default_artefact_path,
)
from frontdesk_server.artefacts.quality.predict import Forecast, Predictor
from frontdesk_server.artefacts.quality.tasks import TASKS

__all__ = [
    "TASKS",
    "Artefact",
    "ArtefactError",
    "EmbedderMismatchError",
    "Forecast",
    "Predictor",
    "artefact_path",
    "default_artefact_path",
]
