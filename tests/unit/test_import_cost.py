"""`import aims_mlflow` and `aims --help` load none of the heavy libraries."""

import subprocess
import sys

import pytest

from aims_mlflow.signing import dsse
from aims_mlflow.signing.keys import ephemeral_key

HEAVY = {
    "mlflow",
    "pandas",
    "numpy",
    "sklearn",
    "great_expectations",
    "fairlearn",
    "evidently",
    "scipy",
    "pyarrow",
    "sqlalchemy",
}
HELP = "import sys; sys.argv = ['aims', '--help']\ntry:\n    from aims_mlflow.cli.main import main; main()\nexcept SystemExit: pass"


@pytest.mark.parametrize(
    "code",
    [
        "import aims_mlflow; aims_mlflow.__version__; dir(aims_mlflow)",
        HELP,
        "import aims_mlflow.hooks.registry_store, aims_mlflow.hooks.run_context as r; r.SessionContext().in_context()",
    ],
)
def test_nothing_heavy_is_loaded(code):
    script = f"{code}\nimport sys\nprint('LOADED', sorted({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "LOADED []"


VERIFIES = """
from aims_mlflow.signing.dsse import parse
from aims_mlflow.signing.keys import PublicKey
parse({!r}, "envelope").verify(PublicKey.from_pem({!r}))
"""


def test_verifying_a_signature_loads_no_signer_of_a_key_service():
    """boto3 and its like come with securesystemslib's signers: a second, which the first page would wait for."""
    key = ephemeral_key()
    signed = dsse.sign(b"{}", key)
    script = VERIFIES.format(signed.raw, key.public.pem)
    script += "import sys\nprint(sorted({'boto3', 'securesystemslib', 'hvac', 'PyKCS11'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_resolves_and_every_command_helps():
    from click.testing import CliRunner

    import aims_mlflow
    from aims_mlflow.cli.main import COMMANDS, cli

    for name in aims_mlflow.__all__:
        assert callable(getattr(aims_mlflow, name))
    with pytest.raises(AttributeError):
        aims_mlflow.nothing  # noqa: B018
    for name in COMMANDS:
        done = CliRunner().invoke(cli, [name, "--help"])
        assert done.exit_code == 0, done.output
        command = cli.get_command(None, name)
        for sub in getattr(command, "commands", {}).values():
            assert sub.help, f"{name} {sub.name} has no help"
            for option in (p for p in sub.params if p.param_type_name == "option"):
                assert option.help, f"{name} {sub.name} {option.name} has no help"
