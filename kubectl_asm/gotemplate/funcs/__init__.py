"""The table of template functions."""
