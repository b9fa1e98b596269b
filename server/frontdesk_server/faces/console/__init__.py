"""The console: pages on which people ask, and see what was decided, spent and is the matter now.

A face like the others: the same credentials, limits and ledger, and nothing that the desk does not tell. Pages are
rendered here, whole, and read well without scripts; scripts only make them livelier.
"""
