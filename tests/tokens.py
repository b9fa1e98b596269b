"""JSON Web Tokens for tests, and the key set that vouches for them."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

PRIVATE = ec.generate_private_key(ec.SECP256R1())
ISSUER = "https://issuer.example"
JWT = {"jwks_file": "jwks.json", "audience": "frontdesk"}
"""The configuration's section for these tokens."""


def write_jwks(folder: Path, key: ec.EllipticCurvePrivateKey = PRIVATE, kid: str = "k1") -> None:
    """The key set with this key alone, as `jwks.json` in the folder."""
    public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key()))
    (folder / "jwks.json").write_text(json.dumps({"keys": [public | {"kid": kid, "alg": "ES256"}]}))


def token(key: ec.EllipticCurvePrivateKey = PRIVATE, kid: str = "k1", **claims: Any) -> str:
    """A token of the caller support-bot, good for five minutes unless its claims say otherwise."""
    payload = {"sub": "support-bot", "aud": "frontdesk", "iss": ISSUER, "exp": time.time() + 300, **claims}
    return jwt.encode(payload, key, algorithm="ES256", headers={"kid": kid})
