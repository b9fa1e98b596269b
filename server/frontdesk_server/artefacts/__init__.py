"""What was learned, at work: embedders, the quality predictor, fitted cascades."""
