"""The sessions that a run has already, where a logged model is evaluated again: documents then show all of them."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from aims_mlflow.evidence import tracking
from aims_mlflow.evidence.session import SESSION_DIR
from aims_mlflow.evidence.trust import trust_only
from aims_mlflow.evidence.verify import check_session

if TYPE_CHECKING:
    from aims_mlflow.capture.open_run import OpenRun
    from aims_mlflow.capture.recorder import Recorder


def add(run: OpenRun, recorder: Recorder) -> None:
    """Add the run's earlier sessions, as far as our own key signed them; documents are rendered from all.

    A run with another person's sessions keeps its documents: ours would deny what these record.

    Raises:
        Unreachable: the run cannot be read.
    """
    for name, content in tracking.session_files(run.run_id).items():
        session = PurePosixPath(name).stem
        if session == recorder.session_id:
            continue
        if check_session(content, name, trust_only(run.key.public)).sound:
            recorder.earlier_sessions[session] = content
        else:
            recorder.keeps_documents = True


def not_there(run_id: str, recorder: Recorder) -> dict[str, bytes]:
    """Return the session files that a run does not have yet: a gated server lets no session be written a second time.

    Raises:
        Unreachable: the run's files cannot be listed.
    """
    sessions = recorder.session_files()
    if not recorder.earlier_sessions:
        return sessions
    with tracking.reaching(f"list the evidence of run {run_id}"):
        there = {found.path: found.file_size for found in tracking.client().list_artifacts(run_id, SESSION_DIR)}
    return {name: content for name, content in sessions.items() if there.get(name) != len(content)}
