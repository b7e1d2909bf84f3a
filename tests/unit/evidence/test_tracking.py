"""Reading from MLflow: nothing is made by reading, and a database without its driver is one sentence."""

import pytest

from aims_mlflow.cli.main import main
from aims_mlflow.errors import AimsError, ConfigError, PolicyRefused, Unreachable
from aims_mlflow.evidence import tracking
from aims_mlflow.evidence.mlflow_address import check_answers

RUN = "0123456789abcdef0123456789abcdef"
READING = [
    ["evidence", "list", RUN],
    ["evidence", "show", RUN],
    ["verify", f"runs:/{RUN}"],
    ["verify", "models:/loans/1"],
    ["gate", "status"],
    ["gate", "explain", "models:/loans/1", "--stage", "registration"],
    ["monitor", "run", "models:/loans@champion", "--data", "t.csv"],
]


@pytest.fixture
def empty(tmp_path, monkeypatch):
    import mlflow

    monkeypatch.chdir(tmp_path)
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path / 'mlflow.db'}")
    yield tmp_path
    mlflow.set_tracking_uri(before)


@pytest.mark.parametrize("command", READING, ids=lambda command: " ".join(command[:2]))
def test_a_command_that_reads_leaves_nothing_behind(empty, capsys, command):
    with pytest.raises(SystemExit) as ended:
        main(command)
    assert ended.value.code in (2, 3)
    assert "no MLflow database" in capsys.readouterr().err
    assert list(empty.iterdir()) == []


@pytest.mark.parametrize("command", [["evidence", "list", RUN], ["verify", "models:/loans/1"], ["gate", "status"]])
def test_an_address_of_no_kind_that_mlflow_knows_is_one_sentence(empty, capsys, command):
    import mlflow

    mlflow.set_tracking_uri("ftp://u:secret@x")
    with pytest.raises(SystemExit) as ended:
        main(command)
    said = capsys.readouterr().err
    assert (ended.value.code, said.count("\n")) == (2, 1)
    assert said.startswith(
        "Error: ftp://x: MLflow has no store for addresses of this kind. Next: set MLFLOW_TRACKING_URI"
    )


def test_a_driver_that_is_not_installed_is_named():
    with (
        pytest.raises(ConfigError, match="the driver psycopg is not installed") as caught,
        tracking.reaching("find a run"),
    ):
        raise ModuleNotFoundError("No module named 'psycopg'", name="psycopg")
    assert "pip install '.[postgresql]' in the checkout" in caught.value.sentence()


def test_a_name_that_mlflow_does_not_have_is_no_question_of_the_network():
    from mlflow.exceptions import MlflowException

    with pytest.raises(Unreachable, match="not found") as caught, tracking.reaching("find models:/loans/99"):
        raise MlflowException.invalid_parameter_value("Model Version (name=loans, version=99) not found")
    assert "check the name" in caught.value.sentence()
    with pytest.raises(Unreachable) as caught, tracking.reaching("find models:/loans/1"):
        raise MlflowException("API request failed")
    assert "artifact store" in caught.value.sentence()


@pytest.mark.parametrize(
    ("said", "kind", "status", "sentence"),
    [
        (
            "Approval refused: ana has no role 'approver' (it has trainer). Next: sign with a key that has this role",
            PolicyRefused, 1, "ana has no role 'approver' (it has trainer). Next: sign with a key that has this role",
        ),
        ("Approval refused: the ledger is away. Next: the platform team finds incident 7 in the server's log",
         Unreachable, 3, "could not approve: Approval refused: the ledger is away. Next: the platform team finds"),
        ("Permission denied", Unreachable, 3, "could not approve: Permission denied. Next: ask whoever grants"),
    ],
    ids=["the gate's no", "a failure in the gate", "MLflow's permissions"],
)  # fmt: skip
def test_what_may_not_be_done_is_no_question_of_the_network(said, kind, status, sentence):
    from mlflow.exceptions import RestException

    with pytest.raises(AimsError) as caught, tracking.reaching("approve"):
        raise RestException({"error_code": "PERMISSION_DENIED", "message": said})
    assert (type(caught.value), caught.value.exit_status) == (kind, status)
    assert sentence in caught.value.sentence()
    assert caught.value.sentence().count("Next: ") == 1


def test_a_database_that_does_not_answer_is_one_sentence():
    import sqlalchemy as sa

    with pytest.raises(Unreachable, match="connection refused") as caught, tracking.reaching("find a run"):
        raise sa.exc.OperationalError("select 1", {}, Exception("connection refused\nIs the server running?"))
    assert "\n" not in caught.value.sentence()


@pytest.mark.parametrize(
    "uri", ["http://127.0.0.1:1", "postgresql://u:secret@127.0.0.1:1/base", "mysql+pymysql://127.0.0.1:1/base"]
)
def test_a_server_that_does_not_answer_is_one_sentence_within_seconds(uri):
    with pytest.raises(Unreachable, match="server answers") as caught:
        check_answers(uri)
    assert "secret" not in caught.value.sentence()


def test_a_file_that_is_larger_than_evidence_is_never_read_into_memory(tmp_path, monkeypatch, clean_state):
    import mlflow

    monkeypatch.chdir(tmp_path)
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path / 'mlflow.db'}")
    with mlflow.start_run() as run:
        mlflow.log_text("x" * 2000, "aims/report.html")
    monkeypatch.setattr(tracking, "MAX_FILE_BYTES", 1000)
    with pytest.raises(Unreachable, match=r"it has 2,000 bytes, evidence 1,000 at most"):
        tracking.read_file(run.info.run_id, "aims/report.html")
    monkeypatch.setattr(tracking, "MAX_FILE_BYTES", 2000)
    assert len(tracking.read_file(run.info.run_id, "aims/report.html")) == 2000
