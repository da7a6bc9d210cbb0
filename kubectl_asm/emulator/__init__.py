"""A local cloud: KMS, OOS, STS and instance metadata over HTTP(S) with verified signatures."""
