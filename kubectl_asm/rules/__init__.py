"""Lint rules: one rule a file; each asks the engine and adds a place."""
