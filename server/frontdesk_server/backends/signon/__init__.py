"""Sign-on: how Frontdesk proves to an upstream API who it is. Each way is one file, imported where configured."""

from __future__ import annotations

from frontdesk_server.backends.signon.build import SignOnUnusable, build_sign_on
from frontdesk_server.backends.signon.keys import KeyHeaders, bearer, keyed
from frontdesk_server.backends.signon.seam import SignOn

__all__ = ["KeyHeaders", "SignOn", "SignOnUnusable", "bearer", "build_sign_on", "keyed"]
