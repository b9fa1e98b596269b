"""How answers are compared, and what heuristics read in them."""
