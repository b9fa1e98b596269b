"""One page about a data set or a ledger."""
