"""The use cases, and the snapshot of the configuration that they work on."""
