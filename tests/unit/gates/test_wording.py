"""A refusal as a person reads it."""

import re
import shlex

import pytest

from aims_mlflow.gates.wording import item_text, lines, refusal, refusal_lines, waiver_lines, what_is_approved
from aims_mlflow.records.decision import Decision, Supersession, Unmet, WaivedBy

NOW = "2026-05-01T00:00:00.000000Z"
LOW = Unmet(
    control="A.6.2.4",
    kind="fairness",
    text="selection-rate ratio for sex=Female is 0.31 (95% 0.28-0.34, n=3,210), limit >= 0.8 (policy.yaml:41)",
    next="mitigate and train again, or ask for a waiver",
    evidence="0197-e",
)
ALIAS = Unmet(control="A.6.2.5", kind="approval", text="an approval is missing", next="approve it", waivable=False)


def decision(*unmet, **more):
    fields = {
        "stage": "registration", "model_name": "income", "model_id": "m-3f2", "run_id": "8c1", "mode": "enforce",
        "allowed": not unmet, "would_refuse": bool(unmet), "unmet": unmet, "time": NOW, **more,
    }  # fmt: skip
    return Decision(**fields)


def test_a_refusal_says_what_where_and_what_to_do_next():
    assert refusal(decision(LOW)) == (
        "Registration refused: income, model m-3f2. A.6.2.4: selection-rate ratio for sex=Female is 0.31 "
        "(95% 0.28-0.34, n=3,210), limit >= 0.8 (policy.yaml:41), evidence 0197-e. "
        "Next: mitigate and train again, or ask for a waiver: aims waive models:/m-3f2 --name income "
        "--stage registration --control A.6.2.4 --reason … --until …. Unchanged: no version was made; run 8c1 and model m-3f2 are as they were."
    )


@pytest.mark.parametrize(
    ("more", "last"),
    [
        ({"run_id": None}, "no version was made; model m-3f2 is as it was."),
        ({"run_id": None, "model_id": None}, "no version was made."),
        ({"stage": "deployment", "alias": "champion", "version": "3"}, "champion is where it was."),
    ],
)
def test_each_kind_of_refusal_ends_with_what_it_left_as_it_was(more, last):
    assert refusal_lines(refusal(decision(LOW, **more)))[-1] == f"Unchanged: {last}"


def test_every_unmet_condition_is_told_up_to_a_sensible_number():
    many = [LOW.model_copy(update={"evidence": f"e{n}"}) for n in range(12)]
    text = refusal(decision(*many))
    assert "evidence e7" in text
    assert "evidence e8" not in text
    command = "aims gate explain models:/m-3f2 --name income --stage registration"
    assert f"And 4 more: `{command}` lists all." in text
    assert text.count("mitigate and train again") == 1, "the same advice once"


def test_the_advice_stands_once_before_all_its_commands_which_are_lines_of_their_own():
    groups = [LOW.model_copy(update={"metric": "selection_rate_ratio", "slice": {"age": g}}) for g in ("under 20", "x")]
    text = refusal(decision(*groups, ALIAS))
    assert text.count("or ask for a waiver") == 1
    shown = refusal_lines(text)
    assert " ".join(shown) == text
    assert [line.split(" is ")[0].split(" --")[0].split(" was ")[0] for line in shown] == [
        "Registration refused: income, model m-3f2.",
        "A.6.2.4: selection-rate ratio for sex=Female",
        "A.6.2.4: selection-rate ratio for sex=Female",
        "A.6.2.5: an approval",
        "Next: approve it; mitigate and train again, or ask for a waiver:",
        "aims waive models:/m-3f2",
        "aims waive models:/m-3f2",
        "Unchanged: no version",
    ]
    told = lines(decision(*groups, ALIAS))
    assert [t for t in told if "next: " in t][::-1] == [
        "  next: mitigate and train again, or ask for a waiver:",
        "  next: approve it",
    ]
    assert sum(t.startswith("    aims waive ") for t in told) == 2
    assert refusal_lines("performance: accuracy is 0.5. Next year A.6") == [
        "performance: accuracy is 0.5. Next year A.6"
    ]


def test_beside_waivers_of_some_failures_the_rest_that_would_refuse_has_a_command_too():
    groups = [LOW.model_copy(update={"metric": "selection_rate_ratio", "slice": {"race": g}}) for g in ("A", "B")]
    open_ = LOW.model_copy(update={"text": "fairness could not be evaluated", "next": "train again"})
    text = refusal(decision(open_, *groups, ALIAS))
    assert text.count("aims waive ") == 3
    assert (
        "a waiver too: aims waive models:/m-3f2 --name income --stage registration --control A.6.2.4 --reason" in text
    )
    assert "aims waive" not in refusal(decision(open_))


SEALED = "an approver runs `aims approve models:/income/VERSION --stage deployment --alias champion`"


def test_the_next_step_names_the_version_and_the_run_where_they_are_known():
    """What is sealed says VERSION; whoever reads the refusal pastes the command as it is."""
    approval = ALIAS.model_copy(update={"next": SEALED})
    text = refusal(decision(approval, stage="deployment", alias="champion", version="3"))
    assert "Next: an approver runs `aims approve models:/income/3 --stage deployment --alias champion`." in text
    assert "  next: " + SEALED.replace("VERSION", "3") in lines(decision(approval, version="3"))
    before = refusal(decision(approval))
    assert "aims approve models:/m-3f2 --name income --stage deployment" in before, "there is no version yet"
    assert "models:/income/VERSION" in refusal(decision(approval, model_id=None))
    owed = LOW.model_copy(update={"next": "the risk owner owes it; `aims evidence controls` shows every condition"})
    assert "`aims evidence controls runs:/8c1` shows every condition" in refusal(decision(owed))


def test_what_a_client_wrote_cannot_break_or_flood_the_text():
    text = item_text(LOW.model_copy(update={"text": "a\n\x1b[31mred\r\n" + "x" * 9000}))
    assert len(text) < 700
    assert text.isprintable()


def test_a_command_to_paste_quotes_what_a_client_named():
    """`x;id` is a name that MLflow takes, and would run a command of its own in the shell of whoever pastes it."""
    named = LOW.model_copy(update={"metric": "m;id", "control": "A.6;id"})
    sealed = "an approver runs `aims approve models:/x;id/VERSION --stage deployment`"
    told = [
        refusal(decision(named, *[LOW] * 9, model_name="x;id", model_id="m;id")),
        refusal(decision(ALIAS.model_copy(update={"next": sealed}), model_name="x;id", version="3")),
    ]
    for text in told:
        commands = re.findall(r"`(aims [^`]*)`|(aims waive .*?)(?=; aims|\. Nothing)", text)
        assert commands
        for command in commands:
            assert not [word for word in shlex.shlex("".join(command), punctuation_chars=True) if word == ";"], command
            assert "id" not in shlex.split("".join(command)), command


def test_a_deployment_names_the_alias_in_the_command_too():
    text = refusal(decision(LOW, ALIAS, stage="deployment", alias="champion"))
    assert text.startswith("Deployment refused as champion: income")
    assert "--stage deployment --alias champion --control A.6.2.4" in text
    assert "an approval is missing" in text


def test_waivers_and_warnings_stand_out():
    waived = WaivedBy(unmet=LOW, waiver="w1", owner="olga", reason="pilot of 20 people", expires="2026-06-01T23:59:59Z")
    out = lines(decision(waived=(waived, waived), warnings=(ALIAS,), approvals=("olga",)))
    assert out[0] == "registration of income: allowed"
    assert out.count("! WAIVED until 2026-06-01 by olga: A.6.2.4 (fairness), reason: pilot of 20 people") == 1
    assert any(line.startswith("  ~ warning: A.6.2.5") for line in out)
    assert "  approved by olga" in out


def test_the_advice_names_the_failure_and_not_the_whole_control():
    failed = LOW.model_copy(update={"metric": "selection_rate_ratio", "slice": {"sex": "Female (she/her)"}})
    text = refusal(decision(failed))
    assert "--control A.6.2.4 --metric selection_rate_ratio --slice 'sex=Female (she/her)' --reason" in text


def test_a_waiver_lists_the_failures_that_it_covers():
    groups = [{"sex": str(n)} for n in range(5)]
    covered = [
        WaivedBy(
            unmet=LOW.model_copy(update={"metric": "selection_rate_ratio", "slice": rows, "value": "0.3117"}),
            waiver="w1", owner="olga", reason="pilot", expires="2026-06-01T23:59:59Z",
        )
        for rows in groups
    ]  # fmt: skip
    (line,) = waiver_lines(decision(waived=tuple(covered)))
    assert line.startswith("WAIVED until 2026-06-01 by olga: A.6.2.4 (selection-rate ratio for sex=0 0.312; ")
    assert line.endswith("for sex=2 0.312 and 2 more), reason: pilot")


def test_observing_says_that_it_would_refuse():
    out = lines(decision(LOW, mode="observe", allowed=True))
    assert out[0] == "registration of income: would be refused, but the registry only observes"


def test_an_approver_reads_before_signing_what_was_taken_out_and_what_nobody_asked_for():
    taken_out = Supersession(
        kind="fairness", record="0197-failed", result="failed", owner="ana", by="0198-passed", by_owner="bob",
        instead="passed", reason="typo",
    )  # fmt: skip
    asked = decision(LOW, ALIAS, superseded=(taken_out,), documents=("1" * 64,), not_asked=("deployment-plan",))
    told = what_is_approved(asked)
    assert any("superseded: fairness 0197-failed by ana said failed" in line for line in told)
    assert any("selection-rate ratio for sex=Female is 0.31" in line for line in told)
    assert not any("an approval is missing" in line for line in told), "that is what is about to be signed"
    assert told[-2:] == ["  and on 1 published documents", "  not asked for by this policy: deployment-plan"]
    assert set(told[-2:]) <= set(lines(asked))
