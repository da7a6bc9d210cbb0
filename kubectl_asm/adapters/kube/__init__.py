"""The cluster behind the official client: kubeconfig, transport, raw JSON reads and writes."""
