"""Generated from protos/frontdesk/v1; do not edit."""
