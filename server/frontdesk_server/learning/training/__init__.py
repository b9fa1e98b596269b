"""From outcomes to a predictor of quality."""
