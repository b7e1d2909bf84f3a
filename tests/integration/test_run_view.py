"""What MLflow's own pages show of a training: metrics, data sets, a tag and a description, beside what a person logged."""

import json
import logging

import pytest

import aims_mlflow as aims
from aims_mlflow.capture import run_view
from support.captured_runs import FEATURES, config, fit, last_run, one, records

pytestmark = pytest.mark.usefixtures("tracking")


def run():
    import mlflow

    return mlflow.get_run(last_run())


def inputs():
    return {i.dataset.name: i for i in run().inputs.dataset_inputs}


def trained(halves, before=lambda: None):
    import mlflow

    @aims.trains("loans", config=config())
    def train(train, test):
        before()
        return fit(train)

    train(*halves)
    return mlflow.get_logged_model(run().outputs.model_outputs[0].model_id)


def test_the_main_figures_are_metrics_of_the_run_and_of_the_model_on_the_held_out_data(halves):
    model = trained(halves)
    claims = {c.metric: c for c in one("performance").evidence.claims if not c.slice and c.value is not None}
    shown = run().data.metrics
    for metric in ("accuracy", "balanced_accuracy", "roc_auc"):
        assert shown[f"aims/{metric}"] == float(claims[metric].value)
    for metric in ("precision", "recall", "f1"):
        assert shown[f"aims/{metric}_of_yes"] == float(claims[metric].value)
        assert f"aims/{metric}" not in shown, "of which label, nobody would know"
    ratios = [c for c in one("fairness").evidence.claims if c.metric == "selection_rate_ratio" and c.limit is not None]
    assert shown["aims/selection_rate_ratio/sex/lowest"] == min(float(c.value) for c in ratios)
    assert shown["aims/limits/failed"] == sum(
        c.passed is False and c.severity != "warning"
        for r in [one("fairness"), one("performance")]
        for c in r.evidence.claims
    )
    of_model = {m.key: m for m in model.metrics}
    assert of_model["aims/accuracy"].value == shown["aims/accuracy"]
    test = inputs()["test"].dataset
    assert (of_model["aims/accuracy"].dataset_name, of_model["aims/accuracy"].dataset_digest) == (
        test.name,
        test.digest,
    )


def test_the_data_sets_are_inputs_with_their_digests_and_without_their_rows(halves):
    trained(halves)
    found = inputs()
    assert set(found) == {"train", "test"}
    for role, table in zip(("train", "test"), halves, strict=True):
        digest = one("training-provenance").evidence.details["data"][role]["digest"]["arrowIpcSha256"]
        tags = {t.key: t.value for t in found[role].tags}
        assert found[role].dataset.digest == digest[:36]
        assert "aims.session" in tags
        assert "aims.session" not in found[role].dataset.source, "one data set is that of many runs"
        assert (tags["aims.arrowIpcSha256"], tags["mlflow.data.context"]) == (digest, role)
        assert json.loads(found[role].dataset.profile)["num_rows"] == len(table)
        columns = [c["name"] for c in json.loads(found[role].dataset.schema)["mlflow_colspec"]]
        assert columns == list(table.columns)
        assert len(found[role].dataset.source) < 500


def test_tag_and_description_tell_the_result_and_lead_to_the_page(halves):
    model = trained(halves)
    tags = run().data.tags
    result = {"failed": "failed", "warned": "warned", "passed": "passed"}[tags["aims.result"]]
    assert model.tags["aims.result"] == result
    note = tags["mlflow.note.content"]
    assert note.startswith(f"**Result of the evidence: {result}.**")
    info = run().info
    assert f"(#/experiments/{info.experiment_id}/runs/{info.run_id}/artifacts/aims/index.html)" in note
    assert "artifacts/aims/model_card.md" in model.tags["mlflow.note.content"]


def test_a_persons_own_description_stays(halves):
    import mlflow

    model = trained(halves, lambda: mlflow.set_tag("mlflow.note.content", "my own words"))
    assert run().data.tags["mlflow.note.content"] == "my own words"
    assert run().data.tags["aims.result"]
    mlflow.MlflowClient().set_logged_model_tags(model.model_id, {"mlflow.note.content": "mine too"})
    aims.evaluate(f"models:/{model.model_id}", test=halves[1], config=config())
    assert mlflow.get_logged_model(model.model_id).tags["mlflow.note.content"] == "mine too"


def test_what_autologging_and_the_person_logged_is_not_doubled(halves):
    import mlflow

    mlflow.sklearn.autolog(log_models=False)
    try:
        trained(halves, lambda: mlflow.log_input(mlflow.data.from_pandas(halves[1], name="mine"), context="test"))
    finally:
        mlflow.sklearn.autolog(disable=True)
    contexts = [t.value for i in run().inputs.dataset_inputs for t in i.tags if t.key == "mlflow.data.context"]
    assert sorted(contexts) == ["test", "train"], "autologging's rows of the features are those of the table"
    assert len(FEATURES) < len(halves[0].columns)
    own = [name for name in run().data.metrics if not name.startswith("aims/")]
    assert own, "autologging's own metrics stand beside ours, under other names"


def test_a_server_that_takes_none_of_it_breaks_nothing(halves, monkeypatch, capfd):
    def refuse(*_args, **_more):
        raise PermissionError("no")

    monkeypatch.setattr(run_view, "main_figures", refuse)
    logging.getLogger("aims_mlflow").setLevel(logging.WARNING)
    model = trained(halves)
    assert model.status == "READY"
    assert "MLflow's own pages do not show the evidence" in capfd.readouterr().err
    assert one("session")


def test_several_models_have_their_own_figures(halves):
    import mlflow

    @aims.trains("loans", config=config())
    def train(train, test):
        return {"one": fit(train), "two": fit(train)}

    train(*halves)
    shown = run().data.metrics
    assert {"aims/one/accuracy", "aims/two/accuracy"} <= set(shown)
    for output in run().outputs.model_outputs:
        model = mlflow.get_logged_model(output.model_id)
        assert f"aims/{model.name}/accuracy" in {m.key for m in model.metrics}
        assert f"artifacts/aims/{model.name}-model_card.md" in model.tags["mlflow.note.content"]


def test_the_card_is_what_the_sealed_records_give_byte_for_byte(halves):
    """Also where groups of two columns are crossed, and data sets are named in another order than the alphabet's."""
    from aims_mlflow.documents.model_card import render_model_card
    from aims_mlflow.evidence import tracking

    train, test = (part.assign(branch=part.index % 2) for part in halves)

    @aims.trains("loans", config=config(sensitive=["sex", "branch"]))
    def fitted(train, test):
        return fit(train)

    fitted(train, test)
    sealed = records()
    before = sealed[: next(n for n, r in enumerate(sealed) if r.evidence.kind == "model-card")]
    digest = next(iter(one("performance").subjects[0].digest.values()))
    assert any(len(c.slice) == 2 for c in one("fairness").evidence.claims)
    assert render_model_card(before, digest) == tracking.read_file(last_run(), "aims/model_card.md")


def test_threads_that_log_one_data_set_at_the_same_moment_both_show_the_evidence(halves, monkeypatch, capfd):
    """MLflow looks for the data set and then adds it, so that the second of two threads meets its unique key."""
    from mlflow.exceptions import MlflowException
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    log_inputs, left = SqlAlchemyStore.log_inputs, ["(sqlite3.IntegrityError) UNIQUE constraint failed"]

    def met(self, *args, **more):
        if left:
            raise MlflowException(left.pop())
        return log_inputs(self, *args, **more)

    monkeypatch.setattr(SqlAlchemyStore, "log_inputs", met)
    trained(halves)
    assert not left
    assert run().data.tags["aims.result"]
    assert len(inputs()) == 2
    assert "do not show the evidence" not in capfd.readouterr().err


def test_what_stopped_it_is_named(halves, monkeypatch, capfd):
    from mlflow.exceptions import MlflowException

    def locked(*_args, **_more):
        raise MlflowException("(sqlite3.OperationalError) database is locked")

    monkeypatch.setattr(run_view, "main_figures", locked)
    monkeypatch.setattr(run_view, "PAUSES", (0.0,))
    trained(halves)
    said = capfd.readouterr().err
    assert "show the evidence in the run: (sqlite3.OperationalError) database is locked" in said
    assert "(Unreachable)" not in said
