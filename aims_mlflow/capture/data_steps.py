"""Data steps: `@aims.acquires` and `@aims.prepares` record the acquisition and the preparation of data.

They observe: a failure here is printed, and the decorated function's result is returned.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import mlflow
from pydantic import ValidationError

from aims_mlflow.adapters.reading.read_table import AS_FOUND
from aims_mlflow.capture import lineage
from aims_mlflow.capture.active_run import waiting_run
from aims_mlflow.capture.callables import bind, name_of
from aims_mlflow.capture.code import code_version
from aims_mlflow.capture.console import log, say, say_once, sentence_once
from aims_mlflow.capture.environment import tool_versions
from aims_mlflow.capture.parameters import settings_of
from aims_mlflow.capture.quiet_warnings import no_errors
from aims_mlflow.capture.setup import Setup, load_setup, source_statement
from aims_mlflow.capture.state import memory, open_recorder
from aims_mlflow.capture.step_tables import StepInput, described, files_read, rows_by_group, rows_lost, some, tables_in
from aims_mlflow.errors import AimsError, ConfigError, did_you_mean
from aims_mlflow.evidence import tracking
from aims_mlflow.evidence.session import SessionWriter, session_path
from aims_mlflow.evidence.statement import SealedRecord, Subject
from aims_mlflow.field_address import field_text
from aims_mlflow.records.details.training import AcquisitionDetails, PreparationDetails
from aims_mlflow.records.evidence import MlflowIds
from aims_mlflow.records.system import Source
from aims_mlflow.signing.key_sources import signing_key
from aims_mlflow.signing.keys import who

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from aims_mlflow.records.details.base import DatasetDescription, EvidenceDetails

# What A.7.3 and A.7.5 ask of a source.
EXPECTED = ("owner", "licence", "rights", "subjects", "selection_reason")


def source_of(name: str, given: Mapping[str, Any]) -> Source:
    """Return the source's details as given to the decorator.

    Raises:
        ConfigError: a key is not known.
    """
    unknown = set(given) - set(Source.model_fields)
    if unknown:
        key = min(unknown)
        raise ConfigError(
            f"acquires({name!r}): unknown key {key!r}, {did_you_mean(key, Source.model_fields)}".rstrip(", ")
        )
    try:
        return Source.model_validate(dict(given))
    except ValidationError as exc:
        error = exc.errors()[0]
        raise ConfigError(f"acquires({name!r}): {field_text(error['loc'])}: {error['msg']}") from None


def check_reason(why: str) -> None:
    """Refuse a preparation without a reason (A.7.6 asks for the criteria).

    Raises:
        ConfigError: `why` is no text, or empty.
    """
    if not isinstance(why, str) or not why.strip():
        raise ConfigError(
            "@aims.prepares needs why=: one sentence on why this step is done",
            next='write @aims.prepares(why="...") above the function',
        )


@contextlib.contextmanager
def _observing(what: str) -> Iterator[None]:
    try:
        with no_errors():
            yield
    except AimsError as exc:
        say_once(f"{what} is not recorded: {sentence_once(exc)}")
    except Exception as exc:  # noqa: BLE001 - an observer never breaks its host
        log.warning("%s is not recorded", what, exc_info=True)
        say_once(f"{what} is not recorded ({type(exc).__name__}, see the log)")


def inputs_of(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], config: Any
) -> StepInput | None:
    """Return the first table among the arguments, before the function may change it in place."""
    with _observing("a preparation's input"):
        reading, sensitive = AS_FOUND, tuple[str, ...]()
        with contextlib.suppress(AimsError):  # said when the preparation is recorded
            data = load_setup(config, function, None).config.data
            reading, sensitive = data.reading, data.sensitive
        for name, value in bind(function, args, kwargs).items():
            for frame, digest, _ in tables_in(value, reading).values():
                return StepInput(described(name, frame, digest), rows_by_group(frame, sensitive))
    return None


def record_acquisition(
    name: str,
    source: Source,
    function: Callable[..., Any],
    call: tuple[tuple[Any, ...], dict[str, Any]],
    returned: Any,
    config: Any,
) -> None:
    """Sign one acquisition record for each table that the function returned; `call` are its arguments."""
    with _observing(f"the acquisition of {name}"):
        arguments = bind(function, *call)
        setup = load_setup(config, function, None)
        stated = source_statement(name, setup.config.data.sources.get(name, Source()), source)
        files = files_read(arguments.values())
        missing = [k for k in EXPECTED if getattr(stated, k) is None]
        with _session(setup, f"{name} (data)") as session:
            for label, (frame, digest, item) in some(tables_in(returned, setup.config.data.reading), name).items():
                data = described(name if label == "output" else f"{name}, {label}", frame, digest)
                settings = settings_of(arguments)
                details = AcquisitionDetails(
                    name=name,
                    source=stated,
                    data=data,
                    files=files,
                    parameters=dict(settings.values),
                    parameters_left_out=settings.left_out or None,
                    function=name_of(function),
                    code=code_version(function),
                )
                session.add(
                    "acquisition",
                    Subject(name=name, digest=digest),
                    item if item is not None else frame,
                    files.values(),
                    result="warned" if missing else "passed",
                    reason=f"aims.yaml does not state data.sources.{name}: {', '.join(missing)}" if missing else None,
                    details=details,
                )


def record_preparation(
    why: str, function: Callable[..., Any], before: StepInput | None, returned: Any, config: Any
) -> None:
    """Sign one preparation record for each table that the function returned."""
    name = name_of(function).removeprefix(f"{getattr(function, '__module__', '')}.")
    with _observing(f"the preparation {name}"):
        setup = load_setup(config, function, None)
        with _session(setup, f"{name} (data)") as session:
            tables = some(tables_in(returned, setup.config.data.reading), name)
            for label, (frame, digest, item) in tables.items():
                after = described(label, frame, digest)
                # A step that returns several tables divides its rows: none of them tells what was lost.
                lost = rows_lost(before, frame) if before is not None and len(tables) == 1 else ()
                session.add(
                    "preparation",
                    Subject(name=name, digest=digest),
                    item if item is not None else frame,
                    result="passed" if before else "warned",
                    reason=None if before else "the function took no table, so its input is not known",
                    claims=lost,
                    details=_prepared(before.description if before else None, after).changed(
                        why=why, function=name_of(function), code=code_version(function)
                    ),
                )


def _prepared(before: DatasetDescription | None, after: DatasetDescription) -> PreparationDetails:
    """Return the details of a preparation: both tables, and what changed between them."""
    if before is None:
        return PreparationDetails(output=after)
    old, new = before.columns or [], after.columns or []
    more = (after.rows or 0) - (before.rows or 0)
    return PreparationDetails(
        input=before,
        output=after,
        rows_removed=max(0, -more),
        rows_added=max(0, more),
        columns_removed=[c for c in old if c not in new],
        columns_added=[c for c in new if c not in old],
    )


class StepSession:
    """The session of one data step: its records, and the tables that they describe."""

    def __init__(self, writer: SessionWriter) -> None:
        """Write the records with `writer`."""
        self._writer = writer
        self._outputs: list[tuple[SealedRecord, Any, frozenset[str]]] = []

    def add(
        self,
        kind: str,
        subject: Subject,
        table: Any,
        files: Iterable[str] = (),
        *,
        details: EvidenceDetails,
        **fields: Any,
    ) -> None:
        """Sign the record of one returned table; `files` are the digests of the files that it was read from."""
        record = self._writer.add(kind, [subject], tools=tool_versions(), details=details, **fields)
        self._outputs.append((record, table, frozenset(files)))

    def write(self, run_id: str, system: str) -> None:
        """Write the session into a run, and keep its tables so that a training can be joined to them.

        Raises:
            Unreachable: the run cannot be written.
        """
        self._writer.close()
        jsonl = self._writer.jsonl()
        tracking.put(run_id, {session_path(self._writer.id): jsonl})
        tags = {}
        for record, table, files in self._outputs:
            origin = lineage.from_record(record, jsonl, run_id)
            origin.digests |= files
            lineage.remember(origin, table if hasattr(table, "columns") and hasattr(table, "iloc") else None)
            tags.update({lineage.data_tag(d): "output" for d in origin.digests})
        tracking.tag_run(run_id, {**tags, "aims.system": system})
        recorder = open_recorder()
        if recorder is not None:  # its run may turn out to be another one
            recorder.earlier_sessions[self._writer.id] = jsonl
            recorder.tags |= tags


@contextlib.contextmanager
def _session(setup: Setup, run_name: str) -> Iterator[StepSession]:
    """Give the session of one data step; it is written at the end."""
    system = setup.config.system.id
    with _run(run_name) as ids:
        session = StepSession(
            SessionWriter(signing_key(say), who(), system=system, mlflow=ids, pack_digest=setup.pack_digest)
        )
        yield session
        session.write(str(ids.run_id), system)


@contextlib.contextmanager
def _run(name: str) -> Iterator[MlflowIds]:
    """Give the run for data evidence: the open session's, the active one, or one for the whole process."""
    recorder, active = open_recorder(), mlflow.active_run()
    if recorder is not None or active is not None:
        yield recorder.ids if recorder is not None else _ids(active)
        return
    uri = mlflow.get_tracking_uri()
    client = mlflow.MlflowClient()
    with tracking.reaching("start a run for data evidence"):
        tracking.check_server()
        known = memory.data_runs.get(uri)
        run = client.get_run(known) if known else waiting_run(name)[0]
    memory.data_runs[uri] = run.info.run_id
    try:
        yield _ids(run)
    finally:
        client.set_terminated(run.info.run_id)


def _ids(run: Any) -> MlflowIds:
    return MlflowIds(run_id=run.info.run_id, experiment_id=run.info.experiment_id)
