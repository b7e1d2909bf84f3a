from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import mutual_info_score

from aims_mlflow.checks.fairness.comparisons import comparison
from aims_mlflow.checks.packs import load_pack
from aims_mlflow.checks.representation import representativeness
from aims_mlflow.checks.representation.group_rates import share_differences
from aims_mlflow.checks.representation.proxies import feature_codes, information
from aims_mlflow.checks.runner import run_check
from aims_mlflow.checks.statistics.groups import Groups
from aims_mlflow.checks.tables.task import PredictionTask
from aims_mlflow.checks.tables.validation import make_dataset
from aims_mlflow.errors import ConfigError
from aims_mlflow.records.pack import Fairness, Limit, Pack, Population, Representativeness


def people(rows=2000, seed=0):
    """Women are 30% here, half of their incomes are missing, they are repaid less often, and `club` tells the sex."""
    rng = np.random.default_rng(seed)
    woman = rng.random(rows) < 0.3
    income = pd.Series(rng.normal(50, 10, rows)).where(rng.random(rows) > np.where(woman, 0.5, 0.1))
    return pd.DataFrame(
        {
            "income": income,
            "club": np.where(rng.random(rows) < 0.95, np.where(woman, "yoga", "darts"), "other"),
            "noise": rng.normal(size=rows),
            "sex": np.where(woman, "F", "M"),
            "y": np.where(rng.random(rows) < np.where(woman, 0.4, 0.6), "yes", "no"),
        }
    )


def run(frame, *limits, populations=(), task="binary-classification", **more):
    good = "yes" if task == "binary-classification" else None
    data = make_dataset("train", frame, PredictionTask(task, "y", good), sensitive=["sex"])
    settings = Representativeness(limits=limits, populations=populations, **more)
    return representativeness.run(
        data, Pack(name="p", version="1", description="d", task=task, representativeness=settings)
    )


def census(**shares):
    return Population(column="sex", shares=shares, source="census 2021")


def limit(metric, comparator, bound, **more):
    return Limit(metric=metric, comparator=comparator, limit=bound, why="for the test", **more)


def test_groups_are_compared_with_the_declared_population(value_of, record):
    frame = people()
    asked = limit("share_over_population", ">=", "0.8", verdict="interval")
    outcome = run(frame, asked, populations=[census(F="0.51", M="0.49")])
    women = (frame["sex"] == "F").mean()
    found = value_of(outcome.claims, "share_over_population", sex="F")
    assert float(found.value) == pytest.approx(women / 0.51)
    assert float(found.interval.low) < women / 0.51 < float(found.interval.high)
    assert (found.passed, found.note) == (False, "51% in census 2021")
    assert value_of(outcome.claims, "share_over_population", sex="M").passed is True
    assert outcome.result == "failed"
    assert outcome.recorded_details().plain()["populations"][0]["source"] == "census 2021"
    record(outcome)


def test_a_group_that_is_not_there_counts_as_fewer_than_would_be_shown(value_of):
    outcome = run(people(), populations=[census(F="0.5", M="0.45", X="0.05")])
    found = value_of(outcome.claims, "share_over_population", sex="X")
    assert float(found.value) == pytest.approx(19 / 2000 / 0.05)
    assert found.note.startswith("at most this: fewer than 20 rows")


SHIPPED = ("tabular-classification", "tabular-multiclass", "tabular-regression", "credit", "health", "hiring")


@pytest.mark.parametrize("name", SHIPPED)
def test_a_declared_population_that_does_not_fit_fails_in_every_shipped_pack(name):
    shipped = load_pack(name)
    frame = people().drop(columns=["income", "club"])
    if name == "tabular-regression":
        frame["y"] = frame["noise"]
    good = "yes" if "regression" not in name and "multi" not in name else None
    data = make_dataset("train", frame, PredictionTask(shipped.task, "y", good), sensitive=["sex"])

    def result(*populations):
        settings = shipped.representativeness.model_copy(update={"populations": populations})
        return representativeness.run(data, shipped.model_copy(update={"representativeness": settings}))

    far = result(census(F="0.01", M="0.99"))
    assert far.result == "failed"
    assert "share over population for sex=F is" in far.reason
    near = result(census(F="0.3", M="0.7"))
    assert near.result == "passed", near.reason
    assert all(c.n == len(frame) for c in near.claims if c.metric == "share_over_population")
    assert result(census(F="0.3")).result == "passed"  # what it leaves is the others' share
    assert result(census(F="0.01")).result == "failed"
    assert result(census(female="0.3", male="0.7")).result == "failed"
    assert result().result == "warned"


def test_groups_that_a_population_does_not_name_are_compared_too(value_of):
    claims = run(people(), populations=[census(F="0.51")]).claims
    others = value_of(claims, "share_over_population", sex="(others)")
    men = (people()["sex"] == "M").mean()
    assert float(others.value) == pytest.approx(men / 0.49)
    whole = run(people(), populations=[census(F="0.999")]).claims
    outside = value_of(whole, "share_outside_population", sex="(others)")
    assert float(outside.value) == pytest.approx(men)
    assert outside.note == "groups that census 2021 does not name"


def test_without_a_population_it_is_warned_and_not_passed():
    outcome = run(people())
    assert outcome.result == "warned"
    assert outcome.reason.startswith("no population of use is declared")


def test_labels_and_gaps_are_compared_between_groups_with_intervals(value_of):
    frame = people()
    claims = run(frame).claims
    good = frame["y"].eq("yes").groupby(frame["sex"]).mean()
    for sex, rate in good.items():
        assert float(value_of(claims, "favourable_label_rate", sex=sex).value) == pytest.approx(rate)
    labels = value_of(claims, "favourable_label_rate_difference", sex="*")
    assert float(labels.value) == pytest.approx(good["M"] - good["F"])
    gone = frame["income"].isna().groupby(frame["sex"]).mean()
    missing = value_of(claims, "missing_rate_difference", column="income", sex="*")
    assert float(missing.value) == pytest.approx(gone["F"] - gone["M"])
    for found in (labels, missing):
        assert float(found.interval.low) < float(found.value) < float(found.interval.high)
    for sex in ("F", "M"):
        assert float(value_of(claims, "missing_rate", column="income", sex=sex).value) == pytest.approx(gone[sex])
    everyone = value_of(claims, "missing_rate", column="income")
    assert float(everyone.value) == pytest.approx(frame["income"].isna().mean())
    assert everyone.n == len(frame)
    assert float(everyone.interval.low) < float(everyone.value) < float(everyone.interval.high)
    assert not [c for c in claims if c.metric.startswith("missing") and c.slice["column"] == "noise"]


def test_a_limit_on_missing_cells_holds_for_all_rows_and_for_each_group():
    outcome = run(people(), limit("missing_rate", "<=", "0.3"))
    held = {tuple(c.slice.items()): c.passed for c in outcome.claims if c.limit}
    at = ("column", "income")
    assert held == {(at,): True, (at, ("sex", "F")): False, (at, ("sex", "M")): True}
    assert outcome.result == "failed"


def test_a_table_without_a_missing_cell_meets_every_limit_on_them():
    asked = limit("missing_rate", "<=", "0.3", verdict="interval"), limit("missing_rate_difference", "<=", "0.05")
    outcome = run(people().drop(columns="income"), *asked)
    assert [c.passed for c in outcome.claims if c.limit] == [True, True]
    assert outcome.reason.startswith("no population of use")


def test_of_several_labels_each_is_compared_between_groups(value_of, record):
    frame = people().assign(y=lambda f: np.where(f["noise"] > 1, "c", np.where(f["sex"] == "F", "a", "b")))
    frame.loc[:18, "y"] = "rare"
    frame.loc[100:140, "y"] = None
    outcome = run(frame, limit("label_share_difference", "<=", "0.2"), task="multiclass-classification")
    record(outcome)
    shares = pd.crosstab(frame["sex"], frame["y"], normalize="index")
    for label in ("a", "b", "c"):
        for sex in ("F", "M"):
            found = value_of(outcome.claims, "label_share", label=label, sex=sex)
            assert float(found.value) == pytest.approx(shares.loc[sex, label])
            assert float(found.interval.low) <= float(found.value) <= float(found.interval.high)
        apart = value_of(outcome.claims, "label_share_difference", label=label, sex="*")
        assert float(apart.value) == pytest.approx(abs(shares.loc["F", label] - shares.loc["M", label]))
        assert apart.limit is None
        women = value_of(outcome.claims, "label_share_difference", label=label, sex="F")
        assert (women.value, women.reference) == (apart.value, {"label": label, "sex": "M"})
        assert women.passed is (label == "c")
    assert "rare" not in {c.slice.get("label") for c in outcome.claims}


def test_groups_are_held_against_the_reference_group_and_the_extremes_are_a_description(value_of):
    asked = Pack(
        name="p",
        version="1",
        description="d",
        representativeness=Representativeness(limits=(limit("missing_rate_difference", "<=", "0.1"),)),
        fairness=Fairness(reference={"sex": "F"}),
    )
    task = PredictionTask(target="y", favourable="yes")
    outcome = representativeness.run(make_dataset("train", people(), task, sensitive=["sex"]), asked)
    men = value_of(outcome.claims, "missing_rate_difference", column="income", sex="M")
    assert (men.reference, men.passed, men.note) == (
        {"column": "income", "sex": "F"},
        False,
        "below the reference group",
    )
    assert men.interval.method == "score, Bonferroni over 1 group and both directions"
    assert men.n == people()["sex"].eq("F").sum()
    extremes = value_of(outcome.claims, "missing_rate_difference", column="income", sex="*")
    assert (extremes.limit, extremes.interval.is_range) == (None, True)
    rates = value_of(outcome.claims, "favourable_label_rate", sex="F"), value_of(outcome.claims, "group_share", sex="F")
    assert {rate.interval.method for rate in rates} == {"exact (Clopper-Pearson)"}


def test_every_interval_of_representation_that_is_called_95_percent_is_one_that_covers(value_of):
    """Any other has another name: exact ones and score intervals are shown to cover, here and in benchmarks/."""
    for kind, target in (("regression", "noise"), ("multiclass-classification", "y"), ("binary-classification", "y")):
        frame = people()
        data = make_dataset(
            "train",
            frame,
            PredictionTask(kind, target, "yes" if kind.startswith("binary") else None),
            sensitive=["sex"],
        )
        claims = representativeness.run(data, Pack(name="p", version="1", description="d", task=kind)).claims
        methods = {c.interval.method for c in claims if c.interval is not None and not c.interval.is_range}
        assert {method.split(",")[0] for method in methods} <= {"exact (Clopper-Pearson)", "score"}


@pytest.mark.full
def test_differences_of_several_columns_cover_all_at_once():
    """Three groups, four columns with missing cells, one of the groups small; 95% of tables at least are all right."""
    generator, sizes, truth = np.random.default_rng(0), np.array([400, 150, 40]), np.array([0.1, 0.1, 0.25])
    groups = Groups(("g",), (("a",), ("b",), ("c",)), np.empty(0, dtype=int), 0, 0, {})
    compared = comparison(groups, sizes, Fairness(), "train")
    right = 0
    for _ in range(300):
        claims = [
            c
            for _ in range(4)
            for c in share_differences("d", generator.binomial(sizes, truth), sizes, compared, tests=4)
        ]
        wanted = [0.0, 0.15] * 4
        right += all(
            float(c.interval.low) <= (w if c.note != "below the reference group" else -w) <= float(c.interval.high)
            for c, w in zip(claims, wanted, strict=True)
        )
    assert right / 300 >= 0.95


def test_a_missing_label_is_no_unfavourable_one(value_of):
    frame = people()
    frame.loc[frame.index[:300], "y"] = None
    known = frame.dropna(subset=["y"])
    good = known["y"].eq("yes").groupby(known["sex"]).mean()
    found = value_of(run(frame).claims, "favourable_label_rate", sex="F")
    assert float(found.value) == pytest.approx(good["F"])
    assert found.n == (known["sex"] == "F").sum()


def test_a_column_that_tells_the_group_is_named_and_noise_is_not(value_of):
    outcome = run(people(), limit("proxy_information", "<=", "0.3"))
    found = {c.slice["column"]: c for c in outcome.claims if c.metric == "proxy_information"}
    assert set(found) == {"income", "club", "noise"}
    assert found["club"].passed is False
    assert float(found["club"].value) > 0.7
    assert float(found["club"].interval.low) < float(found["club"].value) < float(found["club"].interval.high)
    assert found["noise"].passed is True
    assert float(found["noise"].value) < 0.01
    assert float(found["income"].value) > 0.05  # that a cell is missing tells something too


@pytest.mark.parametrize("zeros", [0.5, 0.92, 0.97])
def test_a_mostly_constant_column_that_tells_the_group_is_named(value_of, zeros):
    """Nine zeros of ten make all quantiles 0; whoever is above 0 is a woman."""
    rng = np.random.default_rng(1)
    frame = people(6000)
    frame["benefit"] = np.where(rng.random(6000) > zeros, rng.integers(100, 900, 6000), 0) * 1.0
    frame["sex"] = np.where(frame["benefit"] > 0, "F", "M")
    found = value_of(
        run(frame, limit("proxy_information", "<=", "0.5")).claims, "proxy_information", column="benefit", sex="*"
    )
    assert found.passed is False
    assert float(found.value) > 0.9
    assert float(found.interval.low) < float(found.value) <= float(found.interval.high)


def test_a_column_with_one_value_tells_nothing_and_claims_no_interval(value_of):
    outcome = run(people().assign(same=7.0), limit("proxy_information", "<=", "0.5"))
    found = value_of(outcome.claims, "proxy_information", column="same", sex="*")
    assert (found.value, found.interval, found.passed) == ("0", None, True)
    assert found.note == "it has one value in all rows, so it tells nothing of sex"


def test_no_interval_of_information_has_a_width_of_zero():
    seen = 0
    for seed in range(30):
        for found in run(people(400, seed)[["noise", "sex", "y"]]).claims:
            if found.metric == "proxy_information":
                assert float(found.interval.low) <= float(found.value) <= float(found.interval.high)
                assert float(found.interval.low) < float(found.interval.high)
                seen += 1
    assert seen >= 30


def test_texts_dates_and_identifiers_are_no_proxies_and_are_named():
    frame = people().assign(name=[f"name {i}" for i in range(2000)], seen=pd.Timestamp("2024-01-01"))
    outcome = run(frame)
    assert set(outcome.recorded_details().plain()["left_out"]) == {"name", "seen"}
    assert "2,000 different values" in outcome.recorded_details().plain()["left_out"]["name"]
    assert not [c for c in outcome.claims if c.slice.get("column") in ("name", "seen")]


def test_information_is_scikit_learns_mutual_information_less_what_chance_gives():
    rng = np.random.default_rng(0)
    group, level = rng.integers(0, 3, 3000), rng.integers(0, 6, 3000)
    level = np.where(rng.random(3000) < 0.4, group, level)
    counts = np.bincount(group * 6 + level, minlength=18).reshape(3, 6)
    share = counts.sum(axis=1) / counts.sum()
    entropy = -(share * np.log(share)).sum()
    chance = 2 * 5 / (2 * 3000)
    assert float(information(counts)) == pytest.approx((mutual_info_score(group, level) - chance) / entropy, abs=1e-12)
    assert float(information(np.array([[30, 0], [0, 40]]))) > 0.97
    shuffled = [
        float(information(np.bincount(rng.permutation(group) * 6 + level, minlength=18).reshape(3, 6)))
        for _ in range(200)
    ]
    assert np.mean(shuffled) < 0.0006


def test_of_very_many_categories_the_rarer_count_as_one_and_so_do_odd_columns():
    rare = pd.Series([f"c{i}" for i in range(1500)] + ["often"] * 500)
    codes, levels = feature_codes(rare)
    assert levels == 1002
    assert codes.max() < levels
    assert feature_codes(pd.Series([[1], [2]]))[1] == 1
    assert feature_codes(pd.Series([np.nan, np.inf]))[1] == 1


def test_hundreds_of_places_that_tell_the_group_together_are_a_proxy(value_of):
    """Each of 400 postal codes has one group; the fifty largest have an eighth of the people."""
    rng = np.random.default_rng(1)
    frame = people(8000).drop(columns=["income", "club"])
    place = rng.integers(0, 400, 8000)
    frame["place"], frame["sex"] = [f"p{i}" for i in place], np.where(place % 3 == 0, "F", "M")
    asked = limit("proxy_information", "<=", "0.5")
    assert value_of(run(frame, asked).claims, "proxy_information", column="place", sex="*").passed is False
    frame["sex"] = rng.permutation(frame["sex"])
    by_chance = value_of(run(frame, asked).claims, "proxy_information", column="place", sex="*")
    assert float(by_chance.value) < 0.05


def test_numbers_are_compared_by_their_mean(value_of):
    frame = people().assign(y=lambda f: np.where(f["sex"] == "F", 10.0, 12.0) + f["noise"])
    claims = run(frame, task="regression").claims
    means = frame.groupby("sex")["y"].mean()
    assert float(value_of(claims, "mean_target", sex="F").value) == pytest.approx(means["F"])
    assert float(value_of(claims, "mean_target_difference", sex="*").value) == pytest.approx(means["M"] - means["F"])


def test_no_groups_is_not_evaluated_and_a_wrong_population_is_refused_with_its_line(tmp_path):
    data = make_dataset("train", people(), PredictionTask(target="y", favourable="yes"))
    plain = Pack(name="p", version="1", description="d")
    outcome = run_check("representativeness", data, plain)
    assert outcome.result == "not_evaluated"
    assert "there are no groups to compare" in outcome.reason
    lost = Representativeness(populations=[Population(column="gender", shares={"F": "0.5"}, source="s")])
    outcome = run_check("representativeness", data, plain.model_copy(update={"representativeness": lost}))
    assert "there is no column 'gender'. Next: correct representativeness.populations in the pack" in outcome.reason
    for shares, said in (("{F: 0.9, M: 0.9}", "add up to more than 1"), ("{F: -0.1}", "over 0 and at most 1")):
        (tmp_path / "pack.yaml").write_text(
            "name: mine\nversion: 1\ndescription: d\nrepresentativeness:\n"
            f"  populations:\n    - {{column: sex, source: s, shares: {shares}}}\n"
        )
        with pytest.raises(ConfigError) as caught:
            load_pack(".", Path(tmp_path))
        assert said in str(caught.value)
        assert "pack.yaml:6" in str(caught.value)
