"""Learned cascades: whom to ask next, when to accept, when to go straight to the strongest model."""
