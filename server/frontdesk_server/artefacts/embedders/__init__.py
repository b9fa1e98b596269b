"""Texts to vectors: the table that ships, other static tables, local sentence encoders."""

from frontdesk_server.artefacts.embedders.cache import CachedEmbedder
from frontdesk_server.artefacts.embedders.onnx import EncoderSettings, OnnxEmbedder
from frontdesk_server.artefacts.embedders.protocol import (
    AsyncEmbedder,
    Embedder,
    EmbedderError,
    Matrix,
    NoEmbedder,
    Vector,
    is_finite,
)
from frontdesk_server.artefacts.embedders.request_path import InlineEmbedder, ThreadedEmbedder, on_request_path
from frontdesk_server.artefacts.embedders.static import StaticEmbedder, load_default

__all__ = [
    "AsyncEmbedder",
    "CachedEmbedder",
    "Embedder",
    "EmbedderError",
    "EncoderSettings",
    "InlineEmbedder",
    "Matrix",
    "NoEmbedder",
    "OnnxEmbedder",
    "StaticEmbedder",
    "ThreadedEmbedder",
    "Vector",
    "is_finite",
    "load_default",
    "on_request_path",
]
