"""`aims.load_model`: a registered model is verified, and then loaded from the very bytes that were verified."""

from __future__ import annotations

import atexit
import contextlib
from typing import TYPE_CHECKING, Any

from aims_mlflow.audit.model import ModelCheck
from aims_mlflow.errors import ConfigError, EvidenceError
from aims_mlflow.evidence import tracking
from aims_mlflow.evidence.digests import model_digest
from aims_mlflow.evidence.run_source import open_source
from aims_mlflow.evidence.trust import trusted_keys
from aims_mlflow.gates.counting_evidence import TRAINING
from aims_mlflow.registry.reading import open_ledger
from aims_mlflow.registry.workspaces import ledger_name
from aims_mlflow.settings import LEDGER_URI, keyring_roots, value_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aims_mlflow.evidence.verify import Problem

# What is loaded may read its files later: the verified copies stay until the process ends.
_copies = contextlib.ExitStack()
atexit.register(_copies.close)


def load_model(
    model: str,
    *,
    ledger: str | None = None,
    keys: Sequence[str] = (),
    load: Callable[[str], Any] | None = None,
) -> Any:
    """Verify a registered model, and load it from the bytes that were verified.

    With a ledger, named by `ledger` or `AIMS_LEDGER_URI`: the files are those that were registered, the decisions are
    sealed below a checkpoint that a trusted log key signed, no approval was taken back, and the gate set the alias.
    Without one: the files are those of a training that a trusted key signed, whatever a gate decided. Trusted are the
    keyring of the policy folder, this account's key, and the public keys in the files `keys`.

    `model` is `models:/NAME@ALIAS` or `models:/NAME/VERSION`; `load` takes the folder with the files, and is
    `mlflow.pyfunc.load_model` by default.

    Raises:
        ConfigError: `model` names no registered version, or what loads it is not installed here.
        EvidenceError: it does not verify, and is not loaded.
        Unreachable: MLflow or the ledger does not answer.
    """
    at = tracking.resolve(model)
    if at.name is None or at.version is None:
        raise ConfigError(f"{model} is no registered version", next="use models:/NAME@ALIAS or models:/NAME/VERSION")
    address = f"models:/{at.name}/{at.version}"
    with contextlib.ExitStack() as kept:
        folder = kept.enter_context(tracking.downloaded(address, f"version {at.version} of {at.name}"))
        digest = model_digest(folder)
        named = ledger or value_of(LEDGER_URI)
        if named:
            problems = _against_ledger(model, at.name, at.version, digest, named)
        else:
            problems = _by_evidence(address, digest, keys)
        if problems:
            more = f" ({len(problems) - 1} more problems)" if len(problems) > 1 else ""
            advice = f"`aims verify {model}{' --at-load' if named else ''}` shows every step"
            raise EvidenceError(f"it is not loaded: {problems[0].sentence()}{more}", where=model, next=advice)
        loaded = (load or _pyfunc)(str(folder))
        _copies.push(kept.pop_all())
    return loaded


def _pyfunc(folder: str) -> Any:
    import mlflow
    from mlflow.exceptions import MlflowException

    try:
        return mlflow.pyfunc.load_model(folder)
    except ModuleNotFoundError as exc:
        what = f"the model verifies, and needs {exc.name} to be loaded, which is not installed here"
        raise ConfigError(what, next="install what its requirements.txt names") from exc
    except MlflowException as exc:
        if "skops" not in str(exc):
            raise
        what = f"the model verifies, and this MLflow ({mlflow.__version__}) does not load models in the format skops"
        raise ConfigError(what, next="install MLflow 3.10 or later") from exc


def _against_ledger(model: str, name: str, version: str, digest: str, ledger: str) -> list[Problem]:
    check = ModelCheck(open_ledger(ledger, None), model, keyring_roots())
    check.checkpoint((), ())
    check.at_load(ledger_name(name), version, [digest], model.rpartition("@")[2] if "@" in model else None)
    check.in_force()
    return check.report.problems


def _by_evidence(address: str, digest: str, keys: Sequence[str]) -> list[Problem]:
    """Return the problems of the model's own evidence; none if a whole session tells of training these files."""
    sessions = open_source(address, trusted_keys(keys)).sessions
    trained = [
        session
        for session in sessions
        if any(r.evidence.kind == TRAINING and r.has_subject(digest) for r in session.records)
    ]
    if not trained:
        raise EvidenceError(
            "it is not loaded: no training record is about these files",
            where=address,
            next=f"set {LEDGER_URI} to verify against the gate's decision, or ask who registered it",
        )
    return [problem for session in trained for problem in session.problems]
