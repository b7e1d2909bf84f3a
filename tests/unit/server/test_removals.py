"""Taking authority away is never blocked; the traces of what was in use go only with a retirement record."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException

from aims_mlflow.registers.findings import open_findings
from aims_mlflow.server import announced_change, removals
from aims_mlflow.server.active_policy import ActivePolicy
from support import commands, trainings
from support.embedded_registry import files_of
from support.gated_registry import refused


def test_a_withdrawn_alias_is_sealed_and_its_retirement_is_due(registry, client, use):
    version, _ = use()
    client.delete_registered_model_alias("loans", "champion")
    assert client.get_registered_model("loans").aliases == {}
    (leaf,) = registry.leaves("withdrawn")
    assert (leaf["alias"], leaf["version"]) == ("champion", version)
    assert [x["of"] for x in registry.leaves("outcome")][-1] == "withdrawn"
    (finding,) = open_findings(registry.ledger, ["retirement-due"]).values()
    assert finding.text == "champion was withdrawn from version 1: its retirement record is due"


def test_a_withdrawal_goes_through_when_the_ledger_is_gone(registry, client, use, monkeypatch, caplog):
    from aims_mlflow.errors import Unreachable
    from aims_mlflow.ledger.ledger import Ledger

    use()

    def gone(*_, **__):
        raise Unreachable("the ledger could not be written")

    with monkeypatch.context() as broken:
        broken.setattr(Ledger, "seal", gone)
        client.delete_registered_model_alias("loans", "champion")
    assert client.get_registered_model("loans").aliases == {}
    assert "withdrawn without a seal" in caplog.text


WITHDRAWING = {
    "the policy": (ActivePolicy, "current"),
    "settling": (announced_change, "finish_open_change"),
    "the version": (removals.Removals, "_withdrawn"),
    "whether it is a prompt": (removals, "is_prompt"),
    "the entries": (removals, "_withdrawal"),
    "who asks": (removals, "caller"),
}


@pytest.mark.parametrize("in_stage", [False, True])
def test_a_withdrawal_goes_through_whatever_fails_in_the_gate(registry, client, use, monkeypatch, in_stage):
    version, _ = use()

    def fail(*_, **__):
        raise RuntimeError("bug")

    def leave(step):
        if in_stage:
            client.transition_model_version_stage("loans", version, "Archived")
        else:
            client.delete_registered_model_alias("loans", "champion")

    registry.say("approve", f"models:/loans/{version}", "--stage", "deployment", "--alias", "production")
    for step in sorted(WITHDRAWING):
        if in_stage:
            client.transition_model_version_stage("loans", version, "Production")
        else:
            client.set_registered_model_alias("loans", "champion", version)
        with monkeypatch.context() as broken:
            broken.setattr(*WITHDRAWING[step], fail)
            leave(step)
        assert client.get_registered_model("loans").aliases == ({"champion": 1} if in_stage else {}), step
        assert client.get_model_version("loans", version).current_stage == ("Archived" if in_stage else "None"), step


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("stage", ["Staging", "Production"])
def test_without_a_policy_a_move_that_may_put_into_use_is_refused(registry, client, use, monkeypatch, stage):
    version, _ = use()

    def fail(*_, **__):
        raise RuntimeError("bug")

    monkeypatch.setattr(ActivePolicy, "current", fail)
    assert "the gate could not decide" in refused(client.transition_model_version_stage, "loans", version, stage)
    assert client.get_model_version("loans", version).current_stage == "None"


def test_a_registry_that_fails_to_withdraw_is_no_500(registry, client, use, monkeypatch, caplog):
    from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore

    use()

    def gone(*_, **__):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(SqlAlchemyStore, "delete_registered_model_alias", gone)
    assert "the registry failed while carrying it out" in refused(
        client.delete_registered_model_alias, "loans", "champion"
    )
    with monkeypatch.context() as broken:
        broken.setattr(ActivePolicy, "current", gone)
        text = refused(client.delete_registered_model_alias, "loans", "champion")
    assert "Withdrawal failed: the registry could not carry it out" in text
    assert text.split("incident ")[1].split()[0] in caplog.text


def test_an_alias_that_is_not_gated_leaves_no_trace(registry, client, use):
    version, _ = use()
    before = len(registry.leaves())
    client.set_registered_model_alias("loans", "candidate", version)
    client.delete_registered_model_alias("loans", "candidate")
    client.delete_registered_model_alias("loans", "never-there")
    client.delete_registered_model_alias("loans", "production")
    assert len(registry.leaves()) == before


def test_moving_an_alias_supersedes_and_moving_back_is_restored(registry, client, use):
    first, _uri = use(seed=1)
    second, _ = use(seed=2)
    (leaf,) = registry.leaves("superseded")
    assert (leaf["version"], leaf["by"]) == (first, second)

    registry.change_policy(lambda p: p["stages"]["deployment"].update(max_age_days=1, require=["drift"]))
    client.set_registered_model_alias("loans", "champion", first)
    decision = registry.leaves("decision")[-1]
    assert (decision["basis"], decision["allowed"], decision["would_refuse"]) == ("restored", True, False)
    refused(client.set_registered_model_alias, "loans", "production", first)  # never had that one


def test_moving_back_needs_no_evidence_that_somebody_made_unreadable(registry, client, use):
    """205 files of junk, or the logged model deleted: `models:/loans/1` loads as before."""
    first, uri = use(seed=1)
    second, _ = use(seed=2)
    run = client.get_model_version("loans", first).run_id
    sessions = Path(client.get_run(run).info.artifact_uri.removeprefix("file://"), "aims", "sessions")
    for number in range(205):
        (sessions / f"n{number}.jsonl").write_bytes(b"x")
    client.set_registered_model_alias("loans", "champion", first)
    assert registry.leaves("decision")[-1]["basis"] == "restored"
    assert "more evidence than is read" in refused(client.set_registered_model_alias, "loans", "production", first)
    client.set_registered_model_alias("loans", "champion", second)
    client.delete_logged_model(uri.removeprefix("models:/"))
    client.set_registered_model_alias("loans", "champion", first)
    assert registry.leaves("decision")[-1]["basis"] == "restored"
    assert "there is no logged model" in refused(client.create_model_version, "loans", uri, description="again")


def test_moving_back_is_refused_when_the_files_changed(registry, client, use):
    first, uri = use(seed=1)
    use(seed=2)
    path = files_of(uri) / "MLmodel"
    path.write_bytes(path.read_bytes() + b"# changed\n")
    text = refused(client.set_registered_model_alias, "loans", "champion", first)
    assert f"the model's files changed since version {first} was registered" in text
    (finding,) = [x for x in registry.leaves("finding") if x["about"] == "changed-model"]
    assert finding["registered"] != finding["found"]


def test_moving_back_is_refused_after_a_revocation(registry, client, use):
    first, _ = use(seed=1)
    _second, _ = use(seed=2)
    registry.say("gate", "revoke", f"models:/loans/{first}", "--reason", "wrong labels found")
    text = refused(client.set_registered_model_alias, "loans", "champion", first)
    assert "an approval by another person than the trainer is missing" in text
    registry.say("approve", f"models:/loans/{first}", "--stage", "deployment")
    client.set_registered_model_alias("loans", "champion", first)
    assert registry.leaves("decision")[-1]["basis"] == "evidence"


def waived_version_in_use(registry, client, person):
    """Put an unfair model into use on a waiver; returns (its version, the waiver's last day)."""
    import mlflow

    _, uri = trainings.train("loans", frame=trainings.table(3000, fair=False), seed=1)
    until = (datetime.now(UTC) + timedelta(days=3)).strftime("%Y-%m-%d")
    waiver = ["--control", "A.6.2.4", "--reason", "pilot", "--until", until]
    registry.say("waive", uri, "--name", "loans", "--stage", "registration", *waiver)
    version = mlflow.register_model(uri, "loans").version
    registry.say("waive", f"models:/loans/{version}", "--stage", "deployment", *waiver)
    person("rosa", "approver")("approve", f"models:/loans/{version}", "--stage", "deployment")
    client.set_registered_model_alias("loans", "champion", version)
    return version, until


def test_moving_back_ends_with_the_waiver_that_allowed_it(registry, client, use, person, monkeypatch):
    import aims_mlflow.server.gate as gate

    first, _ = waived_version_in_use(registry, client, person)
    use(seed=2)

    class Later(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(days=10)

    monkeypatch.setattr(gate, "datetime", Later)
    text = refused(client.set_registered_model_alias, "loans", "champion", first)
    assert "selection-rate ratio" in text


def test_deleting_what_was_in_use_needs_its_retirement_record(registry, client, use):
    version, uri = use()
    text = refused(client.delete_model_version, "loans", version)
    assert "aims gate retire models:/loans/1" in text
    refused(client.delete_registered_model, "loans")
    client.delete_registered_model_alias("loans", "champion")
    refused(client.delete_model_version, "loans", version)
    registry.say("gate", "retire", f"models:/loans/{version}", "--reason", "replaced by another system")
    client.delete_model_version("loans", version)
    leaf = list(registry.ledger.leaves(types=("deleted",)))[-1]
    kept = registry.ledger.body(leaf.sequence).rows[0]
    assert kept["source"] == uri
    assert kept["run_id"]
    with pytest.raises(MlflowException, match="not found"):
        client.get_model_version("loans", version)


def test_a_version_that_was_never_in_use_can_be_deleted_and_is_remembered(registry, client):
    import mlflow

    _, uri = trainings.train("loans", frame=trainings.table(3000))
    version = mlflow.register_model(uri, "loans").version
    client.delete_model_version("loans", version)
    client.delete_registered_model("loans")
    assert [(x.get("version"), x["type"]) for x in registry.leaves("deleted")] == [("1", "deleted"), (None, "deleted")]


def test_observed_models_may_be_deleted_without_a_record(registry, client, use):
    version, _ = use()
    registry.change_policy(lambda p: p["enforcement"].append({"models": "loans", "stage": "*", "mode": "observe"}))
    client.delete_model_version("loans", version)
    assert registry.leaves("deleted")[-1]["version"] == version


def test_a_deleted_models_name_gives_no_authority_to_the_next_one(registry, client, use):
    version, uri = use(seed=1)
    client.delete_registered_model_alias("loans", "champion")
    registry.say("gate", "retire", f"models:/loans/{version}", "--reason", "gone")
    client.delete_registered_model("loans")
    import mlflow

    again = mlflow.register_model(uri, "loans").version
    assert again == 1 or again == "1"
    registry.change_policy(lambda p: p["stages"]["deployment"].update(require=["drift"]))
    text = refused(client.set_registered_model_alias, "loans", "champion", again)
    assert "approval" in text
    client.delete_model_version("loans", again)


def test_a_renamed_model_keeps_its_past(registry, client, use):
    version, _ = use(seed=1)
    second, _ = use(seed=2)
    client.rename_registered_model("loans", "credit")
    registry.change_policy(lambda p: p["stages"]["deployment"].update(max_age_days=1, require=["drift"]))
    client.set_registered_model_alias("credit", "champion", version)
    assert registry.leaves("decision")[-1]["basis"] == "restored"
    refused(client.delete_model_version, "credit", version)
    from aims_mlflow.lifecycle.model_history import ModelHistory
    from aims_mlflow.lifecycle.tenures import tenures_of

    assert [h.version for h in tenures_of(ModelHistory(registry.ledger, "credit"))] == [version, second, version]
    assert tenures_of(ModelHistory(registry.ledger, "loans")) == []


@pytest.mark.parametrize("new", ["loans", "mine"])
def test_a_rename_onto_a_model_that_is_there_gives_nobody_its_past(registry, client, use, new):
    """It was sealed first: MLflow refused it then, and the ledger took the other model for the renamed one."""
    version, uri = use()
    client.create_registered_model("mine")
    client.create_model_version("mine", uri, model_id=uri.removeprefix("models:/"))
    place = client.get_model_version_download_uri("loans", version)
    with pytest.raises(MlflowException, match="already exists"):
        client.rename_registered_model("mine", new)
    assert registry.leaves("renamed") == []
    assert client.get_model_version_download_uri("loans", version) == place
    client.delete_registered_model_alias("loans", "champion")
    client.set_registered_model_alias("loans", "champion", version)


def test_a_name_that_is_taken_while_a_model_is_renamed_is_not_the_renamed_one(registry, client, use, monkeypatch):
    from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore

    rename = SqlAlchemyStore.rename_registered_model

    def taken(self, name, new_name):
        SqlAlchemyStore.create_registered_model(self, new_name)
        return rename(self, name, new_name)

    version, _ = use()
    monkeypatch.setattr(SqlAlchemyStore, "rename_registered_model", taken)
    with pytest.raises(MlflowException, match="already exists"):
        client.rename_registered_model("loans", "credit")
    assert {x["done"] for x in registry.leaves("outcome") if x["of"] == "renamed"} == {False}
    client.delete_registered_model_alias("loans", "champion")
    client.set_registered_model_alias("loans", "champion", version)


def test_a_rename_does_not_bring_a_model_under_other_rules(registry, client, use):
    use()
    registry.change_policy(lambda p: p["systems"].update({"strict-*": {"min_held_out_rows": 5000}}))
    assert "other rules" in refused(client.rename_registered_model, "loans", "strict-loans")
    registry.change_policy(lambda p: p["enforcement"].append({"models": "free-*", "stage": "*", "mode": "observe"}))
    assert "other rules" in refused(client.rename_registered_model, "loans", "free-loans")
    client.create_registered_model("free-others")
    assert "other rules" in refused(client.rename_registered_model, "free-others", "others")
    client.rename_registered_model("loans", "other-loans")


def test_a_model_has_a_bounded_number_of_names(registry, client, monkeypatch):
    """Whoever may rename it could make each later decision ask the ledger about thousands of names."""
    monkeypatch.setattr(removals, "MAX_NAMES", 3)
    client.create_registered_model("a0")
    for number in range(2):
        client.rename_registered_model(f"a{number}", f"a{number + 1}")
    assert "the model has had 3 names" in refused(client.rename_registered_model, "a2", "a3")


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_stages_are_gated_and_leaving_one_is_a_withdrawal(registry, client, use):
    first, _ = use(alias="production", seed=1)
    second, _ = use(alias="production", seed=2)
    client.transition_model_version_stage("loans", first, "Staging")
    client.transition_model_version_stage("loans", first, "Production")
    client.transition_model_version_stage("loans", second, "Production", archive_existing_versions=True)
    lost = [x for x in registry.leaves("superseded") if x.get("mlflow_stage")]
    assert [(x["version"], x["by"]) for x in lost] == [(first, second)]
    client.transition_model_version_stage("loans", second, "Archived")
    assert [(x["version"], x["mlflow_stage"]) for x in registry.leaves("withdrawn")] == [(second, "Production")]
    from aims_mlflow.lifecycle.model_history import ModelHistory
    from aims_mlflow.lifecycle.tenures import holders

    assert list(holders(ModelHistory(registry.ledger, "loans"))) == ["production"]


def test_an_alias_that_is_deleted_and_set_again_carries_its_waivers(registry, client, person):
    version, until = waived_version_in_use(registry, client, person)
    first = registry.leaves("decision")[-1]
    for _ in range(2):
        client.delete_registered_model_alias("loans", "champion")
        client.set_registered_model_alias("loans", "champion", version)
        again = registry.leaves("decision")[-1]
        assert again["basis"] == "restored"
        assert (again["waivers"], again["waived_until"]) == (first["waivers"], first["waived_until"])
    place = ["--ledger", f"sqlite:///{registry.folder}/mlflow.db.aims.db"]
    today = datetime.now(UTC).strftime("%Y-%m-%d")
    shown = commands.aims("gate", "history", "loans", "--at", today, *place)
    assert shown.count(f"! WAIVED until {until} by") == 3
    assert "no gated alias" in commands.aims("gate", "history", "loans", "--at", "2020-01-01", *place)
