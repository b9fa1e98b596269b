"""How the predictions of classifiers compare with those of training, as metrics and log lines."""

from __future__ import annotations

from frontdesk_server.artefacts.quality.drift import DriftVerdict
from frontdesk_server.telemetry import names
from frontdesk_server.telemetry.logging import EventLog
from frontdesk_server.telemetry.metrics import Metrics


class TelemetryDriftMonitor:
    """Implements `predictor.drift.DriftMonitor`. A drift is logged when it begins, not again with every window."""

    def __init__(self, metrics: Metrics, log: EventLog) -> None:
        self._metrics = metrics
        self._log = log
        self._drifted: set[tuple[str, str]] = set()

    def judged(self, classifier: str, model: str, verdict: DriftVerdict) -> None:
        """A window of a model's scores is full."""
        self._metrics.scores_judged(classifier, model, verdict.stability_index)
        if not verdict.drifted:
            self._drifted.discard((classifier, model))
        elif (classifier, model) not in self._drifted:
            self._drifted.add((classifier, model))
            self._log.write(
                names.LOG_SCORES_DRIFTED,
                classifier=classifier,
                model=model,
                stability_index=round(verdict.stability_index, 3),
                reason=verdict.reason,
            )

    def restart(self) -> None:
        """Forget the classifiers of a configuration that is replaced."""
        self._drifted.clear()
        self._metrics.forget_scores()
