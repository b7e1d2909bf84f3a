"""The routes of the auditor's pages: GET alone, below one prefix, closed to whom nobody knows."""

import inspect
from types import SimpleNamespace

import flask
import pytest

from aims_mlflow.errors import PolicyRefused
from aims_mlflow.pages.scope import Scope
from aims_mlflow.pages.site import SITE
from aims_mlflow.server import page_readers, page_routes
from support.ledger_with_decisions import NAME, decided_ledger


@pytest.fixture
def app(tmp_path, monkeypatch):
    ledger = decided_ledger(f"sqlite:///{tmp_path}/ledger.db").ledger
    reader = page_routes.reader_of(ledger)
    while not reader.caught_up():  # a busy machine reads for longer than a page waits
        pass
    monkeypatch.setattr(page_routes, "page_reader", lambda: reader)
    made = flask.Flask("server")
    page_routes.add_pages(made, "/mlflow/")
    return made


def rules(app):
    return [rule for rule in app.url_map.iter_rules() if rule.endpoint != "static"]


def test_all_routes_are_below_the_prefix_and_read_only(app):
    assert len(rules(app)) > len(SITE)
    assert all(rule.rule.startswith("/mlflow/aims") for rule in rules(app))
    assert {frozenset(rule.methods) for rule in rules(app)} == {frozenset({"GET", "HEAD", "OPTIONS"})}
    client = app.test_client()
    for method in ("post", "put", "delete", "patch"):
        assert getattr(client, method)("/mlflow/aims/").status_code == 405


def test_a_page_has_its_twins_beside_it(app):
    client = app.test_client()
    assert client.get("/mlflow/aims").headers["Location"] == "/mlflow/aims/"
    assert client.get("/mlflow/aims/").mimetype == "text/html"
    assert 'href="/mlflow/aims/style.css"' in client.get("/mlflow/aims/").text
    assert client.get("/mlflow/aims/index.json").json["title"] == "Overview"
    assert client.get("/mlflow/aims/models.csv").mimetype == "text/csv"
    version = client.get(f"/mlflow/aims/models/{NAME}/1.json")
    assert version.json["title"] == f"{NAME} version 1"
    assert client.get(f"/mlflow/aims/models/{NAME}/1.html").status_code == 200
    assert client.get("/mlflow/aims/models/../leaves/1").status_code in (200, 404)
    assert client.get("/mlflow/aims/style.css").mimetype == "text/css"
    assert client.get("/mlflow/aims/nothing").status_code == 404


def test_each_answer_has_the_strict_headers(app):
    client = app.test_client()
    for address in ("", "models.csv", "index.json", "style.css", "records/none"):
        headers = client.get(f"/mlflow/aims/{address}").headers
        assert headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self'; ")
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "no-referrer"


def test_a_registry_without_a_gate_has_no_pages(app, monkeypatch):
    monkeypatch.setattr(page_routes, "page_reader", lambda: None)
    answer = app.test_client().get("/mlflow/aims/")
    assert answer.status_code == 404
    assert "not gated" in answer.text


@pytest.mark.parametrize(
    "failure", [PolicyRefused("no"), KeyError("user"), RuntimeError("the database of logins is away")]
)
def test_whose_permissions_are_not_known_reads_nothing(app, monkeypatch, failure):
    def fails(models):
        raise failure

    monkeypatch.setattr(page_routes, "reader_scope", fails)
    for address in ("", f"models/{NAME}/1", "search?q=income", "index.json"):
        answer = app.test_client().get(f"/mlflow/aims/{address}")
        assert answer.status_code == 403
        assert NAME not in answer.text


def test_a_reader_gets_their_scope_on_every_route(app, monkeypatch):
    monkeypatch.setattr(page_routes, "reader_scope", lambda models: Scope(frozenset()))
    client = app.test_client()
    assert client.get(f"/mlflow/aims/models/{NAME}/1").status_code == 404
    assert client.get("/mlflow/aims/models.json").json["blocks"][0]["rows"] == []


def test_logins_that_mlflow_does_not_name_read_nothing(monkeypatch):
    monkeypatch.setattr(page_readers, "has_logins", lambda: True)
    with pytest.raises(PolicyRefused, match="MLflow does not tell which models this one may read"):
        page_readers.reader_scope([NAME])


def test_the_private_names_of_mlflow_are_there():
    from mlflow.server import auth, handlers

    assert callable(handlers._get_model_registry_store)
    assert callable(handlers._add_static_prefix)
    assert callable(auth._role_based_read_predicate)
    assert "_find_validator(request)" in inspect.getsource(auth._before_request)
    assert auth.Requirement("registered_model_version", "*", auth.ACTION_NOT_DENIED)


def test_only_our_routes_are_let_through_to_every_login():
    """MLflow decides about all others, those that look like ours too."""
    known = object()
    auth = SimpleNamespace(_find_validator=lambda request: known)
    page_readers.admit_logins(auth)
    assert auth._find_validator(SimpleNamespace(endpoint="aims_overview", path="/aims/"))() is True
    for endpoint in (None, "overview", "xaims_overview"):
        assert auth._find_validator(SimpleNamespace(endpoint=endpoint, path="/api/2.0/mlflow/aims/x")) is known


def test_a_model_that_is_new_is_among_those_whose_readers_are_asked_for(app, monkeypatch):
    asked = []
    monkeypatch.setattr(
        page_routes, "reader_scope", lambda models: asked.append(list(models)) or Scope(frozenset({NAME}))
    )
    assert app.test_client().get(f"/mlflow/aims/models/{NAME}/1").status_code == 200
    assert asked == [[NAME]]


def test_a_server_reads_ahead_as_it_starts_and_starts_whatever_that_meets(monkeypatch):
    """The first page of a large ledger would wait; a database that is away is told by the page that needs it."""
    asked = []

    def away():
        asked.append(1)
        raise ConnectionError("the database is away")

    monkeypatch.setattr(page_routes, "page_reader", away)
    page_routes.read_ahead()
    assert asked == [1]
