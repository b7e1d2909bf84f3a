"""The code blocks of a document, made into one script that runs them as they are written, in order.

A comment before a block, which no reader sees, says what a script cannot know:

    <!-- test: save as FILE -->               the block is the content of a file; so is one with `title="FILE"`
    <!-- test: in the background until port N answers -->     a server; it is stopped when the script ends
    <!-- test: RUN is the run that this prints -->            the reader copies the run's id into `RUN`
    <!-- test: run once -->                   a long one, left out of the other variants
    <!-- test: not run, because REASON -->    the block needs what a test does not have

The environment is that of a bare container: no variable but PATH and HOME, and an empty home; for MLflow's servers also
`LIGHT`, which starts one process instead of a dozen. A folder of programs stands
for the one that `python3 -m venv .venv` and `pip install .` would make; it leads to what is tested.
"""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from aims_mlflow.demo.server import free_port

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(
    r'(?:^<!-- test: (?P<rule>[^\n]*) -->\n)?^```(?P<language>\w+)(?: title="(?P<title>[\w.]+)")?\n(?P<text>.*?)^```$',
    re.MULTILINE | re.DOTALL,
)
LIGHT = {
    "MLFLOW_WORKERS": "1",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
SECONDS = 1000
PORT = "5000"  # the one that MLflow takes by itself, and the only thing that a test changes in a block
WAITING = """until (exec 3<>/dev/tcp/127.0.0.1/{port}) 2>/dev/null; do
  kill -0 $! || {{ cat server.log; exit 1; }}
  sleep 0.3
done
"""
FIND_RUN = "RUN=$(grep -oE '[0-9a-f]{32}' output.log | tail -n 1); export RUN"
NO_PROGRAM = "#!/bin/sh\nexec true\n"
PYTHON = '#!/bin/sh\nif [ "$1 $2" = "-m venv" ]; then exec true; fi\nexec {python} "$@"\n'


@dataclass(frozen=True)
class Block:
    """A code block: where it stands, its language, its text, and the rule for it."""

    line: int
    language: str
    text: str
    rule: str


def blocks_of(path):
    """Return the code blocks of a document that a reader runs or saves."""
    page = path.read_text(encoding="utf-8")
    found = []
    for match in BLOCK.finditer(page):
        rule = match["rule"] or (f"save as {match['title']}" if match["title"] else "")
        if match["language"] in ("sh", "bash") or rule:
            found.append(Block(page[: match.start("text")].count("\n") + 1, match["language"], match["text"], rule))
    return found


def script_of(name, blocks, port, *, is_first):
    """Return the bash lines of one document, which a reader types into a shell of its own."""
    lines = ["("]
    for block in blocks:
        text, rule = block.text.replace(f":{PORT}", f":{port}"), block.rule
        lines.append(f'echo "=== {name}:{block.line} after $SECONDS s" >&2')
        if rule.startswith("save as "):
            lines.append(f"cat > {shlex.quote(rule.removeprefix('save as '))} <<'END_OF_FILE'\n{text}END_OF_FILE")
        elif rule.startswith("in the background"):
            lines.append(f"( {text.rstrip()} ) > server.log 2>&1 &\n{WAITING.format(port=port)}")
        elif rule.startswith("RUN is"):
            lines.append(f"{{ {text.rstrip()}\n}} 2>&1 | tee output.log\n{FIND_RUN}")
        elif rule.startswith("not run, because ") or (rule == "run once" and not is_first):
            continue
        elif rule in ("", "run once"):
            lines.append(text)
        else:
            raise ValueError(f"{name}:{block.line}: no rule of tests/support/documents.py: {rule}")
    return "\n".join([*lines, ")"])


def programs(folder):
    """Make the programs of an environment that a reader would have made and filled."""
    folder.mkdir(parents=True)
    for name in ("aims", "mlflow"):
        (folder / name).symlink_to(Path(sys.executable).parent / name)
    for name, text in (("python", PYTHON), ("python3", PYTHON), ("pip", NO_PROGRAM), ("activate", "")):
        (folder / name).write_text(text.format(python=sys.executable))
        (folder / name).chmod(0o755)
    return folder


def run(documents, folder, *, is_first=True, **variables):
    """Run the blocks of documents one after another in one shell; returns the finished process."""
    home, port = folder / "home", free_port()
    home.mkdir()
    path = f"{programs(folder / 'checkout' / '.venv' / 'bin')}:/usr/local/bin:/usr/bin:/bin"
    for name in ("examples", "checks", "hooks"):
        shutil.copytree(ROOT / name, folder / "checkout" / name, ignore=shutil.ignore_patterns("__pycache__"))
    script = "set -eu -o pipefail\n" + "\n".join(
        script_of(name, blocks_of(ROOT / name), port, is_first=is_first) for name in documents
    )
    (folder / "script.sh").write_text(script)
    with (folder / "output").open("w") as output:
        process = subprocess.Popen(
            ["bash", str(folder / "script.sh")],
            cwd=folder / "checkout",
            env={"PATH": path, "HOME": str(home), "MLFLOW_PORT": str(port), **LIGHT, **variables},
            stdout=output, stderr=output, stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
    try:
        process.wait(SECONDS)
    except subprocess.TimeoutExpired:
        output_so_far = (folder / "output").read_text()
        raise AssertionError(f"not done after {SECONDS} s: {output_so_far[-3000:]}") from None
    finally:
        stop_group(process.pid)
    return subprocess.CompletedProcess(script, process.returncode, (folder / "output").read_text(), "")


def stop_group(group):
    """Stop what a script left running: its servers."""
    for kind in (signal.SIGTERM, signal.SIGKILL):
        ends = time.monotonic() + 10
        while time.monotonic() < ends:
            try:
                os.killpg(group, kind)
            except ProcessLookupError:
                return
            time.sleep(0.5)
