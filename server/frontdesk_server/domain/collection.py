"""The garbage collector at rest while much is built that stays."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_collection() -> Iterator[None]:
    """Let nothing be looked at for cycles meanwhile: each new object would have all that stand looked at again.

    For code that makes hundreds of thousands of lasting objects in one go and awaits nothing on the way.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
