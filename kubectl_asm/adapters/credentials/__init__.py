"""How a backend client obtains its credentials: one file a tier, chained by policy."""
