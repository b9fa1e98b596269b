"""How costs grow: one quantity of a deployment at a time, from small to larger than anybody has it."""
