"""In which words it is said that Redis is gone."""

from __future__ import annotations

from frontdesk_server.state.redis import told_by
from redis import exceptions

_HELLO = "HELLO must be called with the client already authenticated"


def test_a_changed_password_is_named() -> None:
    assert (
        told_by(exceptions.AuthenticationError(_HELLO)) == f"it wants credentials, or others than it is sent: {_HELLO}"
    )
    assert told_by(exceptions.ConnectionError("refused")) == "refused"
