"""What calls and processes share: limits, affinity, Redis, SQLite."""
