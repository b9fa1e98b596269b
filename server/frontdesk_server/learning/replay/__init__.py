"""Other policies on what was logged."""
