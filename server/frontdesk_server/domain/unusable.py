"""Why a file cannot be used, in words for people."""

from __future__ import annotations


def in_words(error: Exception) -> str:
    """The cause, without the number of the system's error and the file, which is named beside it."""
    if isinstance(error, UnicodeDecodeError):
        return "it is no UTF-8"
    return (isinstance(error, OSError) and error.strerror) or str(error)


def with_its_file(error: Exception) -> str:
    """The cause, after the file where the error knows of one."""
    file = f"{error.filename}: " if isinstance(error, OSError) and error.filename else ""
    return f"{file}{in_words(error)}"
