"""What the demo tells of groups: their rates, the reference that each ratio is against, and what a mitigation cost."""

from types import SimpleNamespace

import numpy as np

from aims_mlflow.checks.fairness.comparisons import Comparison
from aims_mlflow.checks.fairness.selection import selection_claims
from aims_mlflow.checks.statistics.groups import Groups
from aims_mlflow.demo.telling import controls_to_waive, cost_lines, groups_table, guessing_lines, refusal_lines
from aims_mlflow.records.evidence import Claim
from support.status_cases import good


def performance(total, **groups):
    rows = [({}, total), *(({"sex": group}, value) for group, value in groups.items())]
    claims = [Claim(metric="accuracy", slice=s, value=v, n=900, role="test", passed=True) for s, v in rows]
    subject = good(change=lambda parts: parts["performance"][1].update(claims=claims))
    return next(r for r in subject.sessions[0].records if r.evidence.kind == "performance")


def test_the_cost_is_told_by_group_the_largest_first():
    told = cost_lines(
        performance("0.772", F="0.735", M="0.8", X="0.7"), performance("0.683", F="0.598", M="0.75", X="0.7")
    )
    assert told == [
        "its cost: accuracy 0.772 before, 0.683 after",
        "less accurate by group: sex=F 0.735 -> 0.598; sex=M 0.8 -> 0.75",
    ]


def table_of(reference, counts):
    """The table that is told of these counts by group ({group: [[tn, fp], [fn, tp]]})."""
    names = tuple((name,) for name in counts)
    cells = np.array(list(counts.values()))
    groups = Groups(("sex",), names, np.zeros(0, int), 0, 0, {})
    compared = Comparison(groups, cells.sum(axis=(1, 2)), list(counts).index(reference), None, "test")
    claims = selection_claims(cells, compared, 0)
    subject = good(change=lambda parts: parts["fairness"][1].update(claims=claims))
    record = next(r for r in subject.sessions[0].records if r.evidence.kind == "fairness")
    return groups_table(record, SimpleNamespace(sensitive=("sex",)))


def test_the_table_of_groups_marks_the_reference_and_says_what_each_ratio_is_against():
    men, women = [[100, 100], [100, 100]], [[160, 40], [160, 40]]
    told = table_of("M", {"F": women, "M": men})
    assert [line.split()[0] for line in told if line.rstrip().endswith("*")] == ["M"]
    assert told[-1] == "* M: the reference group; the rates of the others are divided by its rate"
    told = table_of("F", {"F": women, "M": men})
    assert [line.split()[0] for line in told if line.rstrip().endswith("*")] == ["F"]
    assert told[-1] == "its own rate is divided by that of M, the group most clearly above it"


def test_whom_the_model_serves_no_better_than_guessing_is_told():
    claims = [
        Claim(metric="accuracy_over_majority", slice=at, value=value, n=400, role="test")
        for at, value in (({}, "0.021"), ({"sex": "F"}, "-0.137"))
    ]
    subject = good(change=lambda parts: parts["performance"][1].update(claims=claims))
    record = next(r for r in subject.sessions[0].records if r.evidence.kind == "performance")
    assert guessing_lines(record) == ["accuracy minus that of always guessing the frequent label: sex=F -0.137"]


def test_a_refusal_is_told_alike_with_and_without_line_breaks():
    text = (
        "Registration refused: loans, model m-1. A.6.2.4: accuracy is 0.4, limit >= 0.5, evidence e. A.5.3: nothing is "
        "published. Next: train again, or ask for a waiver: aims waive models:/m-1. Unchanged: no version was made."
    )
    broken = text.replace(". A.", ".\nA.").replace(". N", ".\nN").replace(". U", ".\nU").replace(": aims", ":\naims")
    assert broken.count("\n") == 5
    assert refusal_lines(broken) == refusal_lines(text)
    assert refusal_lines(text)[0] == "✗ Registration refused: loans, model m-1"
    assert refusal_lines(text)[-1] == "next: train again, or ask for a waiver"
    assert controls_to_waive(broken) == ["A.5.3", "A.6.2.4"]
