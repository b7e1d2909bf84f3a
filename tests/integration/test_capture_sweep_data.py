"""A sweep whose data come from decorated steps: the chosen run has the sessions that its evidence is based on."""

import mlflow
import pytest
from sklearn.model_selection import train_test_split

import aims_mlflow as aims
from aims_mlflow.audit.report import Report
from aims_mlflow.audit.run_files import check_evidence
from aims_mlflow.evidence import tracking as store
from aims_mlflow.evidence.run_source import open_source
from aims_mlflow.evidence.trust import trusted_keys
from support.captured_runs import config, fit, kinds, one

pytestmark = pytest.mark.usefixtures("tracking")
STATED = {
    "owner": "data office",
    "licence": "internal",
    "rights": "contract 12",
    "retention": "7 years",
    "purpose": "training and test of the model",
}


def test_the_chosen_run_has_the_acquisition_and_the_preparation_behind_its_data(frame, capsys):
    shared = config()

    @aims.acquires("loans-2024", config=shared, subjects="applicants", selection_reason="all of 2024", **STATED)
    def load():
        return frame

    @aims.prepares("applications without an answer teach nothing", config=shared)
    def clean(rows):
        return rows[rows["income"] > 1500].reset_index(drop=True)

    @aims.trains("loans", config=shared)
    def train(train, test, strength):
        return fit(train)

    halves = train_test_split(clean(load()), random_state=0)
    runs = []
    with mlflow.start_run():
        for strength in (0.1, 1.0):
            with mlflow.start_run(nested=True) as run:
                train(halves[0], halves[1], strength)
            runs.append(run.info.run_id)
    behind = {step["session"] for item in one("lineage", runs[0]).evidence.details["links"] for step in item["steps"]}
    assert len(behind) == 2
    assert {"acquisition", "preparation"} <= set(kinds(runs[0])), "whose session has the evidence about the data"
    capsys.readouterr()
    aims.select(runs[1])
    assert {f"aims/sessions/{session}.jsonl" for session in behind} <= set(store.session_files(runs[1]))
    assert {"acquisition", "preparation", "lineage", "data-quality", "trial"} <= set(kinds(runs[1]))
    sheet = store.read_file(runs[1], "aims/datasheet.md").decode()
    for stated in ("data office", "contract 12", "applications without an answer teach nothing"):
        assert stated in sheet
    card = store.read_file(runs[1], "aims/model_card.md").decode()
    assert "No data were bound" not in card
    met = next(line for line in capsys.readouterr().err.splitlines() if " met: " in line)
    for control in ("A.4.3", "A.7.3"):
        assert control in met
    report = Report(runs[1])
    check_evidence(report, open_source(f"runs:/{runs[1]}", trusted_keys()))
    assert report.verified, report.problems
