"""Who calls, and how the wire is protected."""

from frontdesk_server.security.certificates import server_credentials, tls_context
from frontdesk_server.security.identify import build_identify
from frontdesk_server.security.keys import NewKey, new_key

__all__ = ["NewKey", "build_identify", "new_key", "server_credentials", "tls_context"]
