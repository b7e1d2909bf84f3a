"""What a platform team deploys, as files: no secret, nothing from a name that is nobody's, a hardened unit."""

import re
import shutil
from pathlib import Path

import pytest

from support.production import HOOKS, compose, github_install, gitlab_install, shell

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not here: the scripts need it")


def test_the_compose_file_names_what_it_mounts_and_holds_no_secret():
    found = compose()
    for name, service in found["services"].items():
        assert set(service["secrets"]) <= set(found["secrets"]), name
        for key, value in service["environment"].items():
            assert not re.search(r"PASSWORD$|SECRET_KEY$|ACCESS_KEY$", key), key
            assert not re.search(r"://[^/@]*:[^/@]*@", str(value)), f"a password in {key}"
        paths = [v for v in service["environment"].values() if "/run/secrets/" in str(v)]
        assert {Path(p).name for p in paths} <= set(service["secrets"]), name
    mounted = {name for service in found["services"].values() for name in service["secrets"]}
    assert mounted == set(found["secrets"])
    copied = re.findall(r"^COPY (\S+)", (HOOKS / "production" / "Dockerfile").read_text(), re.MULTILINE)
    assert [p for p in copied if not (HOOKS / "gated-server" / p).exists()] == ["aims_mlflow-*.whl"]


def test_secrets_are_made_once_for_their_owner_alone(tmp_path):
    script = f"{HOOKS}/production/make-secrets.sh {tmp_path}/s"
    assert shell(script, {}).returncode == 0
    before = {p.name: (p.read_text(), p.stat().st_mode & 0o777) for p in (tmp_path / "s").iterdir()}
    assert set(before) == set(compose()["secrets"]) - {"log-key"}, "`aims gate init` makes that one"
    assert {mode for _, mode in before.values()} == {0o600}
    assert shell(script, {}).returncode == 0
    assert {p.name: p.read_text() for p in (tmp_path / "s").iterdir()} == {k: v for k, (v, _) in before.items()}


def test_nothing_is_installed_by_name_from_a_public_index():
    """The name aims_mlflow is nobody's here: jobs and image take a wheel by its sha256, and refuse without one."""
    for path in (HOOKS / "ci").iterdir():
        installs = [line for line in path.read_text().splitlines() if "pip install" in line]
        assert [line for line in installs if "aims_mlflow @ $AIMS_WHEEL" not in line] == [], path.name
    scripts = [github_install(), gitlab_install()]
    for script in scripts:
        for wheel in ("", "aims_mlflow", "https://example.org/aims_mlflow-0.1.0-py3-none-any.whl"):
            refused = shell(script, {"AIMS_WHEEL": wheel})
            assert refused.returncode == 2
            assert "#sha256=" in refused.stderr
    assert 'echo "$WHEEL_SHA256' in (HOOKS / "production" / "Dockerfile").read_text()


def test_the_timers_unit_names_its_command_by_path_and_is_hardened():
    text = (HOOKS / "reconcile" / "aims-reconcile.service").read_text()
    assert "ExecStart=/opt/aims/bin/aims gate reconcile" in text
    for line in ("NoNewPrivileges=yes", "ProtectSystem=strict", "ProtectHome=yes", "CapabilityBoundingSet="):
        assert line in text
