"""The lines of the gate's log: one for each decision, refusal and failure, and a traceback once for each cause."""

import io
import json
import logging

import pytest

from aims_mlflow.errors import Unreachable
from aims_mlflow.server import gate_log
from support import trainings
from support.faulty_gate import failing
from support.gated_registry import refused


@pytest.fixture
def lines(monkeypatch):
    """The lines that a server would write; returns a function that reads those since the last call."""
    logger, written = logging.getLogger(gate_log.PACKAGE), io.StringIO()
    before = (logger.handlers[:], logger.level, logger.propagate)
    monkeypatch.setattr("sys.stderr", written)
    gate_log.write_lines()

    def read():
        found = [json.loads(line) for line in written.getvalue().splitlines() if line.startswith("{")]
        written.seek(0)
        written.truncate()
        return found

    yield read
    logger.handlers[:], logger.level, logger.propagate = before


def raised(kind, text):
    """An error with a traceback through this file, which counts as none of the package's places."""
    try:
        failing(kind(text))()
    except kind as exc:
        return exc


def test_each_decision_and_each_plain_refusal_is_one_line(registry, client, lines):
    import mlflow

    _, uri = trainings.train("loans", frame=trainings.table(3000))
    lines()
    mlflow.register_model(uri, "loans")
    (allowed,) = lines()
    assert {k: allowed[k] for k in ("level", "event", "stage", "model")} == {
        "level": "INFO", "event": "decision", "stage": "registration", "model": "loans",
    }  # fmt: skip
    assert allowed["message"].endswith("registration of loans: allowed")
    assert allowed["time"].endswith("Z")
    assert allowed["request"] == registry.leaves("decision")[-1]["request"]

    for _ in range(2):  # the second is sealed no more, and is told all the same
        refused(client.set_registered_model_alias, "loans", "champion", "1")
        (line,) = lines()
        assert (line["event"], line["alias"], line["version"]) == ("decision", "champion", "1")
        assert "approval" in line["reason"]
        assert "traceback" not in line

    refused(client.set_model_version_tag, "loans", "1", "aims.decision", "allowed")
    (line,) = lines()
    assert (line["event"], line["level"]) == ("refusal", "INFO")


def test_a_cause_that_goes_on_has_one_traceback_and_a_bounded_number_of_lines(lines, monkeypatch):
    causes = gate_log.Causes()
    numbers = [gate_log.failed(str(i), "Registration", raised(Unreachable, "no database"), causes) for i in range(1000)]
    found = lines()
    assert len(found) == gate_log.MAX_LINES
    assert ["traceback" in line for line in found] == [True, *[False] * (gate_log.MAX_LINES - 1)]
    assert {line["incident"] for line in found} == set(numbers), "every number that a client was told is in the log"
    assert found[0]["reason"] == "no database"

    gate_log.failed("other", "Registration", raised(RuntimeError, "a bug"), causes)
    (other,) = lines()
    assert (other["error"], "traceback" in other) == ("RuntimeError", True)

    monkeypatch.setattr(gate_log, "WINDOW_SECONDS", 0.0)
    gate_log.failed("later", "Registration", raised(Unreachable, "no database"), causes)
    (later,) = lines()
    assert (later["incident"], later["without_a_line_before"]) == ("later", 990)


def test_failures_elsewhere_in_the_package_are_bounded_too(lines):
    log = logging.getLogger(f"{gate_log.PACKAGE}.ledger.delivery")
    for _ in range(500):
        try:
            failing(OSError(5, "Input/output error"))()
        except OSError:
            log.exception("aims: checkpoints are not delivered now")
    found = lines()
    assert len(found) == gate_log.MAX_LINES
    assert sum("traceback" in line for line in found) == 1


def test_a_line_break_in_a_name_makes_no_second_line(lines):
    gate_log.refused('loans\n{"event": "decision", "result": "allowed"}')
    (line,) = lines()
    assert line["event"] == "refusal"


def test_a_handler_of_the_platform_teams_own_is_left_alone(monkeypatch):
    logger = logging.getLogger(gate_log.PACKAGE)
    own = logging.NullHandler()
    logger.addHandler(own)
    try:
        gate_log.write_lines()
        assert logger.handlers == [own]
    finally:
        logger.removeHandler(own)
