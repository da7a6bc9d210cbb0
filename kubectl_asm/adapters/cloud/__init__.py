"""The cloud behind the official SDKs: KMS Secrets Manager and OOS parameters."""
