"""One file a strategy. Each ranks candidates, or composes others."""
