"""A Prometheus of the test run's own that watches one service, from whatever Prometheus is installed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import pytest
import yaml

_START_SECONDS = 60


def needed(program: str) -> str:
    """Where `prometheus` or `promtool` is; absent, its tests are skipped, and fail where CI promises it."""
    found = shutil.which(program)
    return found or absent(f"{program} is not installed (Debian: apt-get install prometheus)")


def absent(reason: str) -> NoReturn:
    """Skip the test for want of a program, and fail where CI promises it."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Prometheus:
    """One that watches a service every so many milliseconds, and by and by judges by rules."""

    def __init__(self, folder: Path, target: str, interval_ms: int) -> None:
        self._folder = folder
        self._target = target
        self._every = f"{interval_ms}ms"
        self._port = free_port()
        self._configure([])
        self._log = folder / "prometheus.log"
        command = [
            needed("prometheus"),
            f"--config.file={folder}/prometheus.yaml",
            f"--storage.tsdb.path={folder}/series",
            f"--web.listen-address=127.0.0.1:{self._port}",
        ]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)

    def _configure(self, rule_files: Sequence[str]) -> None:
        every = dict.fromkeys(("scrape_interval", "scrape_timeout", "evaluation_interval"), self._every)
        scraped = {"job_name": "frontdesk", "static_configs": [{"targets": [self._target]}]}
        settings = {"global": every, "rule_files": list(rule_files), "scrape_configs": [scraped]}
        (self._folder / "prometheus.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")

    def judge_by(self, rules: Mapping[str, Any]) -> None:
        """Evaluate these rules from now on; it reads its targets seconds after it has begun to evaluate."""
        (self._folder / "rules.yaml").write_text(yaml.safe_dump(dict(rules)), encoding="utf-8")
        self._configure(["rules.yaml"])
        self._process.send_signal(signal.SIGHUP)

    def wait_until_watching(self) -> None:
        """Return when it has read the service's metrics."""
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers() or not self.query("up == 1"):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Prometheus does not watch {self._target}: {self._log.read_text()[-2000:]}")
            time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/-/ready", timeout=5):
                return True
        except OSError:
            return False

    def query(self, expression: str) -> list[tuple[Mapping[str, str], float]]:
        """An instant vector: labels and value of each of its samples."""
        url = f"http://127.0.0.1:{self._port}/api/v1/query?{urllib.parse.urlencode({'query': expression})}"
        with urllib.request.urlopen(url, timeout=30) as response:
            result: list[dict[str, Any]] = json.load(response)["data"]["result"]
        return [(sample["metric"], float(sample["value"][1])) for sample in result]

    def fired(self) -> frozenset[str]:
        """The alerts that fire, or have fired since it judges."""
        ever = self.query('count by (alertname) (max_over_time(ALERTS{alertstate="firing"}[1h]))')
        return frozenset(labels["alertname"] for labels, _ in ever)

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(30)
