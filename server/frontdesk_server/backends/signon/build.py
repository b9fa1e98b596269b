"""Builds the sign-on that a backend's configuration describes."""

from __future__ import annotations

from frontdesk_server.backends.signon.keys import KeyHeaders, KeySignOn
from frontdesk_server.backends.signon.seam import SignOn
from frontdesk_server.config import sign_on as config
from frontdesk_server.config.upstream import UpstreamConfig
from frontdesk_server.domain.clock import Clock, SystemClock
from frontdesk_server.domain.extras import brought_by

_EXTRAS = {
    "azure_entra": ("azure-identity", "azure"),
    "google_adc": ("google-auth", "google"),
    "aws_sigv4": ("botocore", "aws"),
}


class SignOnUnusable(Exception):
    """The configured sign-on cannot be used; the message says why, without any secret."""


def build_sign_on(backend: UpstreamConfig, key_headers: KeyHeaders, clock: Clock | None = None) -> SignOn:
    """The sign-on of a backend; `key_headers` are those in which its API expects a key.

    Raises:
        SignOnUnusable: its package is not installed, or what it is configured with cannot be read.

    """
    chosen = backend.signs_on
    clock = clock or SystemClock()
    try:
        match chosen:
            case None:
                return KeySignOn(None, key_headers)
            case config.KeySignOn(key=key):
                return KeySignOn(key.get_secret_value(), key_headers)
            case config.AzureEntraSignOn():
                from frontdesk_server.backends.signon.azure_entra import azure_entra

                return azure_entra(chosen, backend.ca_file, clock)
            case config.GoogleAdcSignOn():
                from frontdesk_server.backends.signon.google_adc import google_adc

                return google_adc(chosen, backend.ca_file, clock)
            case config.AwsSigV4SignOn():
                from frontdesk_server.backends.signon.aws_sigv4 import AwsSigV4

                return AwsSigV4(chosen, backend.ca_file, clock)
    except ModuleNotFoundError as error:
        if chosen is None or chosen.kind not in _EXTRAS:
            raise
        package, extra = _EXTRAS[chosen.kind]
        raise SignOnUnusable(f"needs {package}: {brought_by(extra)}") from error
    except (OSError, ValueError) as error:
        raise SignOnUnusable(f"cannot be used: {type(error).__name__}") from error
