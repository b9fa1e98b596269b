"""The clients that applications have, against the running service: a script for each, and the table of what works."""
