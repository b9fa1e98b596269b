"""AWS signatures, version 4, as a server checks them: written from the documentation, apart from any library.

Source: AWS, "Create a signed AWS API request".
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote

from tests.upstream.loopback import RawRequest

_SKEW_SECONDS = 300


def verify(request: RawRequest, secrets: Mapping[str, str], region: str, service: str) -> None:
    """Refuse (AssertionError) what the key's owner did not sign exactly so, for this region and service, just now."""
    scheme, _, fields = request.headers["authorization"].partition(" ")
    assert scheme == "AWS4-HMAC-SHA256"
    given = dict(field.strip().split("=", 1) for field in fields.split(","))
    key_id, date, *scope = given["Credential"].split("/")
    assert scope == [region, service, "aws4_request"]
    moment = request.headers["x-amz-date"]
    assert moment.startswith(date)
    signed_at = datetime.strptime(moment, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    assert abs((datetime.now(UTC) - signed_at).total_seconds()) < _SKEW_SECONDS
    names = given["SignedHeaders"].split(";")
    assert {"host", "x-amz-date"} <= set(names)
    if "x-amz-security-token" in request.headers:
        assert "x-amz-security-token" in names
    canonical = "\n".join(
        (
            request.method,
            quote(request.path, safe="/-_.~"),  # what was sent, encoded once more
            "&".join(f"{quote(n, safe='-_.~')}={quote(v, safe='-_.~')}" for n, v in sorted(request.query.items())),
            *(f"{name}:{' '.join(request.headers[name].split())}" for name in names),
            "",
            ";".join(names),
            hashlib.sha256(request.body).hexdigest(),
        )
    )
    to_sign = "\n".join(
        ("AWS4-HMAC-SHA256", moment, "/".join((date, *scope)), hashlib.sha256(canonical.encode()).hexdigest())
    )
    key = f"AWS4{secrets[key_id]}".encode()
    for part in (date, *scope):
        key = hmac.digest(key, part.encode(), "sha256")
    assert hmac.compare_digest(hmac.digest(key, to_sign.encode(), "sha256").hex(), given["Signature"])
