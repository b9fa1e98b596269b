"""From a query to a decision: signals, hard filters, strategies, selection."""
