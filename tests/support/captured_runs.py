"""Trainings under capture, and the evidence that their runs have, read back and verified."""

from aims_mlflow.evidence import tracking as store
from aims_mlflow.evidence.verify import check_session
from aims_mlflow.records.keyring import KeyEntry
from aims_mlflow.signing.key_sources import signing_key
from support import trainings

FEATURES = ["income", "debt"]


def config(**data):
    found = trainings.config()
    found["data"].update(data)
    return found


def fit(train):
    return trainings.pipeline().fit(train[FEATURES], train["granted"])


def last_run():
    import mlflow

    return mlflow.search_runs(search_all_experiments=True, output_format="list", max_results=1)[0].info.run_id


def records(run_id=None):
    """Every record of a run, verified with this account's key: a session that does not verify fails the test."""
    run_id = run_id or last_run()
    public = signing_key().public

    def own(key_id):
        if key_id == public.key_id:
            return KeyEntry(key_id=key_id, owner="me", roles=("trainer",), pem=public.pem)
        return None

    out = []
    for name, data in store.session_files(run_id).items():
        checked = check_session(data, name, own)
        assert checked.sound, checked.problems
        out += checked.records
    return sorted(out, key=lambda r: (r.evidence.time, r.id))


def kinds(run_id=None):
    return [r.evidence.kind for r in records(run_id)]


def one(kind, run_id=None):
    found = [r for r in records(run_id) if r.evidence.kind == kind]
    assert found, f"no {kind}"
    return found[-1]


FULL = {
    "session-start", "dataset-record", "lineage", "data-quality", "training-provenance", "tooling-record", "compute-record",
    "performance", "fairness", "robustness", "drift", "drift-baseline", "model-card", "datasheet", "session",
}  # fmt: skip
