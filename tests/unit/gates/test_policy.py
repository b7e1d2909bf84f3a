"""policy.yaml: which rules a change gets, and what is said about a mistake in it."""

import pytest

from aims_mlflow.errors import ConfigError, Unreachable
from aims_mlflow.gates.policy import default_policy_text, load_policy, parse_policy

SMALL = """
schema_version: 1
systems:
  "income-*": {target: any-of-them}
  income-1: {target: this-one}
  "*": {target: last}
enforcement:
  - {models: "*", mode: enforce}
  - {models: "income-*", stage: registration, mode: observe}
stages:
  registration: {require: [session]}
  deployment: {aliases: [Champion], require: [session]}
"""


def small(**changes):
    text = SMALL
    for old, new in changes.values():
        assert old in text
        text = text.replace(old, new)
    return parse_policy(text)


def test_an_exact_name_goes_before_patterns_and_patterns_go_in_order():
    policy = small()
    for name, target in (("income-1", "this-one"), ("income-2", "any-of-them"), ("credit", "last")):
        assert policy.rules(name, "registration").system.target == target


def test_a_name_that_nothing_matches_gets_the_default_or_none():
    assert small(a=('  "*": {target: last}\n', "")).rules("credit", "registration").system is None
    assert parse_policy(default_policy_text()).rules("any", "registration").system.sensitive is None


def test_the_last_enforcement_entry_that_matches_decides():
    policy = small()
    assert policy.rules("income-1", "registration").mode == "observe"
    assert policy.rules("income-1", "deployment").mode == "enforce"
    assert policy.rules("credit", "registration").mode == "enforce"


def test_limits_of_a_system_stand_beside_those_of_the_stage_and_know_their_line():
    text = default_policy_text().replace(
        "systems: {}",
        """systems:
  "income-*":
    limits:
      - {kind: performance, metric: accuracy, comparator: ">=", limit: 0.99, control: A.6.2.4, why: of this system}""",
    )
    policy, plain = parse_policy(text), parse_policy(default_policy_text())
    for stage in ("registration", "deployment"):
        rules, others = policy.rules("income-1", stage), plain.rules("income-1", stage).limits
        assert rules.limits[:-1] == others
        assert (rules.limits[-1].metric, rules.limits[-1].limit) == ("accuracy", "0.99")
        assert "limit: 0.99" in text.splitlines()[int(rules.lines[-1].partition(":")[2]) - 1]
        assert policy.rules("credit", stage).limits == others


def test_a_pattern_with_a_slash_means_workspace_and_name():
    systems = '  "team-a/*": {target: of-team-a}\n  "default/*": {target: of-no-team}\n  "income-*"'
    modes = '  - {models: "*", mode: enforce}\n  - {models: "team-a/*", mode: observe}'
    policy = small(a=('  "income-*"', systems), b=('  - {models: "*", mode: enforce}', modes))
    for workspace, target, mode in (
        ("team-a", "of-team-a", "observe"),
        ("team-b", "any-of-them", "enforce"),
        (None, "of-no-team", "enforce"),
    ):
        rules = policy.rules("income-2", "deployment", workspace=workspace)
        assert (rules.system.target, rules.mode) == (target, mode), workspace
    assert policy.rules("income-1", "deployment", workspace="team-a").system.target == "this-one", "an exact name first"


def test_aliases_count_whatever_their_case_and_production_is_always_a_deployment():
    policy = small()
    assert policy.gated_alias("CHAMPION")
    assert not policy.gated_alias("candidate")
    assert policy.gated_move("Production")
    assert not policy.gated_move("Staging")
    nothing = parse_policy("schema_version: 1\nstages: {}\n")
    assert not nothing.gated_move("Production")
    assert not nothing.gates("registration")


def test_consents_are_bound_to_the_rules_and_not_to_their_place_or_mode():
    policy = small()
    digest = policy.rules("income-1", "registration").stage_digest
    moved = parse_policy("# a comment\n" + SMALL)
    assert moved.rules("income-1", "registration").stage_digest == digest
    assert moved.digest == policy.digest
    assert policy.rules("income-2", "registration").stage_digest != digest
    assert policy.rules("income-1", "deployment").stage_digest != digest
    stricter = small(a=("registration: {require: [session]}", "registration: {require: [session, fairness]}"))
    assert stricter.rules("income-1", "registration").stage_digest != digest
    assert stricter.digest != policy.digest


def test_limits_know_their_file_and_line_without_the_servers_path(tmp_path):
    (tmp_path / "policy.yaml").write_text(default_policy_text())
    rules = load_policy(tmp_path).rules("m", "registration")
    lines = default_policy_text().splitlines()
    for limit, where in zip(rules.limits, rules.lines, strict=True):
        name, _, number = where.partition(":")
        assert name == "policy.yaml"
        assert lines[int(number) - 1].strip() == f"- kind: {limit.kind}"


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("metric: selection_rate_ratio", "metric: selection_ratio", r"unknown metric 'selection_ratio' of fairness, did"),
        ("limit: 0.80", "limit: four fifths", r"policy\.yaml:\d+: 'limit of limit 1 of stages.registration \(stages.registration.limits\[0\].limit\)'"),
        ('comparator: ">="', 'comparator: "=>"', r"policy\.yaml:\d+: 'comparator of limit 1 of stages.registration"),
        ("kind: fairness", "kind: fairnes", r"unknown evidence kind 'fairnes', did you mean 'fairness'"),
        ("control: A.6.2.4", "control: A.6.2", r"'A\.6\.2' is a group, not a control"),
        ("  registration:", "  registraton:", r"policy\.yaml:\d+: 'stages.registraton"),
        ("max_age_days: 90", "max_age_days: 0", r"policy\.yaml:\d+: 'stages.deployment.max_age_days'"),
        ("min_held_out_rows: 100", "objectives: {fairnes: high}", r"unknown objective 'fairnes', did you mean 'fairness'"),
        ("schema_version: 1", "schema_version: 2", r"policy\.yaml:\d+: 'schema_version'"),
        ("        why: 0.50 is", "        wy: 0.50 is", r"unknown key 'wy of limit 2 of stages.registration"),
        ("\nwaivers:", "\nbreak_glass: {approvers: 1}\nwaivers:", r"policy\.yaml:\d+: 'break_glass.approvers'.* 2"),
        ("\nwaivers:", "\nbreak_glass: {max_hours: 73}\nwaivers:", r"policy\.yaml:\d+: 'break_glass.max_hours'.* 72"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place(old, new, text):
    assert old in default_policy_text()
    with pytest.raises(ConfigError, match=text) as caught:
        parse_policy(default_policy_text().replace(old, new, 1))
    assert "policy.yaml:" in caught.value.sentence()


def test_no_file_and_an_empty_one(tmp_path):
    with pytest.raises(Unreachable):
        load_policy(tmp_path)
    (tmp_path / "policy.yaml").write_text("")
    with pytest.raises(ConfigError, match="the policy is empty"):
        load_policy(tmp_path)


def test_every_limit_of_the_shipped_policy_says_why():
    for rules in parse_policy(default_policy_text()).policy.stages.values():
        assert all(len(limit.why) > 30 for limit in rules.limits)


def test_two_ledgers_with_one_policy_on_other_lines_are_each_judged_by_their_own():
    from aims_mlflow.canonical import canonical
    from aims_mlflow.gates.policy import default_policy_text, parse_policy
    from aims_mlflow.gates.rules_in_force import read_rules
    from aims_mlflow.records.keyring import Keyring
    from aims_mlflow.signing.keyring import keyring_digest

    keyring = Keyring(version=1)
    ring, digest = keyring_digest(keyring), parse_policy(default_policy_text()).digest

    class One:
        def __init__(self, text):
            self.state, self.texts = self, {digest: text, ring: canonical(keyring.model_dump(mode="json")).decode()}

        def stored(self, name):
            return self.texts[name]

    ledgers = [One(default_policy_text()), One("# one line more\n" + default_policy_text())]
    lines = [read_rules(one, digest, ring).policy.rules("x", "registration").lines for one in ledgers]
    assert lines[0] != lines[1]
