"""Rounds without a cluster or a cloud: an ExternalSecret, one outcome an entry, the Secret that is there."""

from __future__ import annotations

from kubectl_asm.app.templating import template_environments
from kubectl_asm.engine.admit import EntryAdmission, entries_of
from kubectl_asm.engine.decide import Inputs, decide
from kubectl_asm.engine.lookups import Found, Missing
from kubectl_asm.engine.template import TemplateSources
from kubectl_asm.model.backend import BackendError, ClientPlan, Provider, SecretAnswer
from kubectl_asm.model.externalsecret import (
    DataProcess,
    DataSource,
    ExternalSecret,
    ExternalSecretSpec,
    ExternalSecretStatus,
    JmesPathRule,
    Target,
    Template,
)
from kubectl_asm.model.objects import Meta, Secret
from kubectl_asm.model.sensitive import SecretBytes
from kubectl_asm.model.settings import Settings, profile_settings
from tests.harness.world import START, FakeClock, SeededRandom

SEED = Settings()
NEWEST = profile_settings("0.6.7", one_shot=False)
FAILED = BackendError("not now", code="Forbidden.NoPermission", status=403)


def texts(values):
    """Return a mapping of texts as SecretBytes."""
    return {key: SecretBytes.of_text(value) for key, value in values.items()}


def plain(keys):
    """Return SecretBytes as texts again."""
    return {key: value.reveal_text() for key, value in keys.items()}


def answer(value):
    """Return the backend's answer with this text (or bytes)."""
    return SecretAnswer(SecretBytes(value) if isinstance(value, bytes) else SecretBytes.of_text(value))


def source(key="k", name="", paths=(), **fields):
    """Return a data entry. paths: pairs of expression and alias."""
    return DataSource(key=key, name=name, jmes_path=tuple(JmesPathRule(path, alias) for path, alias in paths), **fields)


def extract(key="k", rules=(), paths=(), **fields):
    """Return a dataProcess entry."""
    return DataProcess(extract=source(key, paths=paths, **fields), replace_rule=tuple(rules))


def external(*data, extracts=(), template=None, target="", status=(), meta=None, **spec):
    """Return an ExternalSecret shop/es."""
    return ExternalSecret(
        metadata=Meta(name="es", namespace="shop", **(meta or {})),
        spec=ExternalSecretSpec(data=data, data_process=tuple(extracts), target=Target(target, template), **spec),
        status=ExternalSecretStatus(tuple(status)),
    )


def secret(values, **fields):
    """Return the Secret shop/es."""
    meta = Meta(name="es", namespace="shop", uid="u", resource_version="1", **fields.pop("meta", {}))
    return Secret(metadata=meta, data=texts(values), **fields)


def environment():
    """Return a fresh template Environment at a fixed instant."""
    return template_environments(SeededRandom(), FakeClock())(START)


def round_of(obj, *outcomes, current=None, settings=SEED, sources=None, **inputs):
    """Return the Plan of one round. outcomes: text, bytes, SecretAnswer or BackendError, one an entry in fetch order."""
    client = ClientPlan("env.client", Provider.KMS)
    admissions = tuple(EntryAdmission(entry, "env.client", client) for entry in entries_of(obj))
    got = tuple(answer(outcome) if isinstance(outcome, str | bytes) else outcome for outcome in outcomes)
    found = Missing() if current is None else Found(current) if isinstance(current, Secret) else current
    return decide(
        Inputs(obj, Provider.KMS, settings, admissions, got, found, sources or TemplateSources(), **inputs), environment
    )


def written(plan):
    """Return what the target holds after the Plan is executed, as texts; None when there is none."""
    if plan.delete is not None:
        return None
    kept = plan.secret or plan.current
    return None if kept is None else plain(kept.data)


def templated(data=None, **fields):
    """Return a template."""
    return Template(data=data or {}, **fields)
