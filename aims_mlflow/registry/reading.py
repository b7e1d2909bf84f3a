"""Reading of a registry and its ledger for `aims gate adopt`, `reconcile` and `history`.

It goes through MLflow's public client, so that it works on any registry, a managed one without our plug-in too.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aims_mlflow.errors import AimsError, ConfigError
from aims_mlflow.evidence import tracking as store
from aims_mlflow.evidence.digests import model_digest
from aims_mlflow.evidence.registered_models import name_filter
from aims_mlflow.ledger.ledger import Ledger, ledger_uri
from aims_mlflow.lifecycle.model_history import qualified
from aims_mlflow.registry.lookups import RegistryLookups, found_or_none
from aims_mlflow.registry.names import IS_PROMPT_TAG, REQUEST_TAG, is_prompt, is_prompt_source, is_tagged_prompt
from aims_mlflow.registry.scheme import PREFIX
from aims_mlflow.registry.workspaces import DEFAULT_WORKSPACE, in_workspace, workspaces
from aims_mlflow.settings import LEDGER_URI, REGISTRY_URI, policy_folder, value_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aims_mlflow.gates.policy import LoadedPolicy
    from aims_mlflow.ledger.log import Log

PAGE = 200
TAGGED_PROMPT = f"tags.`{IS_PROMPT_TAG}` = 'true'"


@dataclass(frozen=True)
class RegistryModel:
    """A registered model now: its versions, and the versions behind its aliases and gated stages."""

    name: str
    workspace: str | None
    versions: dict[str, Any]
    aliases: dict[str, str]

    @property
    def ledger_name(self) -> str:
        """The model's name in the ledger."""
        return qualified(self.name, self.workspace)


def ledger_address(uri: str | None, registry: str | None) -> str | None:
    """Return the URI of a registry's ledger: `uri`, else `AIMS_LEDGER_URI`, else beside the registry's database.

    Returns None where no option and no setting names any of these.
    """
    named = uri or value_of(LEDGER_URI)
    database = (registry or value_of(REGISTRY_URI) or "").removeprefix(PREFIX)
    if not named and "://" in database and not database.startswith(("http:", "https:")):
        named = ledger_uri(database, None)
    return named


def open_ledger(uri: str | None, registry: str | None, log: Log | None = None) -> Ledger:
    """Open the ledger at `ledger_address`.

    Raises:
        ConfigError: nothing says where it is.
        Unreachable: it cannot be opened.
    """
    named = ledger_address(uri, registry)
    if not named:
        raise ConfigError(
            "nothing says where the ledger is", next=f"set {LEDGER_URI}, or give --ledger or the registry's database"
        )
    return Ledger(named, log)


def connect(tracking: str | None, registry: str | None) -> Any:
    """Return an MLflow client of the plain registry, without the gate."""
    import mlflow

    if tracking:
        mlflow.set_tracking_uri(tracking)
    if registry:
        mlflow.set_registry_uri(registry.removeprefix(PREFIX))
    store.check_there(registry=True)
    return mlflow.MlflowClient()


def policy_in_force(ledger: Ledger) -> LoadedPolicy:
    """Return the policy that the server's workers use, else the one of the policy folder.

    Raises:
        ConfigError, Unreachable: there is none that is valid.
    """
    from aims_mlflow.gates.policy import FILE, load_policy, parse_policy

    digest = ledger.in_force().get("policy")
    text = ledger.state.stored(digest) if digest else None
    return parse_policy(text, FILE) if text else load_policy(policy_folder())


def models(client: Any) -> Iterator[RegistryModel]:
    """Yield every registered model with its versions; prompts are left out.

    Raises:
        Unreachable: the registry does not answer.
    """
    for workspace in workspaces(client):
        with in_workspace(workspace):
            for listed in _listed(client):
                seen = model(client, listed.name, workspace)
                if seen.versions or not is_tagged_prompt(listed):
                    yield seen


def _listed(client: Any) -> Iterator[Any]:
    """Yield every registered model, also those whose tag calls them a prompt: every client may set it."""
    for chosen in (None, TAGGED_PROMPT):
        search = functools.partial(client.search_registered_models, filter_string=chosen)
        yield from _pages(search, "list the registered models")


def _pages(search: Callable[..., Any], what: str) -> Iterator[Any]:
    token: str | None = None
    while True:
        with store.reaching(what):
            page = search(max_results=PAGE, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def model(client: Any, name: str, workspace: str | None = None) -> RegistryModel:
    """Return one registered model with its versions.

    Raises:
        Unreachable: there is none, or the registry does not answer.
    """
    with store.reaching(f"read the registered model {name}"):
        registered = below(client).get_registered_model(name)
    versions = {number: v for number, v in _versions(client, registered).items() if not _loads_nothing(client, v)}
    # An alias that points to a prompt says nothing of a name that holds prompts alone.
    aliases = {a: str(v) for a, v in registered.aliases.items()} if versions else {}
    return RegistryModel(name, workspace if workspace != DEFAULT_WORKSPACE else None, versions, aliases)


def _loads_nothing(client: Any, version: Any) -> bool:
    """Return whether a version is a prompt's, and loads no files from elsewhere: a row of the database can do both."""
    if not is_prompt(version):
        return False
    with store.reaching(f"read the place of {version.name} version {version.version}"):
        return is_prompt_source(below(client).get_model_version_download_uri(version.name, version.version))


def _versions(client: Any, registered: Any) -> dict[str, Any]:
    """Return every version of a registered model, prompts too.

    MLflow's search hides all versions of a name of which one has the tag of a prompt, which every client may set. The
    registered model tells their newest number all the same: what is not found up to that one is asked for by itself.
    """
    name, what = registered.name, f"read the registered model {registered.name}"
    named = name_filter(name)
    newest = max((int(v.version) for v in registered.latest_versions or ()), default=0)
    found: dict[str, Any] = {}
    # A name with both kinds of quotes fits into no filter.
    for chosen in () if "'" in name and '"' in name else (named, f"{named} and {TAGGED_PROMPT}"):
        found |= {str(v.version): v for v in _pages(functools.partial(client.search_model_versions, chosen), what)}
        if not newest or (str(newest) in found and chosen == named):
            return found
    for number in map(str, range(1, newest + 1)):
        if number not in found:
            with store.reaching(what):
                version = found_or_none(below(client).get_model_version, name, number)
            found |= {number: version} if version is not None else {}
    return found


def below(client: Any) -> Any:
    """Return the client below MLflow's: that one refuses to answer about models that are tagged as prompts."""
    return client._get_registry_client()  # noqa: SLF001 - a test pins it


def lookups(client: Any) -> RegistryLookups:
    """Return the registry lookups for recovery."""
    return RegistryLookups(below(client), functools.partial(made_by, client))


def made_by(client: Any, name: str, request: str) -> str | None:
    """Return the version that a request of the gate made, None where the registry shows none.

    Raises:
        Unreachable: it does not answer.
    """
    seen = try_model(client, name, None)
    made = (number for number, v in seen.versions.items() if v.tags.get(REQUEST_TAG) == request) if seen else iter(())
    return next(made, None)


def try_model(client: Any, name: str, workspace: str | None) -> RegistryModel | None:
    """Return one registered model as it is now; None if the workspace has no model of that name.

    Raises:
        Unreachable: the registry does not answer.
    """
    from mlflow.exceptions import MlflowException

    with store.reaching(f"read the registered model {name}"):
        try:
            below(client).get_registered_model(name)
        except MlflowException as exc:
            if exc.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise
    return model(client, name, workspace)


def digest_now(version: Any) -> str:
    """Return the current digest of the files that a deployer of a version loads.

    Raises:
        Unreachable: they cannot be read.
    """
    address = f"models:/{version.name}/{version.version}"
    with store.downloaded(address, f"version {version.version} of {version.name}") as folder:
        return model_digest(folder)


def try_digest(version: Any) -> tuple[str | None, str]:
    """Return (digest, "") or (None, why it cannot be read)."""
    try:
        return digest_now(version), ""
    except AimsError as exc:
        return None, exc.sentence()


def try_digest_of_row(version: Any) -> tuple[str | None, str]:
    """Return the digest of what the registry's row names, as `try_digest`, where users load from another place.

    A gated server answers where the files lie that it let in; who reads the database, or a server without the gate,
    loads what the row names.
    """
    try:
        for place in named_elsewhere(version.name, str(version.version)):
            with store.downloaded(
                place, f"what the row of version {version.version} of {version.name} names"
            ) as folder:
                return model_digest(folder), ""
    except AimsError as exc:
        return None, exc.sentence()
    return try_digest(version)


def named_elsewhere(name: str, version: str) -> list[str]:
    """Return the place that the registry's row names for a version, where it is not the one that a user loads from.

    Raises:
        Unreachable: the registry does not answer.
    """
    from mlflow import MlflowClient

    with store.reaching(f"read version {version} of {name}"):
        source = str(MlflowClient().get_model_version(name, version).source)
        loaded = str(MlflowClient().get_model_version_download_uri(name, version))
    same = _plain(source) == _plain(loaded)
    return [] if same or source.startswith("models:/") else [source]


def _plain(place: str) -> str:
    return place.removeprefix("file://").rstrip("/")
