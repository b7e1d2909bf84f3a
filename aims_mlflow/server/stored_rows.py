"""Single rows of MLflow's SQL stores, where the public methods read tags, parameters, metrics and aliases with them.

Uses names of MLflow that are not public; a test pins them.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from aims_mlflow.bounded_cache import BoundedCache
from aims_mlflow.ledger.driver_query import DriverQuery
from aims_mlflow.ledger.engine import bound_waits
from aims_mlflow.lifecycle.model_history import qualified
from aims_mlflow.registry.names import PROMPT_SOURCES, REQUEST_TAG
from aims_mlflow.settings import wait_seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aims_mlflow.lifecycle.ledger_guard import MadeVersion

# How many versions the ledger is asked about; a ledger of this registry knows the first.
MAX_MADE = 20
# Names of which it is remembered of what kind their versions are.
MAX_NAMES = 10_000


@dataclass(frozen=True)
class VersionRow:
    """The columns of a version that a decision needs: the location of its files, and their stated origin."""

    name: str
    version: str
    source: str
    run_id: str | None
    # The location that is loaded, where MLflow keeps another than `source`.
    storage_location: str | None = None
    # MLflow's registry keeps none: a version that is read back has no model id either.
    model_id: str | None = None

    @classmethod
    def of(cls, name: str, version: int, source: str, run_id: str | None, location: str | None) -> VersionRow:
        """Return the row with these values of its columns."""
        return cls(name, str(version), source, run_id, location)


@dataclass(frozen=True)
class LoggedModelRow:
    """The location of a logged model's files, and the run that made it."""

    source_run_id: str | None
    artifact_location: str


class RegistryRows:
    """Reads rows of MLflow's SQL registry store, past the gate."""

    def __init__(self, store: Any) -> None:
        self._store = store
        # (workspace, name, whether of prompts) -> when the model was made, and up to which version there is none.
        self._without: BoundedCache[tuple[int | None, int]] = BoundedCache(MAX_NAMES)
        _autocommit(store.engine)

    def version(self, name: str, version: str) -> VersionRow:
        """Return a version that is not deleted.

        Raises:
            MlflowException: there is none.
        """
        row, workspace = None, self._store._get_active_workspace()
        if str(version).isdecimal():
            row = _row(self._store, _version(), {"workspace": workspace, "name": name, "version": int(version)})
        if row is None:  # MLflow reads the number in other ways too, and says in its own words what is wrong with it
            with _reading(self._store) as session:
                row = self._store._get_sql_model_version(session, name, version)
        return VersionRow.of(row.name, row.version, row.source, row.run_id, row.storage_location)

    def version_and_holder(self, name: str, version: str, alias: str) -> tuple[VersionRow, str | None]:
        """Return a version that is not deleted, and the version that an alias of its model points to, if any.

        Raises:
            MlflowException: there is no such version.
        """
        row, asked = None, {"workspace": self._store._get_active_workspace(), "name": name, "alias": alias}
        if str(version).isdecimal():
            row = _row(self._store, _version_and_holder(), {**asked, "version": int(version)})
        if row is None:
            return self.version(name, version), self.alias_holder(name, alias)
        *columns, holder = row
        return VersionRow.of(*columns), None if holder is None else str(holder)

    def versions(self, name: str) -> list[Any]:
        """Return a model's versions that are not deleted, with their aliases.

        MLflow's search hides all versions of a name of which one has the tag of a prompt, which every client may set.
        """
        from mlflow.entities.model_registry.model_version_stages import STAGE_DELETED_INTERNAL
        from mlflow.store.model_registry.dbmodels.models import SqlModelVersion, SqlRegisteredModelAlias

        with _reading(self._store) as session:
            aliases = (
                self._store._get_query(session, SqlRegisteredModelAlias)
                .filter(SqlRegisteredModelAlias.name == name)
                .all()
            )
            query = self._store._get_query(session, SqlModelVersion).options(
                *self._store._get_eager_model_version_query_options()
            )
            there = (SqlModelVersion.name == name, SqlModelVersion.current_stage != STAGE_DELETED_INTERNAL)
            found = [row.to_mlflow_entity() for row in query.filter(*there).order_by(SqlModelVersion.version)]
        for version in found:
            version.aliases = [a.alias for a in aliases if str(a.version) == str(version.version)]
        return found

    def made_by(self, name: str, request: str) -> str | None:
        """Return the version that a request of the gate made, None where it is not there (any more)."""
        from mlflow.entities.model_registry.model_version_stages import STAGE_DELETED_INTERNAL
        from mlflow.store.model_registry.dbmodels.models import SqlModelVersion, SqlModelVersionTag

        tag, version = SqlModelVersionTag, SqlModelVersion
        with _reading(self._store) as session:
            tags = self._store._get_query(session, tag)
            found = tags.filter(tag.name == name, tag.key == REQUEST_TAG, tag.value == request).all()
            versions = self._store._get_query(session, version).filter(version.name == name)
            living = versions.filter(version.current_stage != STAGE_DELETED_INTERNAL)
            numbers = [row.version for row in found if living.filter(version.version == row.version).first()]
        return str(numbers[0]) if numbers else None

    def relied_on(self, ids: Sequence[str]) -> list[tuple[str, str | None]]:
        """Return (location of its files, run) of versions in any workspace that are not deleted.

        With ids of models or runs, only versions whose location or run names one of them, or whose location has no id.
        """
        from mlflow.entities.model_registry.model_version_stages import STAGE_DELETED_INTERNAL
        from mlflow.store.model_registry.dbmodels.models import SqlModelVersion as Version

        location = sa.func.coalesce(Version.storage_location, Version.source)
        query = sa.select(location, Version.run_id).where(Version.current_stage != STAGE_DELETED_INTERNAL)
        if ids:
            named = [clause for each in ids for clause in (location.contains(each), Version.run_id == each)]
            by_run = sa.and_(Version.run_id.is_not(None), location.contains(Version.run_id))
            query = query.where(sa.or_(*named, sa.not_(sa.or_(location.contains("/models/m-"), by_run))))
        with _autocommit(self._store.engine).connect() as connection:
            return [(str(row[0]), row[1]) for row in connection.execute(query)]

    def holds(self, name: str, *, prompts: bool) -> bool:
        """Return whether a name has a version of a prompt, or with `prompts` false of a model, that is not deleted.

        No version changes its kind, so those that were looked at before are not looked at again.

        Raises:
            MlflowException: the registry holds no registered model of this name.
        """
        asked = {"workspace": self._store._get_active_workspace(), "name": name}
        key, query = (*asked.values(), prompts), _of_kind(prompts=prompts)
        made, after = self._without.known(key) or (None, 0)
        row = _row(self._store, query, {**asked, "after": after})
        if after and row is not None and row.creation_time != made:  # another model has the name now
            row = _row(self._store, query, {**asked, "after": 0})
        if row is None:  # MLflow says it in its own words
            self._store.get_registered_model(name)
            return False
        if row.number is None and row.newest is not None:
            self._without.put(key, (row.creation_time, row.newest))
        return row.number is not None

    def made_by_a_gate(self) -> list[MadeVersion]:
        """Return (ledger name, version, request) of versions that a gate let in, in any workspace, newest first."""
        from mlflow.store.model_registry.dbmodels.models import SqlModelVersion, SqlModelVersionTag
        from mlflow.utils.workspace_utils import DEFAULT_WORKSPACE_NAME

        tag, version = SqlModelVersionTag, SqlModelVersion
        same = (tag.workspace == version.workspace) & (tag.name == version.name) & (tag.version == version.version)
        with self._store.ManagedSessionMaker() as session:
            query = session.query(tag.workspace, tag.name, tag.version, tag.value).join(version, same)
            rows = query.filter(tag.key == REQUEST_TAG).order_by(version.creation_time.desc()).limit(MAX_MADE).all()
        return [
            (qualified(name, workspace if workspace != DEFAULT_WORKSPACE_NAME else None), str(number), str(request))
            for workspace, name, number, request in rows
        ]

    def alias_holder(self, name: str, alias: str) -> str | None:
        """Return the current version of an alias; None if the alias is not set."""
        row = _row(
            self._store, _holder(), {"workspace": self._store._get_active_workspace(), "name": name, "alias": alias}
        )
        return str(row.version) if row is not None else None


def logged_model_row(store: Any, model_id: str, *, deleted: bool = False) -> LoggedModelRow:
    """Return a logged model of a tracking store of any kind; of an SQL store, with `deleted`, also one that is deleted.

    Raises:
        MlflowException: there is none, or the store does not answer.
    """
    from mlflow.entities import LifecycleStage

    if not hasattr(store, "_get_logged_model_record"):
        model = store.get_logged_model(model_id)
        return LoggedModelRow(model.source_run_id, model.artifact_location)
    if _looks_in_one_workspace(store):
        with _reading(store) as session:
            row = store._get_logged_model_record(session, model_id)
    else:
        row = _row(store, _logged_model(), {"model_id": model_id})
    if row is None or (row.lifecycle_stage == LifecycleStage.DELETED and not deleted):
        store._raise_model_not_found(model_id)
    return LoggedModelRow(row.source_run_id, row.artifact_location)


def _looks_in_one_workspace(store: Any) -> bool:
    """Return whether a tracking store restricts every query to one workspace."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    return type(store)._get_query is not SqlAlchemyStore._get_query


def _row(store: Any, query: sa.Select[Any], asked: dict[str, Any]) -> Any:
    """Read columns of one row directly; MLflow's sessions and objects take twice as long."""
    with _autocommit(store.engine).connect() as connection:
        found = _for_driver(query, store.engine.dialect).rows(connection, asked)
    return found[0] if found else None


@functools.lru_cache(maxsize=64)
def _for_driver(query: sa.Select[Any], dialect: sa.Dialect) -> DriverQuery:
    return DriverQuery(query, dialect)


@functools.cache
def _version() -> sa.Select[Any]:
    from mlflow.entities.model_registry.model_version_stages import STAGE_DELETED_INTERNAL
    from mlflow.store.model_registry.dbmodels.models import SqlModelVersion as Version

    columns = (Version.name, Version.version, Version.source, Version.run_id, Version.storage_location)
    mine = _named(Version, "workspace", "name", "version")
    return sa.select(*columns).where(*mine, Version.current_stage != STAGE_DELETED_INTERNAL)


@functools.cache
def _version_and_holder() -> sa.Select[Any]:
    return _version().add_columns(_holder().scalar_subquery().label("holder"))


@functools.cache
def _of_kind(*, prompts: bool) -> sa.Select[Any]:
    from mlflow.entities.model_registry.model_version_stages import STAGE_DELETED_INTERNAL
    from mlflow.store.model_registry.dbmodels.models import SqlModelVersion as Version
    from mlflow.store.model_registry.dbmodels.models import SqlRegisteredModel as Model

    source, run = (sa.func.coalesce(column, "") for column in (Version.source, Version.run_id))
    loaded = sa.func.coalesce(Version.storage_location, Version.source)
    from_nowhere = (sa.or_(*(column == each for each in sorted(PROMPT_SOURCES))) for column in (source, loaded))
    of_prompt = sa.and_(*from_nowhere, run == "")
    kind = of_prompt if prompts else ~of_prompt
    named = (*_named(Version, "workspace", "name"), Version.current_stage != STAGE_DELETED_INTERNAL)
    one = sa.select(Version.version).where(*named, Version.version > sa.bindparam("after"), kind).limit(1)
    newest = sa.select(sa.func.max(Version.version)).where(*_named(Version, "workspace", "name"))
    columns = (one.scalar_subquery().label("number"), newest.scalar_subquery().label("newest"))
    return sa.select(Model.creation_time, *columns).where(*_named(Model, "workspace", "name"))


@functools.cache
def _logged_model() -> sa.Select[Any]:
    from mlflow.store.tracking.dbmodels.models import SqlLoggedModel as Model

    return sa.select(Model.source_run_id, Model.artifact_location, Model.lifecycle_stage).where(
        *_named(Model, "model_id")
    )


@functools.cache
def _holder() -> sa.Select[Any]:
    from mlflow.store.model_registry.dbmodels.models import SqlRegisteredModelAlias as Alias

    return sa.select(Alias.version).where(*_named(Alias, "workspace", "name", "alias"))


def _named(model: Any, *columns: str) -> list[Any]:
    return [getattr(model, column) == sa.bindparam(column) for column in columns]


def _reading(store: Any) -> Session:
    """Return a session for one reading statement, without the round trips of a transaction."""
    return Session(_autocommit(store.engine))


@functools.lru_cache(maxsize=16)
def _autocommit(engine: sa.Engine) -> sa.Engine:
    if engine.dialect.name == "sqlite":  # its driver begins nothing for a reading statement
        return engine
    if engine.dialect.name == "postgresql":  # MLflow waits without end for a lock, and here a model is locked meanwhile
        bound_waits(engine, wait_seconds())
        engine.dispose()
    return engine.execution_options(isolation_level="AUTOCOMMIT")
