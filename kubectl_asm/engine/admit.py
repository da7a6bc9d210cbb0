"""Admission: for every entry, which client reads what, or why it is not read.

Follows references through the read port (each at most once a pass) and takes every decision that needs no backend:
store kind and form, gates, identity, endpoint. `explain` ends here; `sync` continues with the very same result.
Source: spec/access-control.md 4, spec/auth.md 1 and 4, spec/endpoints.md 6.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

import msgspec

from kubectl_asm.engine import access, endpoints, identity
from kubectl_asm.engine.lookups import Failed, Found, Lookup, Missing, References
from kubectl_asm.model.backend import ClientPlan, ErrorClass, Provider, Refusal, SecretRead, SecretRequest
from kubectl_asm.model.externalsecret import CLUSTER_STORE_KIND, STORE_KIND, DataSource, ExternalSecret, SecretStoreRef
from kubectl_asm.model.objects import ROLE_ARN_ANNOTATION, Secret
from kubectl_asm.model.sensitive import SecretBytes
from kubectl_asm.model.settings import Settings
from kubectl_asm.model.stores import Auth, ClusterSecretStore, SecretKeyRef, SecretStore, ServiceAccountRef, StoreSpec

ENV_CLIENT = "env.client"

DATA, EXTRACT = "data", "dataProcess"
_PROVIDERS: Final = {str(one): one for one in Provider}

Store = TypeVar("Store", SecretStore, ClusterSecretStore)


class Entry(msgspec.Struct, frozen=True):
    """One backend read of an ExternalSecret: side (data or dataProcess) and index name its place in the spec."""

    side: str
    index: int
    source: DataSource

    def __str__(self) -> str:
        return f"{self.side}[{self.index}]"


class GateVerdict(msgspec.Struct, frozen=True):
    """One gate that was asked about an entry."""

    name: str
    allowed: bool
    rule: str


class EntryAdmission(msgspec.Struct, frozen=True):
    """What was decided about one entry. refusal: the entry fails without any call; plan is None only then."""

    entry: Entry
    client_name: str
    plan: ClientPlan | None = None
    refusal: Refusal | None = None
    gates: tuple[GateVerdict, ...] = ()
    chain: tuple[identity.TierVerdict, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def read(self) -> SecretRead | None:
        """The call to make, None when the entry is refused."""
        if self.plan is None:
            return None
        source = self.entry.source
        if self.plan.provider is Provider.OOS:
            return SecretRead(self.plan, SecretRequest(Provider.OOS, source.key))
        return SecretRead(self.plan, SecretRequest(Provider.KMS, source.key, source.version_id, source.version_stage))


def entries_of(external: ExternalSecret) -> Iterator[Entry]:
    """Yield every data source in the order it is fetched; dataProcess items without extract are none."""
    for index, source in enumerate(external.spec.data):
        yield Entry(DATA, index, source)
    for index, process in enumerate(external.spec.data_process):
        if process.extract is not None:
            yield Entry(EXTRACT, index, process.extract)


def provider_of(external: ExternalSecret) -> Provider | None:
    """Return the provider, None for a word that is neither kms nor oos."""
    return _PROVIDERS.get(external.spec.provider or "kms")


@dataclass(frozen=True, slots=True)
class Admitter:
    """Admits entries of one pass. environment: upstream's variables of the environment client, nothing else."""

    references: References
    settings: Settings
    environment: Mapping[str, str] = field(repr=False, default_factory=dict)

    def admit(self, external: ExternalSecret, provider: Provider) -> tuple[EntryAdmission, ...]:
        """Return the admission of every entry, in fetch order."""
        return tuple(self._entry(external, provider, entry) for entry in entries_of(external))

    def of_store(self, store: SecretStore | ClusterSecretStore) -> Refusal | None:
        """Return why no client can be built for a store, whoever would use it; None when one can. Calls no service."""
        provider = Provider.OOS if store.spec.oos is not None and store.spec.kms is None else Provider.KMS
        draft = _Draft(Entry(DATA, 0, DataSource()), _store_path(store))
        try:
            inputs = _AuthResolver(self, store, draft).inputs(auth_of(store.spec, provider, _store_label(store)))
            return identity.choose(inputs, self.settings, origin=_store_label(store)).refusal
        except identity.IdentityConfigurationError as error:
            return Refusal(ErrorClass.CONFIGURATION, f"{_store_label(store)}: {error}")
        except (_RefusedError, _GapError) as error:
            return error.refusal

    def _entry(self, external: ExternalSecret, provider: Provider, entry: Entry) -> EntryAdmission:
        name = client_name(external.namespace, entry.source, provider, self.settings)
        draft = _Draft(entry, name)
        ref = entry.source.secret_store_ref
        origin = _origin(external, ref)
        try:
            if ref is None:
                inputs, store, version = identity.environment_inputs(self.environment, self.settings), None, ""
            else:
                inputs, store, version = self._store_inputs(external, ref, provider, draft)
            choice = identity.choose(inputs, self.settings, origin=origin)
            draft.notes.extend(inputs.notes)
        except identity.IdentityConfigurationError as error:
            return draft.refused(Refusal(ErrorClass.CONFIGURATION, f"{origin}: {error}"))
        except _RefusedError as error:
            return draft.refused(error.refusal)
        except _GapError as error:
            return self._finish(draft, provider, identity.Choice(None, error.refusal), error.store, error.version)
        return self._finish(draft, provider, choice, store, version)

    def _finish(
        self, draft: _Draft, provider: Provider, choice: identity.Choice, store: tuple[str, str] | None, version: str
    ) -> EntryAdmission:
        """Add the endpoint, which is checked after the credential chain was assembled."""
        where = endpoints.resolve_endpoint(provider, draft.entry.source, self.settings)
        if where.refusal is not None:
            return msgspec.structs.replace(draft.refused(choice.refusal or where.refusal), chain=choice.chain)
        plan = ClientPlan(
            name=draft.name,
            provider=provider,
            endpoint=where.host,
            endpoint_rule=where.rule,
            region=self.settings.region,
            ca_file=where.ca_file,
            identity=choice.identity,
            refusal=choice.refusal or where.gap,
            version=version,
            store=store,
        )
        return EntryAdmission(draft.entry, draft.name, plan, None, tuple(draft.gates), choice.chain, tuple(draft.notes))

    def _store_inputs(
        self, external: ExternalSecret, ref: SecretStoreRef, provider: Provider, draft: _Draft
    ) -> tuple[identity.AuthInputs, tuple[str, str], str]:
        """Resolve a store reference to its authentication inputs. Raises _RefusedError, _GapError."""
        if not ref.name:
            raise _RefusedError(Refusal(ErrorClass.REFERENCE, "secretStoreRef without name"))
        if ref.kind in ("", STORE_KIND):
            found: SecretStore | ClusterSecretStore = self._secret_store(external, ref, draft)
        elif ref.kind == CLUSTER_STORE_KIND:
            found = self._cluster_store(external, ref, draft)
        else:
            reason = f'secretStoreRef.kind "{ref.kind[:64]}" is neither {STORE_KIND} nor {CLUSTER_STORE_KIND}'
            raise _RefusedError(Refusal(ErrorClass.CONFIGURATION, reason))
        auth = auth_of(found.spec, provider, _store_label(found))
        resolver = _AuthResolver(self, found, draft)
        return resolver.inputs(auth), (found.RESOURCE.kind, _store_path(found)), resolver.version

    def _secret_store(self, external: ExternalSecret, ref: SecretStoreRef, draft: _Draft) -> SecretStore:
        namespace = ref.namespace or external.namespace
        refusal = access.cross_namespace_store(external.namespace, namespace, ref.name, self.settings)
        if namespace != external.namespace:
            draft.gate("G1", refusal, "cross-namespace stores are enabled")
        if refusal is not None:
            raise _RefusedError(refusal)
        return _found(self.references.secret_store(namespace, ref.name), STORE_KIND, f"{namespace}/{ref.name}")

    def _cluster_store(self, external: ExternalSecret, ref: SecretStoreRef, draft: _Draft) -> ClusterSecretStore:
        store = _found(self.references.cluster_secret_store(ref.name), CLUSTER_STORE_KIND, ref.name)
        conditions = store.spec.conditions
        namespace = self.references.namespace(external.namespace) if conditions else Missing()
        refusal = access.store_admits(ref.name, conditions, external.namespace, namespace, self.settings)
        draft.gate("G3", refusal, "the store's conditions admit the namespace" if conditions else "the store has no conditions")
        if refusal is not None:
            raise _RefusedError(refusal)
        return store


def _origin(external: ExternalSecret, ref: SecretStoreRef | None) -> str:
    """Return what an entry gets its credentials from, for a sentence."""
    if ref is None:
        return "environment"  # identity.choose knows this word
    if ref.kind == CLUSTER_STORE_KIND:
        return f"{ref.kind} {ref.name}"
    return f"{STORE_KIND} {ref.namespace or external.namespace}/{ref.name}"


def client_name(namespace: str, source: DataSource, provider: Provider, settings: Settings) -> str:
    """Return the client's name as it stands in error texts (spec/endpoints.md 6)."""
    ref = source.secret_store_ref
    if ref is None:
        base = ENV_CLIENT
    elif ref.kind == CLUSTER_STORE_KIND:
        base = f"cluster/{ref.name}"
    else:
        base = f"namespace/{ref.namespace or namespace}/{ref.name}"
    endpoint = source.kms_endpoint.strip()
    if provider is Provider.OOS and settings.oos_ignores_endpoint:
        endpoint = ""
    return f"{base}#{endpoint}" if endpoint else base


def auth_of(spec: StoreSpec, provider: Provider, label: str) -> Auth:
    """Return the Auth object a store has for a provider. Raises _RefusedError for every other form of store."""

    def refuse(text: str) -> _RefusedError:
        return _RefusedError(Refusal(ErrorClass.CONFIGURATION, f"{label}: {text}"))

    if spec.kms is not None and spec.oos is not None:
        raise refuse("KMS and OOS in one store; a store has one of them: write two stores")
    if spec.kms is not None and spec.kms.dedicated is not None:
        raise refuse("dedicatedKMSAuth is not supported; use KMSAuth and data[].kmsEndpoint")
    section = spec.kms if provider is Provider.KMS else spec.oos
    if section is None:
        section_name = provider.upper()
        raise refuse(f"no {section_name} section for a read of provider {provider}; refer to a store that has one")
    if section.auth is None:
        raise refuse(f"{provider.upper()} without {provider.upper()}Auth; add it, it may be empty")
    return section.auth


class _RefusedError(Exception):
    """The entry fails whatever the backend is."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.reason)
        self.refusal = refusal


class _GapError(Exception):
    """No identity can be built; a backend that assumes identity may go on."""

    def __init__(self, refusal: Refusal, store: tuple[str, str] | None, version: str) -> None:
        super().__init__(refusal.reason)
        self.refusal = refusal
        self.store = store
        self.version = version


class _Draft:
    """Collects what is known about an entry while it is being admitted."""

    def __init__(self, entry: Entry, name: str) -> None:
        self.entry = entry
        self.name = name
        self.gates: list[GateVerdict] = []
        self.notes: list[str] = []

    def gate(self, name: str, refusal: Refusal | None, rule: str) -> None:
        """Record the verdict of a gate."""
        self.gates.append(GateVerdict(name, refusal is None, refusal.reason if refusal else rule))

    def refused(self, refusal: Refusal) -> EntryAdmission:
        """Return the admission of an entry that is not read."""
        return EntryAdmission(self.entry, self.name, None, refusal, tuple(self.gates), (), tuple(self.notes))


class _AuthResolver:
    """Resolves the references of one store's Auth object. version grows with everything that was read."""

    def __init__(self, admitter: Admitter, store: SecretStore | ClusterSecretStore, draft: _Draft) -> None:
        self._references = admitter.references
        self._settings = admitter.settings
        self._store = store
        self._draft = draft
        self._label = _store_label(store)
        # Status writes move the resource version, and a status changes no client: the generation counts where there is one.
        self._versions = [store.metadata.uid, str(store.metadata.generation or store.metadata.resource_version)]

    @property
    def version(self) -> str:
        """Changes when the store or anything it refers to changes."""
        return "/".join(self._versions)

    def inputs(self, auth: Auth) -> identity.AuthInputs:
        """Return the authentication inputs of the store. Raises _RefusedError, _GapError."""
        if auth.remote_ram_role_arn and auth.remote_ram_role_arn_seed not in ("", auth.remote_ram_role_arn):
            raise self._refused(
                ErrorClass.CONFIGURATION, "remoteRamRoleARN and remoteRamRoleArn have different values; keep remoteRamRoleARN"
            )
        try:
            provider_arn, derived, note = identity.derive_provider(auth.oidc_provider_arn, self._settings)
        except identity.IdentityConfigurationError as error:
            raise self._refused(ErrorClass.CONFIGURATION, str(error)) from None
        common = identity.AuthInputs(
            oidc_provider_arn=provider_arn,
            derived=derived,
            remote_role_arn=auth.remote_ram_role_arn or auth.remote_ram_role_arn_seed,
            remote_session_name=auth.remote_ram_role_session_name,
            notes=(note,) if note else (),
        )
        if auth.service_account_ref is not None:
            return self._service_account(auth.service_account_ref, common)
        return msgspec.structs.replace(
            common,
            key_id=self._access_key(auth.access_key, "accessKey"),
            key_secret=self._access_key(auth.access_key_secret, "accessKeySecret"),
            role_arn=auth.ram_role_arn,
            session_name=auth.ram_role_session_name,
            expiration=auth.role_session_expiration,
            token_file=auth.oidc_token_file_path or identity.DEFAULT_TOKEN_FILE,
        )

    def _service_account(self, ref: ServiceAccountRef, common: identity.AuthInputs) -> identity.AuthInputs:
        if not ref.name:
            raise self._refused(ErrorClass.REFERENCE, "serviceAccountRef has no name; name the ServiceAccount")
        namespace = self._ref_namespace(ref.namespace, "serviceAccountRef", f"ServiceAccount {ref.name}")
        found = self._references.service_account(namespace, ref.name)
        if not isinstance(found, Found):
            fix = "; create it, or correct serviceAccountRef" if isinstance(found, Missing) else ""
            raise self._gap(f"serviceAccountRef: ServiceAccount {namespace}/{ref.name} {_why(found)}{fix}")
        annotations = found.obj.metadata.annotations
        self._versions.append(f"{found.obj.metadata.uid}:{annotations.get(ROLE_ARN_ANNOTATION, '')}")
        if ROLE_ARN_ANNOTATION not in annotations:
            what = f"ServiceAccount {namespace}/{ref.name} has no annotation {ROLE_ARN_ANNOTATION}"
            raise self._gap(f"serviceAccountRef: {what}; annotate it with the ARN of its RAM role")
        return msgspec.structs.replace(
            common,
            role_arn=annotations[ROLE_ARN_ANNOTATION],
            service_account=(namespace, ref.name),
            audiences=ref.audiences,
        )

    def _access_key(self, ref: SecretKeyRef | None, field_name: str) -> SecretBytes | None:
        if ref is None:
            return None
        if not ref.name or not ref.key:
            self._missing_key(f"{field_name} has no {'name' if not ref.name else 'key'}; name the Secret and its key")
            return None
        if not ref.namespace and isinstance(self._store, ClusterSecretStore) and self._settings.missing_access_key == "skip":
            self._missing_key(f"{field_name} without namespace")
            return None
        namespace = self._ref_namespace(ref.namespace, field_name, f"Secret {ref.name}")
        found = self._references.secret(namespace, ref.name)
        if isinstance(found, Failed):  # nothing is known about it: never a reason to use another tier
            raise self._gap(f"{field_name}: Secret {namespace}/{ref.name} {_why(found)}")
        if isinstance(found, Missing):
            self._missing_key(f"{field_name}: Secret {namespace}/{ref.name} {_why(found)}; create it, or correct {field_name}")
            return None
        self._versions.append(f"{found.obj.metadata.uid}:{found.obj.metadata.resource_version}")
        return self._key_value(found.obj, ref.key, field_name)

    def _key_value(self, secret: Secret, key: str, field_name: str) -> SecretBytes | None:
        value = secret.data.get(key)
        if value is None:
            what = f'Secret {secret.namespace}/{secret.name} has no key "{key}"'
            self._missing_key(f"{field_name}: {what}; add it, or correct {field_name}.key")
            return None
        if self._settings.trim_access_keys and (trimmed := identity.without_line_break(value)) != value:
            self._draft.notes.append(f"{field_name}: one trailing line break was removed from key {key}")
            value = trimmed
        if value.is_empty():
            self._missing_key(f'{field_name}: key "{key}" of Secret {secret.namespace}/{secret.name} is empty; fill it')
            return None
        return value

    def _missing_key(self, text: str) -> None:
        """A missing AccessKey part fails the client, or counts as empty where the old rule is asked for."""
        if self._settings.missing_access_key == "skip":
            self._draft.notes.append(f"{text}; skipped (--missing-access-key=skip)")
            return
        raise self._gap(text)

    def _ref_namespace(self, given: str, field_name: str, what: str) -> str:
        if isinstance(self._store, ClusterSecretStore):
            if not given:
                raise self._refused(ErrorClass.REFERENCE, f"{field_name}.namespace is missing; a ClusterSecretStore needs it")
            return given
        namespace = given or self._store.namespace
        refusal = access.cross_namespace_auth_ref(self._store.namespace, namespace, what, self._settings)
        if namespace != self._store.namespace:
            self._draft.gate("G2", refusal, "cross-namespace references are enabled")
        if refusal is not None:
            raise _RefusedError(msgspec.structs.replace(refusal, reason=f"{self._label}: {field_name}: {refusal.reason}"))
        return namespace

    def _refused(self, error_class: ErrorClass, text: str) -> _RefusedError:
        return _RefusedError(Refusal(error_class, f"{self._label}: {text}"))

    def _gap(self, text: str) -> _GapError:
        store = (self._store.RESOURCE.kind, _store_path(self._store))
        return _GapError(Refusal(ErrorClass.REFERENCE, f"{self._label}: {text}"), store, self.version)


def _found(found: Lookup[Store], kind: str, path: str) -> Store:
    if isinstance(found, Found):
        return found.obj
    fix = "; create it, or correct secretStoreRef" if isinstance(found, Missing) else ""
    raise _RefusedError(Refusal(ErrorClass.REFERENCE, f"{kind} {path} {_why(found)}{fix}"))


def _why(found: Missing | Failed) -> str:
    return "does not exist" if isinstance(found, Missing) else f"cannot be read: {found.error.message}"


def _store_path(store: SecretStore | ClusterSecretStore) -> str:
    return f"{store.namespace}/{store.name}" if store.namespace else store.name


def _store_label(store: SecretStore | ClusterSecretStore) -> str:
    return f"{store.RESOURCE.kind} {_store_path(store)}"
