"""Evidence in MLflow: reads and writes plain artifacts and tags through the public client of any MLflow server."""

from __future__ import annotations

import contextlib
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from aims_mlflow.errors import AimsError, ConfigError, Unreachable, how_to_install
from aims_mlflow.evidence import mlflow_address as address
from aims_mlflow.evidence.mlflow_address import plain_uri
from aims_mlflow.evidence.patience import patience
from aims_mlflow.evidence.session import SESSION_DIR
from aims_mlflow.settings import environment, is_set

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = "aims"
# What plain registries say of a name that is not there, or that is no name to them: some take none without a catalog.
NOT_THERE = (
    "RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE", "ENDPOINT_NOT_FOUND", "NOT_FOUND", "FEATURE_DISABLED",
)  # fmt: skip
MAX_FILES, MAX_FILE_BYTES = 1000, 256 * 2**20  # whoever may write into a run can put any file in evidence's place
MODEL_ID, MODEL_IN_SOURCE = re.compile(r"^m-[0-9a-f]{32}$"), re.compile(r"m-[0-9a-f]{32}")
RUN_ID = re.compile(r"^[0-9a-f]{32}$")


@dataclass(frozen=True)
class Target:
    """The run that a user named, and the model if they named one."""

    run_id: str
    model_id: str | None = None
    name: str | None = None
    version: str | None = None

    def called(self, text: str) -> str:
        """Return the user's address `text`; an address with an alias gets the current version appended."""
        return f"{text} (version {self.version})" if "@" in text and self.version else text


def _mlflow() -> Any:
    import mlflow

    return mlflow


def client() -> Any:
    """Return a client of the configured tracking server; ConfigError for an address of a kind that MLflow lacks."""
    with address.known_kind(_mlflow().get_tracking_uri(), _mlflow().tracking.registry):
        return _mlflow().MlflowClient()


def _database_errors() -> tuple[type[Exception], ...]:
    """Return the errors of SQLAlchemy; none where it is not installed, as beside mlflow-skinny."""
    try:
        from sqlalchemy.exc import SQLAlchemyError
    except ImportError:
        return ()
    return (SQLAlchemyError,)


@contextlib.contextmanager
def reaching(what: str) -> Iterator[None]:
    """Turn errors of MLflow and the network into an error with one sentence; a long wait speaks.

    Raises:
        PolicyRefused: the registry's gate says no.
        Unreachable: whatever else stopped MLflow from doing `what`.
    """
    import requests
    from mlflow.exceptions import MlflowException

    if patience.lost:
        raise patience.lost
    gone, advice, where = False, address.REACH, plain_uri(_mlflow().get_tracking_uri())
    try:
        with patience.speaking(f"MLflow at {where} to {what}"):
            yield
    except MlflowException as exc:
        if exc.error_code == address.DENIED:
            raise address.denied(what, str(exc.message).splitlines()[0], where) from None
        reason = address.without_page(str(exc.message).splitlines()[0][:300])
        gone = "API request to" in reason and "failed with exception" in reason
        advice = address.NAME_IT if exc.error_code in address.ABSENT else address.REACH
    except requests.exceptions.RequestException as exc:
        reason, gone = type(exc).__name__, True
    except ImportError as exc:
        lacking = f"MLflow could not {what}: the driver {exc.name or 'of the database'} is not installed"
        fix = f"install it, for PostgreSQL with {how_to_install('postgresql')}"
        raise ConfigError(lacking, where=where, next=fix) from None
    except _database_errors() as exc:
        reason = str(getattr(exc, "orig", None) or exc).strip().splitlines()[0][:300]
    except OSError as exc:
        reason = exc.strerror or type(exc).__name__
    else:
        return
    error = Unreachable(f"MLflow could not {what}: {reason}", where=where, next=advice)
    if gone:
        patience.lose(error)
    raise error


def is_configured() -> bool:
    """Return whether somebody said where MLflow keeps runs: MLFLOW_TRACKING_URI, or a call in this process."""
    return bool(_mlflow().is_tracking_uri_set())


def check_server() -> None:
    """Check within seconds that a tracking server answers; MLflow itself would retry for minutes.

    Raises:
        Unreachable: nothing listens at MLFLOW_TRACKING_URI.
    """
    address.check_answers(_mlflow().get_tracking_uri())


def check_there(*, registry: bool = False) -> None:
    """Check that there is something to read: reading makes no database where MLflow would make a new one.

    Args:
        registry: Whether the registry is read, and not the tracking store.

    Raises:
        Unreachable: the tracking server does not answer, or the database file does not exist.
    """
    check_server()
    address.check_file(str(_mlflow().get_registry_uri() if registry else _mlflow().get_tracking_uri()))


def registered_model(name: str) -> Any:
    """Return a registered model; None if it does not exist.

    Raises:
        ConfigError, Unreachable: the registry does not tell.
    """
    from mlflow.exceptions import MlflowException
    from mlflow.tracking.registry import UnsupportedModelRegistryStoreURIException

    reading = reaching(f"read the registered model {name}")
    with reading, address.known_kind(_mlflow().get_registry_uri(), _mlflow().tracking.registry):
        try:
            return client().get_registered_model(name)
        except UnsupportedModelRegistryStoreURIException:
            raise
        except MlflowException as exc:
            if exc.error_code in NOT_THERE:
                return None
            raise


def put(run_id: str, files: Mapping[str, bytes]) -> None:
    """Write files (path relative to the run's artifact root -> content) into a run.

    Raises:
        Unreachable: the artifact store cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix="aims-") as folder, reaching("write evidence into the run"):
        for name, content in files.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        client().log_artifacts(run_id, folder)


def tag_run(run_id: str, tags: Mapping[str, str]) -> None:
    """Set tags on a run; they serve to find evidence, and are not evidence themselves."""
    with reaching("tag the run"):
        for key, value in tags.items():
            client().set_tag(run_id, key, value[:5000])


def tag_model(model_id: str, tags: Mapping[str, str]) -> None:
    """Set tags on a logged model, which lead to its run."""
    with reaching("tag the model"):
        client().set_logged_model_tags(model_id, dict(tags))


def session_files(run_id: str) -> dict[str, bytes]:
    """Return the run's session files by path; empty if it has none.

    Raises:
        Unreachable: the run or its artifacts cannot be read.
    """
    with reaching(f"read the evidence of run {run_id}"):
        listed = [f.path for f in client().list_artifacts(run_id, SESSION_DIR) if not f.is_dir]
    names = [n for n in listed if n.endswith(".jsonl")][:MAX_FILES]
    return {name: read_file(run_id, name) for name in names}


def read_file(run_id: str, path: str) -> bytes:
    """Return one artifact's bytes.

    Raises:
        Unreachable: it is not there, cannot be read, or is larger than evidence is.
    """
    check_inside(path)
    reading = reaching(f"read {path} of run {run_id}")
    with tempfile.TemporaryDirectory(prefix="aims-") as folder, reading, _no_progress_bar():
        file = Path(client().download_artifacts(run_id, path, folder))
        if (size := file.stat().st_size) > MAX_FILE_BYTES:
            raise Unreachable(f"it has {size:,} bytes, evidence {MAX_FILE_BYTES:,} at most", where=f"{run_id}/{path}")
        return file.read_bytes()


def check_inside(path: str) -> None:
    """Refuse an artifact path that leads out of its root.

    Raises:
        ConfigError: it is absolute, climbs, or has a backslash or a null byte.
    """
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or "\\" in path or "\0" in path or not path:
        raise ConfigError(f"the artifact path {path!r} leads out of its run")


@contextlib.contextmanager
def downloaded(address: str, what: str) -> Iterator[Path]:
    """Download the artifacts at an address, and yield their folder; it is deleted afterwards.

    Raises:
        Unreachable: it cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="aims-") as folder:
        try:
            with reaching(f"read the files of {what}"), _no_progress_bar():
                got = _mlflow().artifacts.download_artifacts(artifact_uri=address, dst_path=folder)
        except AimsError:
            raise
        except Exception as exc:  # each kind of store has errors of its own
            raise Unreachable(f"the files of {what} cannot be read ({type(exc).__name__}: {exc})") from exc
        yield Path(got)


@contextlib.contextmanager
def _no_progress_bar() -> Iterator[None]:
    """Switch MLflow's progress bar off, unless the user has set its variable."""
    name = "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"
    with contextlib.nullcontext() if is_set(name) else environment({name: "false"}):
        yield


def resolve(text: str) -> Target:
    """Resolve `runs:/ID[/...]`, a run id, `models:/m-...`, `models:/NAME/VERSION` or `@ALIAS`.

    Raises:
        ConfigError: it is none of these.
        Unreachable: MLflow does not know it, or does not answer.
    """
    check_there()
    if RUN_ID.match(text):
        text = f"runs:/{text}"
    if text.startswith("runs:/"):
        run_id = text.removeprefix("runs:/").split("/")[0]
        with reaching(f"find run {run_id}"):
            client().get_run(run_id)
        return Target(run_id)
    rest = text.removeprefix("models:/")
    if rest != text:
        with reaching(f"find {text}"):
            if MODEL_ID.match(rest):
                return _of_model(rest)
            return _of_version(rest, text)
    raise ConfigError(
        f"{text!r} names neither a run nor a model", next="use runs:/ID, models:/NAME/VERSION or models:/m-ID"
    )


def _of_model(model_id: str, **more: str) -> Target:
    model = client().get_logged_model(model_id)
    # A model that was logged outside any run has a tag with the run that its evidence is in.
    run_id = model.source_run_id or model.tags.get("aims.run")
    if not run_id:
        raise Unreachable(
            f"model {model_id} was logged outside any run, so it has no evidence", next="`aims.evaluate` makes some"
        )
    return Target(run_id, model_id, **more)


def _of_version(rest: str, text: str) -> Target:
    if "@" in rest:
        name, alias = rest.rsplit("@", 1)
        version = client().get_model_version_by_alias(name, alias)
    elif "/" in rest:
        name, number = rest.rsplit("/", 1)
        version = client().get_model_version(name, number)
    else:
        raise ConfigError(f"{text!r} names no version", next=f"use {text}/VERSION or {text}@ALIAS")
    model_id = version.model_id or (MODEL_IN_SOURCE.search(version.source or "") or [None])[0]
    if model_id:
        return _of_model(model_id, name=name, version=str(version.version))
    if version.run_id:
        return Target(version.run_id, None, name, str(version.version))
    raise Unreachable(f"{text} does not say which run or model it comes from")
