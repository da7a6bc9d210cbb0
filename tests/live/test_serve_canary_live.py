"""Known values and known credentials go through everything a controller does and everything that fails; nobody sees them."""

from __future__ import annotations

import base64
import json
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.live.command import Asm
from tests.live.controlplane import ControlPlane, wait_until
from tests.live.serving import GROUP, SOON_S, Place, Territory, _fetch, territory
from tests.live.teams import CLOSED, FAR, NEAR, PROVIDER, ROLE_ANNOTATION, accounts, key_refs, set_accounts, signing_keys

VALUE = 'kanarie/9+Zz=Q"w&é'
OUTSIDE = "kanarie-of-the-environment-8Wz"
KEY, WRONG = "kanarie-of-a-key-7Qp", "kanarie-that-is-wrong-6Xy"
DOCUMENT = json.dumps({"user": VALUE, "list": [VALUE], "n": {"m": VALUE}})
SPOKEN = ("eyJ", "Signature=", "SecurityToken=", "Bearer ", "invalid character 'k'")
"""What tokens, signatures and headers begin with, and how the API server tells the first character of what it refuses."""

FORBIDDEN = {"fail": {"code": "Forbidden.NoPermission", "status": 403}}
DOWN = {"fail": {"code": "InternalFailure", "status": 500}}
CLOUD = {"value": VALUE, "doc": DOCUMENT, "refused": FORBIDDEN, "down": DOWN, "odd": {"binary": "not base64"}}
TEMPLATES = {
    "says-it": "{{ fail .value }}",
    "wants-json": "{{ .value | mustFromJson }}",
    "wants-base64": "{{ .value | b64dec | mustFromJson }}",
    "wants-a-date": '{{ mustToDate "2006-01-02" .value }}',
    "wants-a-regex": '{{ mustRegexFind (printf "[%s" .value) "x" }}',
    "wants-a-number": "{{ index .value (atoi .value) }}",
    "wants-a-field": "{{ .value.field }}",
    "wants-a-map": "{{ range $k, $v := .value }}{{ $k }}{{ end }}{{ template .value }}",
    "does-not-parse": "{{ if .value }}",
    "has-no-function": '{{ nothing "x" .value }}',
}


def shapes(secret: str) -> Iterator[str]:
    """Yield the forms in which somebody could meet a text, also in the middle of something encoded."""
    raw = secret.encode()
    yield from (secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1], raw.hex())
    yield from (urllib.parse.quote(secret, safe=""), urllib.parse.quote_plus(secret), urllib.parse.quote(secret))
    for shift in range(3):
        whole = base64.b64encode(b"\0" * shift + raw + b"\0" * (-(len(raw) + shift) % 3)).decode()
        part = whole[4 if shift else 0 : -4]
        yield from (part, part.translate(str.maketrans("+/", "-_")))


def seen(text: str) -> list[str]:
    """Return which secrets a text shows."""
    secrets = (VALUE, OUTSIDE, KEY, WRONG)
    return [shape for secret in secrets for shape in shapes(secret) if shape in text] + [word for word in SPOKEN if word in text]


class Noisy(Asm):
    """The command line with an identity of its own and every switch on that makes a library talk."""

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        loud = {"DEBUG": "sdk", "ACCESS_KEY_ID": "LTAIoutside", "SECRET_ACCESS_KEY": OUTSIDE, **(extra or {})}
        return super().environment(loud)


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Territory]:
    root = tmp_path_factory.mktemp("canary")

    def identities(control_plane: ControlPlane) -> list[str]:
        document = accounts()
        keys = document["accounts"][0]["users"][0]["accessKeys"]
        keys += [{"id": "LTAIoutside", "secret": OUTSIDE}, {"id": "LTAIkey", "secret": KEY}]
        set_accounts(root, document)
        (root / "jwks.json").write_bytes(signing_keys(control_plane))
        return ["--accounts", str(root / "accounts.json"), "--oidc-jwks", str(root / "jwks.json")]

    with territory(root, cloud_options=identities, **CLOUD) as made:
        yield made


# -- everything that can go right or wrong


def entries(*keys: str, store: str = "") -> list[dict[str, Any]]:
    ref = {"secretStoreRef": {"name": store, "kind": "SecretStore"}} if store else {}
    return [{"key": key, "name": key, **ref} for key in keys]


def values(place: Place) -> list[str]:
    """Ask for values in every way, and for some that cannot be read. Returns what has to succeed."""
    place.external("plain", data=entries("value"))
    place.external("extracted", dataProcess=[{"extract": {"key": "doc"}, "replaceRule": [{"source": "user", "target": "who"}]}])
    paths = [{"path": path, "objectAlias": f"p{number}"} for number, path in enumerate(("user", "list", "n", "]["))]
    place.external("picked", data=[{"key": "doc", "name": "x", "jmesPath": paths}])
    place.external("half", data=entries("value", "refused"))
    place.external("none", data=entries("refused", "down", "odd"))
    place.external("no-document", dataProcess=[{"extract": {"key": "value"}}])
    return ["plain", "extracted", "picked"]


def templates(place: Place) -> list[str]:
    for name, text in TEMPLATES.items():
        place.external(name, data=entries("value"), target={"template": {"data": {"out": text}}})
    shown = {"labels": {"of": "{{ .value }}"}, "annotations": {"of": "{{ .value }}"}}
    place.external("as-label", data=entries("value"), target={"template": {"data": {"out": "{{ .value }}"}, "metadata": shown}})
    place.territory.put("Secret", place.name, "frame", stringData={"t": "{{ .value | fail }}"})
    source = {"templateFrom": [{"secret": {"name": "frame", "items": [{"key": "t"}]}}]}
    place.external("framed", data=entries("value"), target={"template": source})
    place.external("good", data=entries("value"), target={"template": {"data": {"out": "<{{ .value }}>"}}})
    return ["good"]


def rejected(place: Place) -> None:
    """Have the API server refuse what holds the value."""
    place.territory.put("Secret", place.name, "immutable", stringData={"value": "old"}, immutable=True)
    place.external("immutable", data=entries("value"))
    place.external("dockerconfig", type="kubernetes.io/dockerconfigjson", data=[{"key": "value", "name": ".dockerconfigjson"}])
    place.external("tls", type="kubernetes.io/tls", data=entries("value"))
    place.external("bad-key", data=[{"key": "value", "name": "a/b"}])


def identities(place: Place) -> list[str]:
    put = place.territory.put
    put("Secret", place.name, "ak", stringData={"id": "LTAIkey", "secret": KEY})
    put("Secret", place.name, "wrong", stringData={"id": "LTAIkey", "secret": WRONG})
    put("ServiceAccount", place.name, "reader", metadata={"annotations": {ROLE_ANNOTATION: NEAR}})
    account = {"serviceAccountRef": {"name": "reader"}, "oidcProviderARN": PROVIDER}
    stores = {
        "key": key_refs(),
        "role": {**key_refs(), "ramRoleARN": NEAR},
        "account": account,
        "hop": {**account, "remoteRamRoleARN": FAR},
        "wrong": key_refs("wrong"),
        "closed": {**key_refs(), "ramRoleARN": CLOSED},
    }
    for name, auth in stores.items():
        put("SecretStore", place.name, name, spec={"KMS": {"KMSAuth": auth}})
        place.external(f"by-{name}", data=entries("value", store=name))
    return ["by-key", "by-role", "by-account", "by-hop"]


@dataclass(frozen=True)
class Heard:
    """Everything a controller said, by where it said it. verdicts: reasons of Ready; secrets: what it wrote, to compare."""

    texts: dict[str, str]
    verdicts: set[str]
    secrets: str
    log: list[dict[str, Any]]


@pytest.fixture(scope="module")
def heard(ground: Territory) -> Heard:
    place = ground.namespace()
    asm = Noisy(**vars(ground.asm))
    with ground.serve("--log-level=debug", asm=asm, polling_interval="1s") as serve:
        serve.is_ready()
        good = [*values(place), *templates(place), *identities(place)]
        rejected(place)
        for name in good:
            place.is_ready(name, timeout_s=30)
        everyone_was_told(place)
        before, verdicts = live_texts(place), {place.condition(name)[1] for name in externals(place)}
        ground.set_values(value=FORBIDDEN)
        place.is_ready("plain", "ReadFailed", "False")
        ground.set_values(value=VALUE)
        place.is_ready("plain")
        texts = {path: f"{serve.probe(path)}" for path in ("/readyz", "/healthz", "/livez", "/nothing")}
        texts["/metrics"] = _fetch(f"http://127.0.0.1:{serve.metrics_port}/metrics")[1]
        texts |= {name: before[name] + text for name, text in live_texts(place).items()}
        texts["log"], lines = serve.log(), serve.lines()
    return Heard(
        texts, verdicts, json.dumps(place.territory.control_plane.request("GET", ground.path("Secret", place.name))), lines
    )


def externals(place: Place) -> list[str]:
    items = place.territory.control_plane.request("GET", place.territory.path("ExternalSecret", place.name))["items"]
    return [one["metadata"]["name"] for one in items]


def everyone_was_told(place: Place) -> None:
    """Wait until every object has a verdict and the failing ones their Events."""
    wait_until(lambda: all(place.condition(name)[1] for name in externals(place)), timeout_s=30, what="verdicts")
    wait_until(
        lambda: {"immutable", "says-it", "half"} <= {name for name, _, _ in place.events()}, timeout_s=SOON_S, what="Events"
    )


def live_texts(place: Place) -> dict[str, str]:
    request, found = place.territory.control_plane.request, {}
    for kind in ("externalsecrets", "secretstores"):
        found[kind] = json.dumps(request("GET", f"{GROUP}/namespaces/{place.name}/{kind}"), ensure_ascii=False)
    found["events"] = json.dumps(request("GET", place.territory.path("Event", place.name)), ensure_ascii=False)
    return found


def test_secrets_are_where_they_belong(heard: Heard) -> None:
    assert set(seen(heard.secrets)) & set(shapes(VALUE)), "the search finds what is there"
    assert heard.verdicts == {"Synced", "PartiallySynced", "ReadFailed", "NothingToWrite", "RoundStopped", "WriteRefused"}
    assert any(line["level"] == "debug" for line in heard.log)
    assert [line for line in heard.texts["log"].splitlines() if not line.startswith("{")] == [], "a library spoke"


@pytest.mark.parametrize(
    "place", ["log", "/metrics", "/readyz", "/healthz", "/livez", "/nothing", "externalsecrets", "secretstores", "events"]
)
def test_nothing_that_people_see_shows_a_secret(heard: Heard, place: str) -> None:
    text = heard.texts[place]
    assert text
    shown = seen(text)
    assert shown == [], [text[max(at - 200, 0) : at + 200] for at in (text.find(shape) for shape in shown)]
