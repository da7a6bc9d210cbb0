"""Text to values with positions, and values to typed models."""
