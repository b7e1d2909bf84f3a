"""The auditor's pages in a real MLflow server: behind its logins, within its permissions and workspaces."""

import re

import pytest
import requests

from aims_mlflow.demo import server
from aims_mlflow.pages.site import SITE
from support import server_matrix, trainings
from support.long_runs import full_but
from support.server_matrix import ADMIN, PASSWORD, WORKSPACE, Row, running

pytestmark = pytest.mark.timeout(600)


class ServerWithPages(server_matrix.RowServer):
    """A server of a row whose app has the auditor's pages."""

    def command(self):
        plain = [word for word in super().command() if word not in ("--app-name", "basic-auth")]
        return [*plain, "--app-name", "aims-basic-auth" if self.row.logins else "aims"]


@pytest.fixture(
    params=full_but([Row(logins=True, workspaces=True)], [Row(logins=True, workspaces=True), Row()]), ids=str
)
def gate(request, tmp_path, clean_state, monkeypatch):
    monkeypatch.setattr(server_matrix, "RowServer", ServerWithPages)
    monkeypatch.setattr(server, "START_SECONDS", 300.0)
    with running(request.param, tmp_path, request) as gate, gate.as_trainer():
        yield gate


def routes():
    """An address of each route that the pages add to MLflow's app; nothing needs to be there."""
    import flask

    from aims_mlflow.server.page_routes import add_pages

    app = flask.Flask("routes", static_folder=None)
    add_pages(app)
    return sorted(re.sub(r"<[^>]+>", "x", str(rule)) for rule in app.url_map.iter_rules())


def stranger(gate):
    """A login without any role in the workspace."""
    from mlflow.server import get_app_client

    from aims_mlflow.settings import environment

    with environment(dict(zip(("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"), ADMIN, strict=True))):
        get_app_client("basic-auth", tracking_uri=gate.url).create_user("eve", PASSWORD.format("eve"))
    return ("eve", PASSWORD.format("eve"))


def test_pages_are_behind_the_logins_and_show_what_a_login_may_read(gate):
    import mlflow

    _, uri = trainings.train("loans", frame=trainings.table(3000))
    mlflow.register_model(uri, "loans")
    name = f"{WORKSPACE}/loans" if gate.row.workspaces else "loans"
    version = f"{gate.url}/aims/models/{name}/1"
    if not gate.row.logins:
        assert requests.get(version, timeout=60).status_code == 200
        assert requests.post(f"{gate.url}/aims/", timeout=60).status_code == 405
        return
    found = routes()
    assert len(found) > 2 * len(SITE)
    for route in found:
        assert requests.get(gate.url + route, timeout=60).status_code == 401, route
        assert requests.get(gate.url + route, auth=("ana", "wrong"), timeout=60).status_code == 401, route
    ana, eve = ("ana", PASSWORD.format("ana")), stranger(gate)
    shown = requests.get(version, auth=ana, timeout=60)
    assert shown.status_code == 200, shown.text
    assert "registration asked" in shown.text
    assert requests.get(version, auth=ADMIN, timeout=60).status_code == 200
    assert requests.get(version, auth=eve, timeout=60).status_code == 404
    search = f"{gate.url}/aims/search.json?q=loans"
    found = requests.get(search, auth=ana, timeout=60).json()
    assert f"models/{name}/1" in str(found)
    assert f"models/{name}" not in str(requests.get(search, auth=eve, timeout=60).json())
    models = requests.get(f"{gate.url}/aims/models.json", auth=eve, timeout=60).json()
    assert models["blocks"][0]["rows"] == []
    assert models["shows_all_models"] is False
