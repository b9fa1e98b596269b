"""Frontdesk as the external processor of Envoy-based gateways, which forward what is decided here."""

from frontdesk_server.rpc.ext_proc.dialect import Dialect, Posed, Refusal
from frontdesk_server.rpc.ext_proc.service import PROCESSOR_NAME, ExternalProcessor
from frontdesk_server.rpc.ext_proc.transit import Terms

__all__ = ["PROCESSOR_NAME", "Dialect", "ExternalProcessor", "Posed", "Refusal", "Terms"]
