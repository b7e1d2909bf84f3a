"""The client's side of the channel to a gate: status, explanations and consents, over the registry alone."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aims_mlflow.errors import AimsError, ConfigError, Unreachable
from aims_mlflow.evidence import registered_models, tracking
from aims_mlflow.evidence.digests import model_digest
from aims_mlflow.evidence.model_files import model_folder
from aims_mlflow.evidence.statement import SealedRecord, Subject, seal
from aims_mlflow.gates.consents import BESIDE, packed
from aims_mlflow.records.base import utc_text, uuid7
from aims_mlflow.records.decision import Consent, Decision
from aims_mlflow.records.details.gate import ConsentDetails
from aims_mlflow.records.evidence import Evidence
from aims_mlflow.records.leaves.others import ConsentText
from aims_mlflow.registry.inventory.pages import paged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aims_mlflow.records.policy import Stage
    from aims_mlflow.signing.keys import SigningKey


@dataclass(frozen=True)
class ModelRef:
    """A model that a user named, with its registered name."""

    name: str
    version: str | None
    model_id: str
    digest: str


@dataclass(frozen=True)
class ExplainedDecision:
    """The decision that a gate would make, and what it tells whoever signs.

    `void_waivers` are waivers that cover nothing, each with the reason; `involved_keys` the keys of those who may
    neither approve nor waive. An older server tells neither: the keys are then None.
    """

    decision: Decision
    void_waivers: tuple[str, ...] = ()
    involved_keys: frozenset[str] | None = None


@dataclass(frozen=True)
class SigningRules:
    """What a consent is bound to: the rules' digest, the model's workspace, the registry's log; how long waivers last.

    An older server does not tell the bounds: they are then None.
    """

    stage_digest: str
    workspace: str | None
    waiver_days: int | None
    break_glass_hours: int | None
    log: str | None


def status(url: str | None = None) -> dict[str, str]:
    """Return the status of a registry's gate, {} for an ungated one; `url` None is the configured server.

    Raises:
        ConfigError: `url` is no address of a registry.
        Unreachable: no server answers, or not to this question.
    """
    if url is not None:
        import mlflow

        parts = urlsplit(url)
        if "://" not in url or (parts.scheme in ("http", "https") and not parts.hostname):
            raise ConfigError(f"{url!r} is no address of a registry", next="give http://HOST:PORT")
        mlflow.set_tracking_uri(url)
    tracking.check_there(registry=True)
    return registered_models.gate_status()


def named(target: str, name: str | None = None) -> ModelRef:
    """Find the model for `target`; `name` is needed for a model without a registered version.

    Raises:
        ConfigError: it names no logged model, or no registered name.
        Unreachable: it cannot be found or read.
    """
    found = tracking.resolve(target)
    if found.model_id is None:
        raise ConfigError(f"{target} names no logged model", next="use models:/NAME/VERSION or models:/m-ID")
    registered = name or found.name
    if registered is None:
        raise ConfigError(f"{target} has no registered name yet", next="add --name NAME")
    version = found.version if name in (None, found.name) else None
    return ModelRef(registered, version, found.model_id, _digest(found))


def _digest(found: tracking.Target) -> str:
    """Return the digest of a model's bytes, or the one in its version's tag if the files are gone."""
    try:
        with model_folder(str(found.model_id)) as folder:
            return model_digest(folder)
    except AimsError:
        tag = registered_models.version_tag(found, "aims.model_digest")
        if not tag:
            raise
        return tag


def explain(name: str, which: str, stage: Stage, alias: str | None = None) -> ExplainedDecision:
    """Return the decision that the gate would make now, with its notes; the registry is not changed.

    `which` is the number of a version, or the id of a logged model (`m-...`) that may become one.

    Raises:
        Unreachable: the registry has no gate, or does not answer.
    """
    subject = which if which.startswith("m-") else f"v{which}"
    question = f"aims.explain.{stage}" + (f".{alias}" if alias else "") + f".{subject}"
    if not status():
        raise Unreachable("this registry has no gate", next="start MLflow with --registry-store-uri aims+...")
    with tracking.reaching(f"explain {name} {which}"):
        answer = tracking.client().get_model_version_by_alias(name, question)
    keys = answer.tags.get("aims.involved_keys")
    return ExplainedDecision(
        Decision.model_validate(json.loads(answer.tags["aims.decision"])),
        tuple(json.loads(answer.tags.get("aims.void_waivers", "[]"))),
        None if keys is None else frozenset(json.loads(keys)),
    )


def void_waivers() -> Iterator[str]:
    """Yield one line for each waiver that has not ended and covers nothing, of the models that this login may read.

    Raises:
        Unreachable: the registry does not answer, or its server is of a release that does not list them.
    """
    client = tracking.client()
    for model in paged(client.search_registered_models, "list the registered models"):
        with tracking.reaching(f"list the waivers of {model.name}"):
            answer = client.get_model_version_by_alias(model.name, "aims.waivers")
        yield from (f"{model.name}: {line}" for line in json.loads(answer.tags["aims.void_waivers"]))


def make_room(name: str) -> None:
    """Create a model in a gated registry if it is missing: MLflow lets a login read existing models only.

    Raises:
        Unreachable: the registry has no gate, or does not answer.
    """
    if not status():
        raise Unreachable(
            "this registry has no gate, so there is nothing to approve",
            next="start MLflow with --registry-store-uri aims+...",
        )
    if registered_models.has_registered_model(name):
        return
    with tracking.reaching(f"make the registered model {name}"):
        tracking.client().create_registered_model(name)


def rules_in_force(model: ModelRef, stage: Stage, alias: str | None) -> SigningRules:
    """Return the rules in force, to which a consent is bound.

    Raises:
        Unreachable: the registry has no gate, or does not answer.
    """
    question = f"aims.explain.{stage}" + (f".{alias}" if alias else "") + ".v0"
    with tracking.reaching(f"read the rules for {model.name}"):
        answer = tracking.client().get_model_version_by_alias(model.name, question)
    tags = answer.tags
    days, hours = (tags.get(name) for name in ("aims.waiver_days", "aims.break_glass_hours"))
    return SigningRules(
        str(tags["aims.stage_digest"]),
        tags.get("aims.workspace"),
        days and int(days),
        hours and int(hours),
        tags.get("aims.log"),
    )


def sign_consent(consent: Consent, model: ModelRef, key: SigningKey, actor: str) -> tuple[SealedRecord, ConsentText]:
    """Return a signed consent, bound to the model's bytes, and the text to which it commits."""
    words = ConsentText.of(consent.comment, actor)
    consent = consent.model_copy(update={"words": words.commitment})
    signed = consent.model_dump(mode="json", exclude_none=True, exclude={"comment"})
    body = Evidence(
        id=uuid7(),
        kind=consent.action,
        result="passed",
        controls=(consent.control or "A.6.2.5",),
        actor=BESIDE,
        key_id=key.key_id,
        time=utc_text(),
        valid_until=consent.expires,
        details=ConsentDetails().changed(**signed).plain(),
    )
    return seal(body, [Subject(name=f"models:/{model.model_id}", digest={"dirHash1": model.digest})], key), words


def send_consent(record: SealedRecord, words: ConsentText, name: str) -> None:
    """Send a consent to the gate.

    Raises:
        Unreachable: the gate refused it, or does not answer.
    """
    with tracking.reaching("hand over the consent"):
        tracking.client().set_registered_model_tag(
            name, f"aims.approval.{secrets.token_hex(16)}", packed(record.envelope.raw, words)
        )


def tell_published(run_id: str) -> int:
    """Tell the gate of a document's run; returns how many sessions it sealed, 0 where it knew them all.

    Raises:
        Unreachable: the gate refused them, or does not answer.
    """
    with tracking.reaching("seal the document"):
        answer = tracking.client().get_model_version_by_alias(registered_models.STATUS_MODEL, f"aims.publish.{run_id}")
    return int(answer.tags["aims.sealed"])
