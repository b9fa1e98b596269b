"""Whether queries go where they should: short and hard, long and easy, programming, in seven languages."""
