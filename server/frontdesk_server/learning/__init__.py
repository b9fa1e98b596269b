"""The learning loop: from recorded outcomes to predictors, certificates and reports."""
