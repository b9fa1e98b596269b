"""The Frontdesk server: routes a query to the LLM that should answer it."""
