"""aims_mlflow_skinny: the same modules for a deployer, without the libraries of checks and without MLflow's server."""

import configparser
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# What mlflow-skinny and the skinny distribution leave out.
LACKING = (
    "alembic", "evidently", "fairlearn", "flask", "great_expectations", "numpy", "pandas", "picklescan", "pyarrow",
    "scipy", "sklearn", "sqlalchemy",
)  # fmt: skip
WITHOUT = f"""
import sys

class Without:
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        return None if name.partition(".")[0] in {LACKING!r} else self.finder.find_spec(name, path, target)

sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]
"""


def settings(path):
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(path)
    return parser


FULL, SKINNY = settings(ROOT / "setup.cfg"), settings(ROOT / "skinny" / "setup.cfg")


def required(parser, section, key):
    return {line.strip() for line in parser[section][key].splitlines() if line.strip()}


def test_it_has_the_version_modules_and_ranges_of_the_whole():
    assert SKINNY["metadata"]["version"] == FULL["metadata"]["version"]
    assert dict(SKINNY["options.package_data"]) == dict(FULL["options.package_data"])
    assert SKINNY["options"]["python_requires"] == FULL["options"]["python_requires"]
    whole = required(FULL, "options", "install_requires")
    assert required(SKINNY, "options", "install_requires") - whole == {"mlflow-skinny>=3.1,<4"}
    ledger = required(SKINNY, "options.extras_require", "ledger")
    assert ledger - whole == required(FULL, "options.extras_require", "postgresql")
    assert not {r.split(">")[0].replace("-", "_") for r in required(SKINNY, "options", "install_requires")} & set(
        LACKING
    )


def test_its_wheel_holds_the_package(tmp_path):
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--wheel-dir",
        str(tmp_path),
        str(ROOT / "skinny"),
    ]
    built = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    if built.returncode and "No module named pip" in built.stderr:
        pytest.skip("pip is not here")
    assert built.returncode == 0, built.stderr
    names = set(zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist())
    modules = {str(p.relative_to(ROOT)) for p in (ROOT / "aims_mlflow").rglob("*.py")}
    assert modules <= names


def run(code, *args):
    command = [sys.executable, "-c", f"{WITHOUT}\n{code}", *args]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


AIMS = "from aims_mlflow.cli.main import main; main()"


def test_a_deployer_verifies_evidence_and_a_models_bytes_without_them(tmp_path):
    from aims_mlflow.evidence.digests import model_digest
    from aims_mlflow.signing.keys import ephemeral_key
    from support import signed_sessions

    key = ephemeral_key()
    folder = tmp_path / "aims" / "sessions"
    folder.mkdir(parents=True)
    (folder / "s.jsonl").write_bytes(signed_sessions.session(key).jsonl())
    public = tmp_path / "key.pem"
    public.write_text(key.public.pem)
    done = run(AIMS, "verify", str(tmp_path), "--key", str(public), "--json")
    assert "ModuleNotFoundError" not in done.stderr, done.stderr
    assert '"verified": true' in done.stdout, done.stdout + done.stderr

    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "MLmodel").write_text("flavors: {}\n")
    digest = run(
        "from pathlib import Path; from aims_mlflow.evidence.digests import model_digest; print(model_digest(Path(sys.argv[1])))",
        str(tmp_path / "model"),
    )
    assert digest.stdout.strip() == model_digest(tmp_path / "model"), digest.stderr


def test_an_error_of_a_server_is_one_sentence_without_them():
    """The words for errors of a database need SQLAlchemy, which is not there."""
    code = (
        "from aims_mlflow.errors import Unreachable; from aims_mlflow.evidence import tracking\n"
        "from mlflow.exceptions import MlflowException\n"
        "try:\n"
        "    with tracking.reaching('find a run'):\n"
        "        raise MlflowException('unexpected: <!doctype html><html><body>Not Found')\n"
        "except Unreachable as exc: print(exc.sentence())"
    )
    done = run(code)
    assert "MLflow could not find a run: the server answers with a web page" in done.stdout, done.stderr
    assert "<" not in done.stdout


@pytest.mark.parametrize("command", ["gate status", "gate explain", "verify", "approve", "waive", "keys export"])
def test_the_commands_of_a_deployer_load_without_them(command):
    done = run(AIMS, *command.split(), "--help")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_command_that_needs_the_whole_says_what_to_install(tmp_path):
    done = run(AIMS, "verify", f"sqlite:///{tmp_path}/ledger.db")
    assert done.returncode in (2, 3)
    assert "Traceback" not in done.stderr
    assert "'./skinny[ledger]' in the checkout" in done.stderr
