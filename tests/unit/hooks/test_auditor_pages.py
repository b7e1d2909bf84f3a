"""The apps for `--app-name`: the pages lie where MLflow's own addresses do."""

import flask
import pytest

from aims_mlflow.hooks import auditor_pages
from aims_mlflow.server import page_routes


@pytest.mark.parametrize(
    ("prefix", "root"), [(None, "/aims/"), ("/mlflow", "/mlflow/aims/"), ("/mlflow/", "/mlflow/aims/")]
)
def test_the_static_prefix_of_the_server_applies_to_the_pages(monkeypatch, prefix, root):
    from mlflow.server.handlers import STATIC_PREFIX_ENV_VAR

    monkeypatch.delenv(STATIC_PREFIX_ENV_VAR, raising=False)
    if prefix:
        monkeypatch.setenv(STATIC_PREFIX_ENV_VAR, prefix)
    monkeypatch.setattr(page_routes, "page_reader", lambda: None)
    app = flask.Flask("server")
    auditor_pages._add(app)
    rules = [rule.rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("aims_")]
    assert len(rules) > 10
    assert {rule.startswith(root.rstrip("/")) for rule in rules} == {True}
    client = app.test_client()
    assert client.get(f"{root}style.css").status_code == 200
    assert "not gated" in client.get(root).text
    if prefix:
        assert "not gated" not in client.get("/aims/").text
