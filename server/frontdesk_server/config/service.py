"""The server itself and what surrounds it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

import re2
from pydantic import AfterValidator, Field, model_validator

from frontdesk_server.config.base import Count, Fraction, Milliseconds, Seconds, Secret, Section, refuse_disorder
from frontdesk_server.config.console import ConsoleConfig
from frontdesk_server.config.ext_proc import ExtProcConfig

_ADDRESS = re.compile(r"(?:\[[0-9A-Fa-f:.%\w]+\]|[^\s:/\[\]]+):(\d{1,5})|unix(?:-abstract)?:\S+")
_MOST_PORT = 65_535


def listening_address(address: str) -> str:
    """The address, if it is one to listen on: host:port, [v6]:port, unix:/path.

    Raises:
        ValueError: it is none. gRPC itself would listen on another port in place of one that is too large.
    """
    found = _ADDRESS.fullmatch(address)
    if found is None or int(found[1] or 0) > _MOST_PORT:
        raise ValueError("is no address to listen on: host:port, [v6]:port or unix:/path")
    return address


def tcp_address(address: str) -> str:
    """The address, if it is one of TCP to listen on: host:port or [v6]:port. Raises ValueError."""
    if address.startswith("unix"):
        raise ValueError("is no address of TCP: host:port or [v6]:port")
    return listening_address(address)


def _re2_pattern(pattern: str) -> str:
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0]
        told = reason.decode() if isinstance(reason, bytes) else reason
        raise ValueError(f"is no RE2 pattern: {told}") from error
    return pattern


class HttpConfig(Section):
    """The HTTP faces: OpenAI's and Anthropic's APIs, Connect and gRPC-Web. All else is as `server` says for gRPC."""

    address: Annotated[str, AfterValidator(tcp_address)] = "127.0.0.1:8080"
    """host:port or [v6]:port."""
    read_seconds: Seconds = 30.0
    """How long a request may take to come in."""
    allowed_origins: tuple[str, ...] = ()
    """Origins whose pages may call from a browser (CORS), such as https://app.example.org. Default: none."""
    embeddings_backend: str | None = None
    """The backend of kind `openai` that answers /v1/embeddings. Default: none does."""
    console: ConsoleConfig | None = ConsoleConfig()
    """The pages at /console; null serves none."""


class ServerConfig(Section):
    """Where and how the service listens."""

    address: Annotated[str, AfterValidator(listening_address)] = "127.0.0.1:50051"
    """host:port, or unix:/path."""
    max_message_bytes: Annotated[int, Field(ge=512)] = 8 * 1024 * 1024
    """Longest request. Answers are not limited by it."""
    max_concurrent_calls: Count = 1024
    """Most calls at once; past it callers are refused at once."""
    max_metadata_bytes: Count = 16 * 1024
    """Longest metadata of a call: names, values and 32 bytes an entry. Longer ones are refused."""
    max_concurrent_streams: Count = 1024
    """Most calls of one connection at once. Further ones wait at the client; what it sends beyond is refused."""
    max_connections: Count = 8192
    """Most connections at once; further ones are closed."""
    max_connection_idle_seconds: Seconds = 600.0
    """Ends connections that had no call for so long; clients connect again with their next one."""
    max_connection_age_seconds: Seconds | None = None
    """Ends connections now and then, so that clients find new replicas behind DNS. Default: never."""
    drain_seconds: Annotated[float, Field(ge=0)] = 0.0
    """How long calls are still taken after SIGTERM while health says NOT_SERVING; on Kubernetes a few seconds."""
    grace_seconds: Seconds = 15.0
    """How long running calls may finish after SIGTERM."""
    reflection: bool | Literal["open"] = True
    """Serve the schema, for tools without stubs; `open`: also to callers without the credentials that others need."""
    load_reports: Literal["never", "asked", "always"] = "asked"
    """Tell load balancers how loaded this process is (ORCA), beside which answers: see docs/gateways.md."""
    ext_proc: ExtProcConfig | None = None
    """Serve Envoy-based gateways, too. Default: not."""
    http: HttpConfig | None = None
    """The HTTP faces. Default: off."""


class RetryConfig(Section):
    """Repeats of one model's call after retryable errors, before any content has come."""

    max_retries: Annotated[int, Field(ge=0)] = 2
    """Repeats within one attempt."""
    base_ms: Milliseconds = 100.0
    """Longest wait before the first repeat; doubles each time, and full jitter picks below it."""
    max_ms: Milliseconds = 2000.0
    """Longest wait of all, and the longest Retry-After that is honoured rather than fallen back from."""

    @model_validator(mode="after")
    def _in_order(self) -> RetryConfig:
        refuse_disorder(self, "base_ms", "max_ms")
        return self


class BreakerConfig(Section):
    """Circuit breaker of each deployment of each model."""

    window: Count = 20
    """Latest calls that are looked at."""
    min_calls: Count = 5
    """Calls before it may open."""
    failure_share: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Share of failed calls at which it opens."""
    open_seconds: Seconds = 5.0
    """How long it stays open before one live call probes; doubles after each failed probe."""
    max_open_seconds: Seconds = 60.0
    """Longest it stays open."""
    store: Literal["memory", "redis"] = "memory"
    """`redis`: when a breaker opens, those of other machines open too, but where their own calls go well."""

    @model_validator(mode="after")
    def _can_open(self) -> BreakerConfig:
        refuse_disorder(self, "min_calls", "window")
        refuse_disorder(self, "open_seconds", "max_open_seconds")
        return self


class AdmissionConfig(Section):
    """How many completions may run and wait in one process; past it callers are refused at once."""

    max_running: Count = 512
    """Completions that run."""
    max_running_per_caller: Count | None = None
    """Completions of one caller that run. Default: half of max_running where there are several callers, else all."""
    max_waiting: Annotated[int, Field(ge=0)] = 512
    """Completions that wait for a place; callers take turns."""
    max_waiting_per_caller: Annotated[int, Field(ge=0)] = 128
    """Completions of one caller that wait."""


class ExecutionConfig(Section):
    """How models are called."""

    admission: AdmissionConfig = AdmissionConfig()
    retry: RetryConfig = RetryConfig()
    breaker: BreakerConfig = BreakerConfig()
    slice_share: Annotated[float, Field(gt=0, le=1)] = 0.6
    """Share of what is left of the deadline that an attempt gets while another step could follow it."""


_EMBEDDERS_WITH = {
    **dict.fromkeys(("pooling", "max_tokens", "normalize", "prefix"), ("onnx",)),
    **dict.fromkeys(("backend", "model", "dimension"), ("openai",)),
    "path": ("static", "onnx"),
}
"""The kinds of embedders that have a key which others lack."""


class EmbedderConfig(Section):
    """How texts become vectors."""

    kind: Literal["static", "onnx", "openai"] = "static"
    """The table that ships or a static folder; a sentence encoder; an OpenAI-compatible /embeddings."""
    path: Path | None = None
    """Folder of `onnx`, or of a static table other than the one that ships."""
    pooling: Literal["mean", "cls", "max"] | None = None
    """Of `onnx`. Default: what its files say."""
    max_tokens: Count | None = None
    """Of `onnx`. Default: what its files say."""
    normalize: bool | None = None
    """Of `onnx`. Default: what its files say."""
    prefix: str = ""
    """Of `onnx`: put before every text, for encoders trained with one."""
    backend: str | None = None
    """Of `openai`: the backend that serves it."""
    model: str | None = None
    """Of `openai`."""
    dimension: Count | None = None
    """Of `openai`."""
    cache_size: Annotated[int, Field(ge=0)] = 4096
    """Vectors remembered."""

    @model_validator(mode="after")
    def _has_keys_of_its_kind(self) -> EmbedderConfig:
        for key in sorted(self.model_fields_set & _EMBEDDERS_WITH.keys()):
            if self.kind not in _EMBEDDERS_WITH[key]:
                raise ValueError(f"{key} is no key of kind {self.kind}, but of {' and '.join(_EMBEDDERS_WITH[key])}")
        return self

    @model_validator(mode="after")
    def _complete(self) -> EmbedderConfig:
        if self.kind == "onnx" and self.path is None:
            raise ValueError("an onnx embedder needs a path")
        if self.kind == "openai" and (self.backend is None or self.model is None or self.dimension is None):
            raise ValueError("an openai embedder needs backend, model and dimension")
        return self


class LedgerConfig(Section):
    """Where decisions, attempts and outcomes are kept."""

    url: Secret = Secret("sqlite:///frontdesk.db")
    """SQLAlchemy URL: sqlite:///FILE or postgresql+psycopg://…; empty keeps nothing."""
    read_url: Secret = Secret("")
    """Where the console, `frontdesk log` and the like read, such as a standby of PostgreSQL's. Default: `url`."""
    durability: Literal["group", "sync"] = "group"
    """`group` commits within flush_ms off the request path; `sync` before an answer is complete, if the store works."""
    flush_ms: Annotated[float, Field(gt=0)] = 50.0
    """Longest time a record waits for others to be committed with."""
    max_lag_ms: Milliseconds = 250.0
    """Requests wait when the ledger could not commit within this time; a kill loses at most flush_ms + max_lag_ms."""
    max_batch: Count = 500
    """Most records of one commit."""
    max_queue: Count = 20_000
    """Records waiting; past it requests wait for the ledger."""
    retention_days: Count | None = None
    """Older records are deleted. Default: kept."""
    max_decisions: Count | None = None
    """The oldest decisions above this number are deleted. Default: kept."""
    partition_hours: Count = 24
    """Of PostgreSQL: what is deleted goes by parts of so many hours, each once all of it is to go."""
    store_prompts: bool = False
    """Keep prompts and answers."""
    redact: tuple[Annotated[str, AfterValidator(_re2_pattern)], ...] = ()
    """RE2 patterns that are blanked before a prompt is stored."""


class TelemetryConfig(Section):
    """Traces, metrics and logs. Exporters follow the standard OTEL_* variables."""

    service_name: str = "frontdesk"
    sample_ratio: Fraction = 1.0
    """Share of traces kept when the caller brings no sampling decision. OTEL_TRACES_SAMPLER overrides it."""
    prometheus_address: Annotated[str, AfterValidator(tcp_address)] | None = None
    """host:port of the metrics page, with several workers of all of them; worker n alone is at port + 1 + n. Default:
    none."""
    span_labels: Annotated[list[str], Field(max_length=16)] = []
    """Labels of requests that their server spans carry, as `frontdesk.label.NAME`, to be searched by. Default: none."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "json", "pretty"] = "auto"
    """auto: pretty in a terminal, else JSON lines."""
    log_levels: dict[str, Literal["debug", "info", "warning", "error", "off"]] = {}
    """Level of single events, such as {"attempt.ended": "debug"}."""
