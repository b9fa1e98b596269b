"""What the wording of a query says of its difficulty and of programming, learned, in any language."""

from frontdesk_server.artefacts.wording.reader import (
    DETECTORS,
    OUTPUTS,
    Wording,
    WordingArrays,
    WordingError,
    WordingReader,
    default_wording,
    default_wording_path,
)

__all__ = [
    "DETECTORS",
    "OUTPUTS",
    "Wording",
    "WordingArrays",
    "WordingError",
    "WordingReader",
    "default_wording",
    "default_wording_path",
]
