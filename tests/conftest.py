"""Fixtures that every test may use: a home of its own, a clean MLflow, real data where they are found."""

import contextlib
import os
import signal
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pytest

from support.fresh_database import fresh_database
from support.untraced import is_measured, keep_measured, measure

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")
ROOT = Path(__file__).parents[1]
# The cases of each parametrized test that ran so far in this process.
cases = Counter()
pytest_plugins = [
    "support.kept_training",
    "support.embedded_registry",
    "support.faulty_gate",
    "support.lived_bundle",
    "support.lived_registry",
    "support.plain_registry",
    "support.postgresql",
    "support.server_matrix",
    "support.timestamp_authority",
    "support.ways_around",
]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    name = f"{item.path}::{getattr(item, 'originalname', item.name)}"
    cases[name] += 1
    measure(wanted=is_measured(item.path.relative_to(ROOT / "tests").parts, cases[name]))
    return (yield)


def pytest_sessionfinish():
    keep_measured()


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    """The folder of all homes and working folders: a numbered one for each test would cost a look at all the others."""
    return tmp_path_factory.mktemp("folders")


@pytest.fixture(autouse=True)
def own_home(folders, monkeypatch):
    """No test sees the developer's keys, policy or aims.yaml."""
    home = Path(tempfile.mkdtemp(prefix="home-", dir=folders))
    monkeypatch.setenv("AIMS_HOME", str(home))
    settings = (
        "SIGNING_KEY",
        "POLICY",
        "CONFIG",
        "LEDGER_URI",
        "KEYRING_ROOT",
        "LOG_KEY",
        "ANCHORS",
        "LEDGER_ORIGIN",
    )
    for name in (f"AIMS_{setting}" for setting in settings):
        monkeypatch.delenv(name, raising=False)
    return home


@pytest.fixture(autouse=True)
def own_folder(folders, monkeypatch):
    """What a test writes where it runs, such as aims-unsent/, is not left in the checkout."""
    monkeypatch.chdir(tempfile.mkdtemp(prefix="here-", dir=folders))


@pytest.fixture
def warnings_as_shipped():
    """A training prints the warnings that a filter would raise, as it does for people."""


@pytest.fixture(autouse=True)
def warnings_stay_errors(request, monkeypatch):
    """A warning of ours while evidence is taken fails a test."""
    if "warnings_as_shipped" in request.fixturenames:
        return
    for name in ("aims_mlflow.capture.training", "aims_mlflow.capture.data_steps"):
        if name in sys.modules:
            monkeypatch.setattr(sys.modules[name], "no_errors", contextlib.nullcontext)


@pytest.fixture(autouse=True)
def own_addresses():
    """MLflow writes addresses and the experiment that a test sets into the environment: none reaches the next test."""
    before = _mlflow_settings()
    yield
    for name in _mlflow_settings():
        del os.environ[name]
    os.environ.update(before)
    if "mlflow" in sys.modules:  # which knows the registry's address by itself, too
        sys.modules["mlflow"].set_registry_uri(before.get("MLFLOW_REGISTRY_URI"))


@pytest.fixture
def plain_signals():
    """Signals end the process, as in a script: coverage sets a handler of its own where it measures."""
    before = {sent: signal.signal(sent, signal.SIG_DFL) for sent in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for sent, handler in before.items():
        signal.signal(sent, handler)


def _mlflow_settings():
    return {name: value for name, value in os.environ.items() if name.startswith("MLFLOW_")}


@pytest.fixture(autouse=True, scope="session")
def requirements_once():
    """MLflow starts a process for each logged model to see what it imports: once for each flavour is enough here."""
    import mlflow.models

    infer, known = mlflow.models.infer_pip_requirements, {}

    def once(uri, flavor, fallback=None, **options):
        if flavor == "python_function":
            return infer(uri, flavor, fallback, **options)
        key = (flavor, tuple(fallback or ()))
        if key not in known:
            known[key] = infer(uri, flavor, fallback, **options)
        return list(known[key])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mlflow.models, "infer_pip_requirements", once)
        yield


@pytest.fixture
def clean_state():
    """Forget what a process knows of sessions and data sets, before and after."""
    from aims_mlflow.capture.state import memory

    memory.forget()
    yield
    memory.forget()


@pytest.fixture
def tracking(tmp_path, monkeypatch, clean_state):
    """An embedded MLflow in a folder of its own; every run that a test leaves open is ended."""
    import mlflow

    monkeypatch.chdir(tmp_path)
    mlflow.set_tracking_uri(fresh_database(tmp_path))
    mlflow.set_registry_uri(None)
    mlflow.set_experiment(experiment_id="0")
    yield tmp_path
    while mlflow.active_run():
        mlflow.end_run()
    mlflow.autolog(disable=True)


@pytest.fixture
def real_data():
    """The folder with adult.csv and german_credit.csv: AIMS_TEST_DATA, or shared/data beside or above the project."""
    named = os.environ.get("AIMS_TEST_DATA")
    places = [Path(named)] if named else [p / "shared" / "data" for p in ROOT.parents]
    for place in places:
        if (place / "adult.csv").is_file():
            return place
    pytest.skip(
        "the public data sets are not here: set AIMS_TEST_DATA to a folder with adult.csv and german_credit.csv"
    )
