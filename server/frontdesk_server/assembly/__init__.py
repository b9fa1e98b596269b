"""The composition root: builds everything from one configuration. No globals anywhere."""
