#!/bin/sh
# The tour of `make run`: examples/ as the cluster (a copy of it, given as the argument) and fixtures.yaml as the cloud.
set -eu
cluster=$1
fixtures=examples/fixtures.yaml

say() { printf '\n# %s\n' "$1"; }

# Show a command and run it; the exit code has to be the given one: 0 fine, 1 differences.
show() {
    wanted=$1
    shift
    printf '$ kubectl asm %s\n' "$*"
    found=0
    kubectl-asm "$@" || found=$?
    test "$found" -eq "$wanted" || { echo "exit code $found instead of $wanted" >&2; exit 1; }
}

say "What would the Secrets look like? No cluster and no cloud is asked, no value is shown."
show 0 render examples/plain --backend $fixtures -o table
show 0 render examples/documents/queries.yaml --backend $fixtures

say "What would change in the cluster?"
show 1 diff --cluster-dir "$cluster" --backend $fixtures -A

say "Change it."
show 0 sync --cluster-dir "$cluster" --backend $fixtures -A
show 0 status --cluster-dir "$cluster" -A

say "Nothing differs any more."
show 0 diff --cluster-dir "$cluster" --backend $fixtures -A
printf '\nThe Secrets are in %s/secret-*.yaml. Change a manifest there or %s and sync again.\n' "$cluster" "$fixtures"
