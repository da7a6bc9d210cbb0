"""Break good manifests in ways that are wrong whatever the backend holds, and see what the linter says about each."""
