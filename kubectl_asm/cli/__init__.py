"""Drivers seen by the user: one click command a file; nothing here decides what a Secret becomes."""
