"""The model card: the verdict first, and nothing that failed, warned, was left out or waived is missing."""

import re

import pytest

from aims_mlflow.checks.claims import SET_ASIDE, TOO_SMALL
from aims_mlflow.cli.main import main
from aims_mlflow.documents.index_page import render_index
from aims_mlflow.documents.model_card import render_model_card
from aims_mlflow.documents.verdict import EvidenceVerdict
from aims_mlflow.evidence.session import SessionWriter
from aims_mlflow.evidence.statement import Subject
from aims_mlflow.records.evidence import Claim, Interval, MlflowIds, result_of
from aims_mlflow.records.limit import LimitOrigin
from aims_mlflow.signing.key_sources import load_key
from aims_mlflow.signing.keys import ephemeral_key, write_new_key
from support import signed_sessions

ABOUT = [Subject(name="models:/m-1", digest={"dirHash1": signed_sessions.MODEL})]
OVER = {"comparator": ">=", "limit": "0.8"}


def ratio(group, value, *, reference="M", **more):
    interval = Interval(low="0.1", high="0.9", method="score") if value else None
    return Claim(
        metric="selection_rate_ratio",
        slice={"sex": group},
        reference={"sex": reference},
        value=value,
        n=70 if value else None,
        interval=interval,
        **{**OVER, **more},
    )


def card(*parts, start=None, key=None):
    """The card of a session with these records: (kind, claims, details)."""
    writer = SessionWriter(key or ephemeral_key(), "ana", mlflow=MlflowIds(run_id="f" * 32))
    system = {"id": "loans", "owner": "olga"}
    details = {"system": system, "target": "repaid", "favourable": "yes", "sensitive": ["sex"], **(start or {})}
    signed_sessions.add(writer, "session-start", ABOUT, details=details)
    for kind, claims, more in parts:
        signed_sessions.add(
            writer,
            kind,
            ABOUT,
            claims=tuple(claims),
            result=result_of(list(claims)) if claims else "passed",
            details=more,
        )
    return render_model_card(writer.records, signed_sessions.MODEL).decode().split("---\n", 2)[-1], writer


def section(text, title):
    return text.partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_the_verdict_stands_before_everything_else_and_names_what_failed():
    text, _ = card(("fairness", [ratio("F", "0.31", passed=False)], {}))
    first = text.partition("\n## ")[0]
    assert "**Result of the evidence: failed.** Failed: selection-rate ratio for sex=F" in first
    assert re.search(r"\| fairness\[\^e\d\] \| test \| failed \| 1\[", first)
    assert "waivers in force" in first, "a card is written before any waiver, and says where they stand"


def test_beside_the_values_stands_how_many_test_rows_were_trained_on():
    seen = Claim(metric="share_of_test_rows_trained_on", value="1", comparator="<=", limit="0.05", passed=False, n=800)
    again = Claim(
        metric="train_test_overlap", value="0.04", comparator="<=", limit="0.01", severity="warning", passed=False
    )
    text, _ = card(("lineage", [seen], {}), ("performance", [Claim(metric="accuracy", value="1", n=800)], {}))
    told = section(text, "Performance")
    assert "On test data that are **not held out**; share of test rows trained on: 1[^e" in told
    assert "On held-out data" not in told
    text, _ = card(("lineage", [again], {}), ("performance", [Claim(metric="accuracy", value="1", n=800)], {}))
    assert "On held-out data; train test overlap: 0.04[^e" in section(text, "Performance")


def test_the_word_for_a_group_too_small_to_judge_stands_once():
    small = ratio("X", None, note=f"{TOO_SMALL}: 21 rows, groups are judged from 30 on")
    text, writer = card(("fairness", [small], {}))
    assert "not evaluated: not evaluated" not in text.lower()
    shown = EvidenceVerdict.of(writer.records).by_severity()
    assert [told for _, rows in shown for told, _ in rows] == [
        "not evaluated: sex=X, 21 rows, groups are judged from 30 on"
    ]


def test_limitations_name_each_failure_warning_and_group_that_was_not_judged():
    warned = Claim(metric="unsafe_model_files", value="1", comparator="==", limit="0", severity="warning", passed=False)
    small = f"{TOO_SMALL}: under 20 rows, groups are judged from 30 on"
    fairness = [
        ratio("F", "0.31", passed=False),
        ratio("X", "0.7", passed=None, note="not enough data: 70 rows"),
        ratio("D", None, note=small),
        Claim(metric="true_positive_rate_ratio", slice={"sex": "D"}, note=small, **OVER),
        Claim(metric="selection_rate_ratio", slice={"sex": "U"}, note=f"{SET_ASIDE}nobody was asked (40 rows)"),
    ]
    drift = {"left_out": {"note": "a text of many words"}}
    text, _ = card(("fairness", fairness, {}), ("robustness", [warned], {}), ("drift", [], drift))
    told = section(text, "Limitations")
    assert "- Failed: selection-rate ratio for sex=F is 0.31 (95% 0.1 to 0.9)" in told
    assert "limit >= 0.8" in told
    assert "- Not enough data: selection-rate ratio for sex=X is 0.7" in told
    assert "- Warned: unsafe model files is 1" in told
    assert len(re.findall("Not evaluated: sex=D", told)) == 1, "a group that is too small is so for every limit"
    assert "- Not judged: sex=U, set aside: nobody was asked" in told
    assert "- Left out of drift: column note, a text of many words" in told
    assert "Not judged: D" in section(text, "Performance and outcomes by group")


def test_where_nothing_failed_limitations_say_so():
    text, _ = card(("fairness", [ratio("F", "0.91", passed=True)], {}))
    assert "No limit failed or warned, and no group or column was left out." in section(text, "Limitations")
    text, _ = card(
        ("fairness", [ratio("F", "0.91", passed=True)], {}), start={"system": {"limitations": "Adults only."}}
    )
    assert "As stated: Adults only." in section(text, "Limitations")


def test_a_regression_has_no_accuracy_and_no_classes():
    error = Claim(metric="mean_absolute_error", slice={"sex": "F"}, value="12.5", n=90)
    overall = Claim(metric="mean_absolute_error", value="11", n=200)
    text, _ = card(
        ("performance", [overall], {"task": "regression"}),
        ("fairness", [error], {"task": "regression"}),
    )
    assert "accuracy" not in text
    assert "## Results by class" not in text
    assert "12.5[^e" in section(text, "Performance and outcomes by group")


def test_limitations_name_whom_the_model_serves_no_better_than_guessing():
    over = [
        Claim(metric="accuracy_over_majority", slice=at, value=value, n=400)
        for at, value in (({}, "0.021"), ({"sex": "F"}, "-0.137"), ({"sex": "M"}, "0"))
    ]
    told = section(card(("performance", over, {}))[0], "Limitations")
    assert [line for line in told.splitlines() if "sex=F" in line and "is -0.137" in line]
    assert "sex=M" in told
    assert "all rows" not in told


def test_classes_the_worst_slice_and_the_favourable_outcome_are_named():
    claims = [
        Claim(metric="accuracy", value="0.75", n=400),
        Claim(metric="recall", slice={"label": "A"}, value="0.25", n=100),
        Claim(metric="recall", slice={"label": "B"}, value="0.9", n=300),
        Claim(metric="worst_slice_accuracy", value="0.5", n=60, note="worst of 9 slices: sex=F, region=north"),
    ]
    details = {"task": "multiclass-classification", "labels": ["A", "B"], "counts": [[25, 75], [30, 270]]}
    text, _ = card(("performance", claims, details))
    by_class = section(text, "Results by class")
    assert "| A | 0.25[^e" in by_class
    assert "| actual A | 25[^e" in by_class
    assert "worst of 9 slices: sex=F, region=north" in section(text, "Performance")
    assert "Favourable outcome for a person: yes" in section(text, "Outcome")


def test_a_favourable_outcome_that_nobody_named_is_called_supposed():
    claims = [Claim(metric="accuracy", value="0.75", n=400)]
    text, _ = card(("performance", claims, {"favourable": "1"}), start={"favourable": ""})
    assert re.search(
        r"Favourable outcome for a person: none is named, 1 is supposed\[\^e\d+\]", section(text, "Outcome")
    )


def test_a_figure_about_one_label_names_it_where_it_stands():
    values = {"recall": "0.968", "precision": "0.795", "accuracy": "0.78"}
    claims = [Claim(metric=m, value=v, n=900, role="test") for m, v in values.items()]
    text, _ = card(("performance", claims, {"favourable": "no", "labels": ["no", "yes"]}))
    rows = re.findall(r"^\| (recall|precision|accuracy)([^|]*)\|", text, re.MULTILINE)
    assert rows == [("recall", " of no "), ("precision", " of no "), ("accuracy", " ")]


def test_algorithm_and_hyper_parameters_are_those_of_the_model():
    models = [{"name": "m", "model_id": "m-1", "digest": signed_sessions.MODEL, "flavor": "sklearn"}]
    trained = {"models": models, "function": "train", "fit_seconds": "1.5", "hyperparameters": {"m-1": {"C": "0.2"}}}
    tooling = {
        "algorithms": {"m-1": "sklearn.linear_model.LogisticRegression"},
        "serving": {"m-1": ["mlflow==3.17.2", "scikit-learn==1.9.1"]},
    }
    text, _ = card(("training-provenance", [], trained), ("tooling-record", [], tooling))
    told = section(text, "Model details")
    assert (
        "`sklearn.linear_model.LogisticRegression`, MLflow flavour sklearn; needs `mlflow==3.17.2`, `scikit-learn==1.9.1`"
        in told
    )
    assert "Hyper-parameters of the fitted model: C=0.2" in told


@pytest.mark.parametrize(("roles", "shown"), [(["provider", "deployer"], True), (None, False)])
def test_a_role_stands_in_the_card_only_where_somebody_stated_it(roles, shown):
    system = {"id": "loans", "owner": "olga", **({"roles": roles} if roles else {})}
    text, _ = card(("fairness", [], {}), ("training-provenance", [], {"models": []}), start={"system": system})
    assert ("Roles of the organisation: provider; deployer" in text) is shown
    assert "Owner and provider" not in text
    assert "System owner: olga" in text


def test_a_placeholder_in_aims_yaml_states_nothing():
    system = {"id": "loans", "owner": "TODO", "intended_use": "tbd"}
    text, _ = card(("fairness", [], {}), ("training-provenance", [], {"models": []}), start={"system": system})
    assert "System owner: Not stated in aims.yaml (`system.owner`)." in text
    assert section(text, "Intended use").strip() == "Not stated in aims.yaml (`system.intended_use`)."


def test_of_several_models_each_is_judged_by_its_own_evaluations():
    _, writer = card(("fairness", [ratio("F", "0.31", passed=False)], {}))
    other = [Subject(name="models:/m-2", digest={"dirHash1": "b" * 64})]
    writer.add("fairness", other, claims=(ratio("F", "0.9", passed=True),), result="passed")
    assert EvidenceVerdict.of(writer.records, signed_sessions.MODEL).result == "failed"
    assert EvidenceVerdict.of(writer.records, "b" * 64).result == "passed"
    assert EvidenceVerdict.of(writer.records, "b" * 64).sentence() == "1 passed, of 1 limit"


def test_show_prints_each_number_that_the_card_takes_from_a_record(tmp_path, monkeypatch, capsys):
    write_new_key(tmp_path / "k.pem")
    monkeypatch.setenv("AIMS_SIGNING_KEY", f"file:{tmp_path}/k.pem")
    writer = signed_sessions.session(load_key(f"file:{tmp_path}/k.pem"))
    (tmp_path / "run/aims/sessions").mkdir(parents=True)
    (tmp_path / "run/aims/sessions/s.jsonl").write_bytes(writer.jsonl())
    text = render_model_card(writer.records, signed_sessions.MODEL).decode()
    assert f"`aims evidence show runs:/{'f' * 32} RECORD` prints it" in text
    notes = dict(re.findall(r"^\[\^e(\d+)\]: evidence `([0-9a-f-]+)`", text, re.MULTILINE))
    shown = {}
    for mark, record in notes.items():
        with pytest.raises(SystemExit):
            main(["evidence", "show", str(tmp_path / "run"), record])
        shown[mark] = capsys.readouterr().out.replace(",", "")
    for title in ("Training and evaluation data", "Performance", "Input specification", "Model details"):
        for number, mark in re.findall(
            r"(?<![\w.])(\d[\d,]*(?:\.\d+)?)(?: \([^)]*\))?\[\^e(\d+)\]", section(text, title)
        ):
            if number != "0":
                assert number.replace(",", "") in shown[mark] or number[:4] in shown[mark], f"{title}: {number}"


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (
            {"dirty": False, "untracked": {}},
            "no tracked file differed, and no other code below the repository was in use",
        ),
        ({"dirty": True, "untracked": {}}, "with uncommitted changes"),
        (
            {"dirty": False, "untracked": {"features.py": "f" * 64}},
            f"in no commit: `features.py` (sha256 `{'f' * 64}`)",
        ),
        ({"dirty": False}, "code that git does not track was not looked for"),
        ({"untracked": {}}, "whether tracked files differed is not known, and no other code"),
    ],
)
def test_the_code_is_clean_only_where_a_commit_holds_all_of_it(code, told):
    text, _ = card(("training-provenance", [], {"models": [], "code": {"commit": "e" * 40, **code}}))
    assert told in section(text, "Model details")


def test_each_limit_stands_once_with_its_reason_and_who_set_it():
    origin = LimitOrigin(why="29 CFR 1607.4(D), four fifths", set_by="risk committee", set_on="2026-03-02")
    claims = [ratio(group, "0.9", passed=True, limit_origin=origin) for group in ("F", "X")]
    text, writer = card(("fairness", claims, {}), start={"pack": {"name": "p", "version": "1"}})
    told = section(text, "Limits and their reasons")
    assert told.count("selection-rate ratio") == 1
    assert "set by risk committee on 2026-03-02" in told
    assert "29 CFR 1607.4(D), four fifths[^e" in told
    page = render_index([signed_sessions.checked(writer)], {}, [signed_sessions.MODEL]).decode()
    assert page.count("29 CFR 1607.4(D), four fifths") == 1


def test_the_card_has_labels_by_group_robustness_and_how_verdicts_and_intervals_are_read():
    around = Interval(low="-0.01", high="0.25", method="score")
    labels = [
        Claim(metric="favourable_label_rate", slice={"sex": "F"}, role="train", value="0.4", n=900),
        Claim(
            metric="favourable_label_rate_difference", slice={"sex": "F"}, reference={"sex": "M"}, role="train",
            value="0.12", n=45, n_of={"sex": "M"}, interval=around, note="below the reference group",
        ),
    ]  # fmt: skip
    kept = Claim(metric="agreement_under_noise", value="0.97", n=500, comparator=">=", limit="0.9", passed=True)
    worst = Claim(metric="agreement_under_shift", value="0.6", n=500, note="lowest of 3 columns: income")
    extremes = Claim(
        metric="demographic_parity_ratio", slice={"sex": "*"}, value="0.8",
        interval=Interval(low="0.7", high="0.9", method="bootstrap range, percentile"),
    )  # fmt: skip
    about = {"rows": 500, "noise": "0.1", "missing": "0.1", "shift": "1"}
    text, _ = card(
        ("representativeness", labels, {}),
        ("fairness", [ratio("F", "0.31", passed=False), extremes], {}),
        ("robustness", [kept, worst], about),
    )
    told = section(text, "Labels by group in the data")
    assert "| sex=F | train | favourable label rate | 0.4[^e" in told
    assert re.search(r"-0.12 \(95% -0.25 to 0.01\)\[\^e\d\], below M, n=45 of M", told), told
    robust = section(text, "Robustness")
    assert "with noise of 0.1 standard deviations" in robust
    assert re.search(r"\| agreement under noise \| 0.97\[\^e\d\] \| >= 0.9\[\^e\d\] \| passed", robust)
    assert "lowest of 3 columns: income" in robust
    assert "so that chance allows the other side" in text.partition("\n## ")[0]
    groups = section(text, "Performance and outcomes by group")
    assert "can stand with two intervals" in groups
    assert "shows how much the value varies; no verdict rests on it" in groups


def test_a_limit_that_nobody_set_is_told_apart():
    inferred = LimitOrigin(why="what was seen", set_by="inferred from loans.csv")
    claim = Claim(metric="x", value="1", limit_origin=inferred, passed=True, **OVER)
    text, _ = card(("data-quality", [claim], {}))
    assert "inferred from loans.csv, set by no person" in section(text, "Limits and their reasons")


def test_a_plan_that_was_not_attached_may_be_published_and_no_card_advises_to_attach_it():
    text, _ = card()
    told = section(text, "Planned changes")
    assert "no `deployment-plan` was attached when this card was written" in told
    assert "aims.attach" not in text
