"""Who calls: API keys and JSON Web Tokens."""

from __future__ import annotations

import json
import os
import re
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
import structlog
import yaml
from cryptography.hazmat.primitives.asymmetric import ec
from frontdesk_server.config.loading import LoadedConfig, parse_config
from frontdesk_server.domain.call import ANONYMOUS, Caller
from frontdesk_server.domain.errors import ConfigError, Unauthenticated
from frontdesk_server.security import build_identify, new_key

from tests.tokens import ISSUER, JWT, token, write_jwks

KEY = new_key()
STRANGER = ec.generate_private_key(ec.SECP256R1())


def loaded(folder: Path, **security: Any) -> LoadedConfig:
    config = {
        "backends": {"s": {"kind": "simulated"}},
        "models": {"m": {"backend": "s"}},
        "routers": {"default": {"default_model": "m", "strategy": {"kind": "model", "model": "m"}}},
        "security": security,
    }
    return parse_config(yaml.safe_dump(config), str(folder / "frontdesk.yaml"), {})


def identifier(config: LoadedConfig) -> Callable[..., Caller]:
    """Tells callers by metadata and the names in their certificates."""
    identify = build_identify(config)
    return lambda metadata, *names: identify(metadata, lambda: names)


def key_section(**permissions: list[str]) -> dict[str, Any]:
    return {"caller": "billing", "id": KEY.id, "sha256": KEY.sha256, **permissions}


def bearer(secret: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}


def _nested(depth: int) -> str:
    """A token's header of so many arrays within each other."""
    header = '{"alg": "ES256", "kid": "k1", "x": ' + "[" * depth + "]" * depth + "}"
    return urlsafe_b64encode(header.encode()).decode().rstrip("=")


def test_without_keys_and_tokens_everybody_is_anonymous(tmp_path: Path) -> None:
    assert identifier(loaded(tmp_path))({}) is ANONYMOUS


def test_a_key_names_its_caller_and_what_it_may_use(tmp_path: Path) -> None:
    identify = identifier(loaded(tmp_path, keys=[key_section(routers=["default"], models=["m"])]))
    assert identify(bearer(KEY.key)) == Caller("billing", frozenset({"default"}), frozenset({"m"}))


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"authorization": KEY.key},
        {"authorization": f"Basic {KEY.key}"},
        {"authorization": "Bearer "},
        bearer(KEY.key[:-1]),
        bearer(KEY.key.replace(KEY.id, "00000000")),
        bearer("fd_00000000_"),
        bearer("nonsense"),
        bearer("\udcff"),
    ],
)
def test_anything_but_the_key_is_refused_without_repeating_it(metadata: dict[str, str], tmp_path: Path) -> None:
    identify = identifier(loaded(tmp_path, keys=[key_section()]))
    with pytest.raises(Unauthenticated) as refusal:
        identify(metadata)
    assert KEY.key[12:] not in str(refusal.value)


def test_anonymous_callers_may_be_let_in_beside_keys(tmp_path: Path) -> None:
    identify = identifier(loaded(tmp_path, keys=[key_section()], anonymous=True))
    assert identify({}) is ANONYMOUS


def test_the_key_itself_is_kept_nowhere(tmp_path: Path) -> None:
    assert KEY.key not in repr(KEY)
    assert KEY.key not in repr(loaded(tmp_path, keys=[key_section()]))


def test_a_token_names_its_caller_and_what_it_may_use(tmp_path: Path) -> None:
    write_jwks(tmp_path)
    section = JWT | {"routers_claim": "routers", "models_claim": "models"}
    identify = identifier(loaded(tmp_path, jwt=section))
    caller = identify(bearer(token(routers=["default"], models="m other")))
    assert caller == Caller("support-bot", frozenset({"default"}), frozenset({"m", "other"}))


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (lambda: token(exp=time.time() - 60), "expired"),
        (lambda: token(aud="another"), "not valid"),
        (lambda: token(iss="nobody"), "not valid"),
        (lambda: token(key=STRANGER), "not valid"),
        (lambda: token(kid="k9"), "no known key"),
        (lambda: token(sub=""), "no claim sub"),
        (lambda: jwt.encode({"sub": "x"}, "secret" * 8, algorithm="HS256", headers={"kid": "k1"}), "not valid"),
        (lambda: jwt.encode({"sub": "x"}, "", algorithm="none", headers={"kid": "k1"}), "not valid"),
        (lambda: "a.b.c", "not valid"),
        (lambda: f"{_nested(4000)}.e30.c", "not valid"),
        (lambda: "\udcff.b.c", "not valid"),
        (lambda: token(sub="anonymous"), "without credentials"),
    ],
)
def test_tokens_that_prove_nothing_are_refused(made: Any, reason: str, tmp_path: Path) -> None:
    write_jwks(tmp_path)
    identify = identifier(loaded(tmp_path, jwt=JWT | {"issuer": ISSUER}))
    assert identify(bearer(token())).name == "support-bot"
    with pytest.raises(Unauthenticated, match=reason):
        identify(bearer(made()))


def test_a_token_that_expires_beyond_all_reckoning_is_taken(tmp_path: Path) -> None:
    write_jwks(tmp_path)
    assert identifier(loaded(tmp_path, jwt=JWT))(bearer(token(exp=10**400))).name == "support-bot"


def test_a_token_without_the_claim_that_limits_it_is_refused(tmp_path: Path) -> None:
    write_jwks(tmp_path)
    identify = identifier(loaded(tmp_path, jwt=JWT | {"models_claim": "models"}))
    with pytest.raises(Unauthenticated, match="models"):
        identify(bearer(token()))


def test_a_remembered_token_is_refused_once_its_key_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_jwks(tmp_path)
    identify = identifier(loaded(tmp_path, jwt=JWT))
    remembered = token()
    assert identify(bearer(remembered)) == identify(bearer(remembered))
    write_jwks(tmp_path, STRANGER, "k2")
    os.utime(tmp_path / "jwks.json", ns=(1, 1))
    monkeypatch.setattr("frontdesk_server.security.watched._LOOK_SECONDS", 0)
    with pytest.raises(Unauthenticated):
        identify(bearer(remembered))
    assert identify(bearer(token(STRANGER, "k2"))).name == "support-bot"


NO_KEY_SETS = [
    '{"keys": [',
    "",
    "\ud800",
    *("[]", "null", '"x"', "5", "true", "{}", "[" * 5000, '{"keys": ' * 5000),
    *('{"keys": {}}', '{"keys": null}', '{"keys": 5}', '{"keys": []}', '{"keys": [[], null, 5]}'),
    *('{"keys": [{}]}', '{"keys": [{"kty": 5}]}', '{"keys": [{"kty": "EC", "crv": [], "x": 5}]}'),
    '{"keys": [{"kty": "oct", "kid": "k1", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA", "alg": "HS256"}]}',
    *('{"keys": [{"kty": "EC", "alg": {"a": 1}}]}', '{"keys": [{"kty": "RSA", "n": [], "e": {}}]}'),
]


@pytest.mark.parametrize("text", NO_KEY_SETS, ids=lambda text: ascii(text[:24]))
def test_what_is_no_key_set_changes_nothing(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_jwks(tmp_path)
    identify = identifier(loaded(tmp_path, jwt=JWT))
    monkeypatch.setattr("frontdesk_server.security.watched._LOOK_SECONDS", 0)
    (tmp_path / "jwks.json").write_text(text, errors="surrogatepass")
    structlog.reset_defaults()  # a server that ran before may have left its level
    with structlog.testing.capture_logs() as logs:
        assert identify(bearer(token())).name == "support-bot"
    assert [line["event"] for line in logs] == ["key_set.kept"]


def test_a_key_whose_id_is_none_does_not_spoil_the_others(tmp_path: Path) -> None:
    write_jwks(tmp_path)
    document = json.loads((tmp_path / "jwks.json").read_text())
    document["keys"] += [document["keys"][0] | {"kid": []}, 5]
    (tmp_path / "jwks.json").write_text(json.dumps(document))
    assert identifier(loaded(tmp_path, jwt=JWT))(bearer(token())).name == "support-bot"


@pytest.mark.parametrize("text", NO_KEY_SETS, ids=lambda text: ascii(text[:24]))
def test_a_faulty_key_set_is_a_fault_of_the_configuration(text: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"security\.jwt\.jwks_file"):
        identifier(loaded(tmp_path, jwt=JWT))
    (tmp_path / "jwks.json").write_text(text, errors="surrogatepass")
    with pytest.raises(ConfigError, match="Key Set"):
        identifier(loaded(tmp_path, jwt=JWT))


MTLS = {"tls": {"certificate": "s.crt", "key": "s.key", "client_ca": "ca.pem"}}
SPIFFE = "spiffe://example.org/billing"


def certificate(**permissions: list[str]) -> dict[str, Any]:
    return {"caller": "billing", "name": SPIFFE, **permissions}


def test_a_certificate_names_its_caller_and_what_it_may_use(tmp_path: Path) -> None:
    identify = identifier(loaded(tmp_path, **MTLS, certificates=[certificate(models=["m"])]))
    assert identify({}, "another", SPIFFE) == Caller("billing", frozenset(), frozenset({"m"}))
    with pytest.raises(Unauthenticated):
        identify({}, "another")


def test_a_bearer_comes_before_the_certificate_that_carried_it(tmp_path: Path) -> None:
    keys = [{**key_section(), "caller": "behind-the-mesh"}]
    identify = identifier(loaded(tmp_path, **MTLS, keys=keys, certificates=[certificate()]))
    assert identify(bearer(KEY.key), SPIFFE).name == "behind-the-mesh"
    with pytest.raises(Unauthenticated):
        identify(bearer("nonsense"), SPIFFE)


@pytest.mark.parametrize(
    ("security", "fault"),
    [
        pytest.param(
            {"keys": [key_section(), {**key_section(), "sha256": "0" * 64}]},
            f"two keys are {KEY.id}",
            id="key twice",
        ),
        ({**MTLS, "certificates": [certificate(), certificate()]}, f"two certificates are {SPIFFE}"),
        ({"certificates": [certificate()]}, "certificates need tls.client_ca"),
        ({"keys": [{**key_section(), "caller": "anonymous"}]}, r"keys\[0\].caller: anonymous is the name"),
        ({"keys": [{**key_section(), "caller": ""}]}, r"keys\[0\].caller"),
        ({"keys": [key_section(routers=["defualt"])]}, r"keys\[0\].routers: no router is named 'defualt'"),
        ({**MTLS, "certificates": [certificate(models=["n"])]}, r"certificates\[0\].models: no model is named 'n'"),
        ({"keys": [key_section(routers=[])]}, r"keys\[0\].routers"),
        ({"keys": [key_section(models=[])]}, r"keys\[0\].models"),
    ],
)
def test_what_would_let_in_others_than_were_meant_is_a_fault(
    security: dict[str, Any], fault: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as error:
        loaded(tmp_path, **security)
    assert re.search(fault, "\n".join(error.value.lines()))


@pytest.mark.parametrize("field", ["id", "sha256"])
def test_a_key_in_the_place_of_its_hash_is_not_repeated(field: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        loaded(tmp_path, keys=[{**key_section(), field: "fd_a_secret"}])
    assert "secret" not in "\n".join(error.value.lines())
