"""kubectl-asm: plugin, offline renderer and controller for ack-secret-manager custom resources."""

__version__ = "0.1.0"
