"""One metrics page for several workers: what each serves on a page of its own, added up.

Counters never fall by the death of a worker: what it had counted when it was last asked is kept, as Prometheus itself
does across a restart. Of the gauges amounts are added; of breakers' states the page shows what share of the workers is
in each, of ratios and ages the greatest.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from http.client import HTTPConnection, HTTPException
from statistics import mean

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from frontdesk_server.domain.errors import ConfigError, ConfigFault
from frontdesk_server.domain.unusable import in_words
from frontdesk_server.telemetry import names

_SECONDS = 2.0
"""How long a worker may take to answer."""
_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what is listened on, told as where it is reached
_SHARES = frozenset(metric.prometheus_name for metric in names.METRICS if names.BREAKER_STATE in metric.attributes)
_GREATEST = frozenset(
    metric.prometheus_name for metric in names.METRICS if metric.kind == "gauge" and metric.unit in {"1", "s"}
)

Key = tuple[str, tuple[tuple[str, str], ...]]
"""A sample's name and labels."""


class WorkersCollector(Collector):
    """Asks every worker when it is asked. `pages` read them, and raise OSError where a worker does not answer."""

    def __init__(self, pages: Sequence[Callable[[], str]]) -> None:
        self._workers: list[tuple[Callable[[], str], dict[str, _Shown]]] = [(page, {}) for page in pages]
        self._asking = threading.Lock()

    def collect(self) -> Iterator[Family]:
        """The families of all workers, each once."""
        with self._asking:
            families: dict[str, Family] = {}
            shown_by_all: dict[str, dict[Key, list[float]]] = {}
            for page, shown in self._workers:
                _ask(page, shown)
                for name, one in shown.items():
                    families.setdefault(name, Family(name, one.family.documentation, one.family.type))
                    one.add_to(shown_by_all.setdefault(name, {}))
        for name, family in families.items():
            together = mean if name in _SHARES else max if name in _GREATEST else sum
            for (sample, labels), values in shown_by_all[name].items():
                family.add_sample(sample, dict(labels), together(values))
            yield family


class _Shown:
    """One family of one worker, over its deaths."""

    def __init__(self, family: Family) -> None:
        self.family = family
        self._now: dict[Key, float] = {}
        self._before: dict[Key, float] = {}

    def take(self, samples: Iterable[Sample]) -> None:
        """Its samples now; what has begun anew goes on from where it was."""
        now = {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for sample in samples}
        if self.family.type != "gauge":
            for key, last in self._now.items():
                if now.get(key, 0.0) < last:
                    self._before[key] = self._before.get(key, 0.0) + last
        self._now = now

    def lose(self) -> None:
        """The worker does not answer: it has counted what it has counted, but is in no state."""
        if self.family.type == "gauge":
            self._now = {}

    def add_to(self, shown_by_all: dict[Key, list[float]]) -> None:
        """Put its samples beside those of other workers."""
        for key in self._now.keys() | self._before.keys():
            shown_by_all.setdefault(key, []).append(self._now.get(key, 0.0) + self._before.get(key, 0.0))


def _ask(page: Callable[[], str], shown: dict[str, _Shown]) -> None:
    try:
        families = list(text_string_to_metric_families(page()))
    except (OSError, HTTPException):
        for one in shown.values():
            one.lose()
        return
    for family in families:
        if not family.name.endswith("_created"):  # when a series began, which is another instant in each worker
            shown.setdefault(family.name, _Shown(family)).take(family.samples)


@contextlib.contextmanager
def workers_page(address: str, workers: int) -> Iterator[None]:
    """Serve the page at host:port; worker n is asked at the port that is n + 1 above.

    Raises:
        ConfigError: the address cannot be listened on.

    """
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    pages = [_page_of(_WILDCARDS.get(host, host), int(port) + 1 + index) for index in range(workers)]
    registry = CollectorRegistry()
    registry.register(WorkersCollector(pages))
    try:
        server, thread = start_http_server(int(port), host, registry)
    except (OSError, OverflowError) as error:
        fault = ConfigFault(f"cannot serve metrics on {address}: {in_words(error)}", "telemetry.prometheus_address")
        raise ConfigError("telemetry", [fault]) from error
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _page_of(host: str, port: int) -> Callable[[], str]:
    def read() -> str:
        connection = HTTPConnection(host, port, timeout=_SECONDS)
        try:
            connection.request("GET", "/metrics")
            response = connection.getresponse()
            if response.status != 200:
                raise OSError(f"the metrics page of a worker answers {response.status}")
            return response.read().decode()
        finally:
            connection.close()

    return read
