"""The bounds that docs/gate.md states are those of the code."""

import re
from pathlib import Path

import pytest

from aims_mlflow.canonical import MAX_DEPTH
from aims_mlflow.ledger import model_locks, state
from aims_mlflow.records.policy import BreakGlass, Caps
from aims_mlflow.server import bounded_call, gate_log, model_bytes
from aims_mlflow.settings import wait_seconds

GUIDE = re.sub(r"\s+", " ", (Path(__file__).parents[3] / "docs" / "gate.md").read_text(encoding="utf-8"))
SMALL = {6: "six", 10: "ten"}
CAPS, EMERGENCY = Caps(), BreakGlass()


@pytest.mark.parametrize(
    "said",
    [
        f"`AIMS_WAIT_SECONDS` ({wait_seconds():.0f}) bounds each wait",
        f"At most {model_locks.MAX_WAITING} changes of one model wait in a worker",
        f"at most {bounded_call.MAX_HANGING} reads of the store may hang",
        f"larger models are hashed in the background, at most {SMALL[model_bytes.MAX_HASHING_SECONDS // 3600]} hours each",
        f"JSON that is nested over {MAX_DEPTH} levels",
        f"repeats within {SMALL[state.CALL_SECONDS // 60]} minutes an identical call",
        f"Above `caps.max_inline_bytes` ({CAPS.max_inline_bytes // 1024**3} GiB)",
        f"counts for `caps.max_hash_age_seconds` ({CAPS.hash_counts_seconds})",
        f"`max_refusals_per_hour` ({CAPS.refusals_per_hour})",
        f"`max_changes_per_hour` ({CAPS.changes_per_hour})",
        f"number of approvers (at least {EMERGENCY.approvers}), and hours (at most {EMERGENCY.max_hours})",
        f"This waives all evidence that is missing or fails, for {EMERGENCY.max_hours} hours at most",
        f"writes {SMALL[gate_log.MAX_LINES]} lines a minute in each worker",
    ],
)
def test_the_guide_states_the_bound_that_holds(said):
    assert said in GUIDE
    assert gate_log.WINDOW_SECONDS == 60
