"""Frontdesk as the external processor of Envoy-based gateways, which forward what is decided here."""
