"""An auditor's look: list, verify and read the evidence of a run, with the same commands as on the terminal.

MLFLOW_TRACKING_URI=... python examples/auditor.py runs:/RUN_ID
"""

import subprocess
import sys


def ask(*args: str) -> int:
    print(f"$ aims {' '.join(args)}", flush=True)
    return subprocess.run(
        [sys.executable, "-c", "from aims_mlflow.cli.main import main; main()", *args], check=False
    ).returncode


if __name__ == "__main__":
    target = sys.argv[1]
    ask("evidence", "list", target)
    sys.exit(ask("verify", target))
