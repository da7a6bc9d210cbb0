"""Typed, frozen custom resources and the value type of secret bytes."""
