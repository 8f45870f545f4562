"""Mutants that no test can notice, each with the reason why it is no mistake."""

REASONS = {}
