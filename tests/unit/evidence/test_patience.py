"""Waits for MLflow are bounded while a session works, and a long one speaks."""

import os
import time
from types import SimpleNamespace

import pytest

from aims_mlflow.errors import Unreachable
from aims_mlflow.evidence import patience as waits
from aims_mlflow.evidence import tracking
from aims_mlflow.evidence.patience import BOUNDS, Patience, patience


def test_retries_are_bounded_and_what_a_person_set_lower_stays(monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", raising=False)
    with Patience().bounded():
        assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "1"
        assert os.environ["MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR"] == str(BOUNDS["MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR"])
    assert "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR" not in os.environ


def test_a_server_that_was_found_gone_is_not_asked_again_while_the_session_works():
    import requests

    def ask():
        with tracking.reaching("ask"):
            raise requests.exceptions.ConnectionError

    with patience.bounded():
        with pytest.raises(Unreachable):
            ask()
        started = time.monotonic()
        with pytest.raises(Unreachable, match="could not ask"), tracking.reaching("ask again"):
            pytest.fail("asked again")
        assert time.monotonic() - started < 1
    with tracking.reaching("ask"):
        pass
    with pytest.raises(Unreachable):  # outside a session each call is asked for itself
        ask()
    assert patience.lost is None


def test_a_long_wait_speaks_and_a_short_one_does_not(monkeypatch, capsys):
    monkeypatch.setattr(waits, "SPEAK_AFTER", 0.2)
    with patience.speaking("the server to answer"):
        time.sleep(0.6)
    assert capsys.readouterr().err == "aims: still waiting for the server to answer\n"
    with patience.speaking("the server to answer"):
        pass
    time.sleep(0.4)
    assert capsys.readouterr().err == ""


def test_a_server_is_waited_for_and_named(monkeypatch, capsys):
    monkeypatch.setattr(waits, "time", SimpleNamespace(sleep=lambda _: None, monotonic=time.monotonic))
    answers = [Unreachable("no server answers", where="http://mlflow"), Unreachable("no server answers"), None]

    def check():
        answer = answers.pop(0)
        if answer:
            raise answer

    patience.wait_for(check)
    assert capsys.readouterr().err.count("http://mlflow") == 1
    monkeypatch.setattr(waits, "SERVER_SECONDS", 0.0)
    answers.extend([Unreachable("gone")])
    with pytest.raises(Unreachable, match="gone"):
        patience.wait_for(check)
