"""Before a pass reads or writes: refuse an unexpected account, and say as whom each store reads. Source: spec/operation.md 5."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kubectl_asm import wiring
from kubectl_asm.cli.session import Opened, Options, say
from kubectl_asm.errors import UsageError
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.report.identities import identity_line


def check_identities(opened: Opened, options: Options, chosen: Sequence[ExternalSecret]) -> None:
    """Check --expect-account and tell the identities, unless -q. Raises UsageError. Asks STS only where it has to."""
    identify = opened.cloud.identify
    if identify is None:
        if options.expect_account:
            raise UsageError("--expect-account needs the real services", hint="a fixtures file assumes every identity")
        return
    if options.quiet and not options.expect_account:
        return
    clients = wiring.clients_in_use(opened.session, chosen)
    if options.expect_account:
        resolved = wiring.identify_all(wiring.patient(identify, opened.session.world), clients, options.concurrency)
        wiring.expect_account(options.expect_account, resolved)
    else:
        unknown = [client for client in clients if not client.known_arn]
        resolved = wiring.identify_all(identify, unknown, options.concurrency)
    if not options.quiet:
        for line in _lines(clients, resolved):
            say(line)


def _lines(clients: Sequence[wiring.Client], resolved: Sequence[wiring.Resolved]) -> Iterator[str]:
    """Yield one line a store; one that was not asked for is named by its role."""
    asked = {(one.client.name, one.client.provider): one for one in resolved}
    seen: set[str] = set()
    for client in clients:
        if client.label in seen or client.identity is None:
            continue
        seen.add(client.label)
        one = asked.get((client.name, client.provider))
        if one is not None and one.error is not None:
            yield identity_line(client.label, client.identity, f"somebody STS does not name ({one.error})")
        else:
            yield identity_line(client.label, client.identity, one.caller.arn if one and one.caller else client.known_arn)
