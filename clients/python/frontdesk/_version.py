"""The one version of Frontdesk: `make version` writes it into the packages of every language."""

__version__ = "0.1.0"
