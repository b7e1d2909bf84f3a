"""The lines of the gate's log: one for each decision, refusal and failure, and a traceback once for each cause."""

import io
import json
import logging
from datetime import UTC, datetime, timedelta

import flask
import pytest

from aims_mlflow.errors import Unreachable
from aims_mlflow.server import gate, gate_log
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
    assert {k: allowed[k] for k in ("level", "event", "stage", "model", "mode")} == {
        "level": "INFO", "event": "decision", "stage": "registration", "model": "loans", "mode": "enforce",
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
    assert "aims." in line["reason"]


@pytest.fixture
def counted():
    """Returns a function that says by how much a counter grew since the test began."""
    from prometheus_client import REGISTRY

    def now():
        samples = [s for family in REGISTRY.collect() if family.name.startswith("aims_gate") for s in family.samples]
        return {(s.name, tuple(sorted(s.labels.items()))): s.value for s in samples}

    before = now()
    return lambda name, **labels: now().get(key := (name, tuple(sorted(labels.items()))), 0) - before.get(key, 0)


def test_a_line_and_a_counter_for_what_is_waived_observed_and_failed(registry, client, lines, counted, monkeypatch):
    import mlflow

    decisions = {"name": "aims_gate_decisions_total", "stage": "registration"}
    _, uri = trainings.train("loans", frame=trainings.table(3000, fair=False))
    until = (datetime.now(UTC) + timedelta(days=3)).strftime("%Y-%m-%d")
    waiver = ["--control", "A.6.2.4", "--reason", "pilot", "--until", until]
    registry.say("waive", uri, "--name", "loans", "--stage", "registration", *waiver)
    lines()
    mlflow.register_model(uri, "loans")
    (line,) = lines()
    assert line["message"].endswith("registration of loans: waived")
    assert counted(**decisions, result="waived", mode="enforce") == 1

    registry.change_policy(lambda p: p.update(enforcement=[{"models": "*", "stage": "*", "mode": "observe"}]))
    client.set_registered_model_alias("loans", "champion", "1")
    (line,) = lines()
    assert line["message"].endswith("deployment of loans: would_refuse")
    assert (line["level"], line["mode"]) == ("INFO", "observe")
    assert "A.6.2.4: selection-rate ratio" in line["reason"]
    assert counted("aims_gate_decisions_total", stage="deployment", result="would_refuse", mode="observe") == 1

    monkeypatch.setattr(gate, "decide_with_kept", failing(ZeroDivisionError("a bug")))
    text = refused(client.set_registered_model_alias, "loans", "production", "1")
    (line,) = lines()
    told = {k: line[k] for k in ("event", "level", "error", "reason")}
    assert told == {"event": "incident", "level": "ERROR", "error": "ZeroDivisionError", "reason": "a bug"}
    assert f"incident {line['incident']}" in text
    assert counted("aims_gate_errors_total", type="ZeroDivisionError") == 1
    assert counted("aims_gate_refusals_total") == 1


def test_each_line_has_the_callers_login_and_address(lines):
    with flask.Flask("server").test_request_context(environ_base={"REMOTE_ADDR": "10.0.0.7"}):
        flask.g.mlflow_authenticated_user = "olga"
        gate_log.decided("allowed", "r", "", stage="registration", model="loans", mode="enforce")
        gate_log.refused("no")
        gate_log.failed("1", "Registration", raised(RuntimeError, "a bug"), gate_log.Causes())
    found = lines()
    assert [(line["event"], line["login"], line["address"]) for line in found] == [
        (event, "olga", "10.0.0.7") for event in ("decision", "refusal", "incident")
    ]
    gate_log.refused("no")
    (line,) = lines()
    assert {"login", "address"}.isdisjoint(line), "the server itself"


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
    assert (other["error"], other["level"], "traceback" in other) == ("RuntimeError", "ERROR", True)

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
