"""Texts to vectors: the table that ships with Frontdesk, other static tables, local sentence encoders, sparse features."""

from frontdesk_server.embedders.cache import CachedEmbedder
from frontdesk_server.embedders.onnx import EncoderSettings, OnnxEmbedder
from frontdesk_server.embedders.protocol import AsyncEmbedder, Embedder, EmbedderError, Matrix, Vector
from frontdesk_server.embedders.request_path import InlineEmbedder, ThreadedEmbedder, on_request_path
from frontdesk_server.embedders.static import StaticEmbedder, load_default

__all__ = [
    "AsyncEmbedder",
    "CachedEmbedder",
    "Embedder",
    "EmbedderError",
    "EncoderSettings",
    "InlineEmbedder",
    "Matrix",
    "OnnxEmbedder",
    "StaticEmbedder",
    "ThreadedEmbedder",
    "Vector",
    "load_default",
    "on_request_path",
]
