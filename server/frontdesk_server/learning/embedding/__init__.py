"""Tables of token vectors, and thresholds of the embedding strategy."""
