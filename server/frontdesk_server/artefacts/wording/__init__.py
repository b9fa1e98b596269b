"""What the wording of a query says of its difficulty and of programming, learned, in any language."""

from frontdesk_server.artefacts.wording.reader import (
    OUTPUTS,
    Wording,
    WordingError,
    WordingReader,
    default_wording,
    default_wording_path,
)

__all__ = ["OUTPUTS", "Wording", "WordingError", "WordingReader", "default_wording", "default_wording_path"]
