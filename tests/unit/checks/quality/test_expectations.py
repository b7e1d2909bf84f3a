"""Every expectation of Great Expectations can be asked from a pack, of some rows, of groups of columns, with its reason."""

import re

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
import yaml

from aims_mlflow.checks.engines.opening import count_source_of
from aims_mlflow.checks.engines.remote_table import remote_table
from aims_mlflow.checks.packs import load_pack, shipped_packs
from aims_mlflow.checks.profiling.infer import infer_expectations, least_share
from aims_mlflow.checks.quality import data_quality, expectations
from aims_mlflow.checks.quality.expectations import KNOWN
from aims_mlflow.checks.tables.task import PredictionTask
from aims_mlflow.checks.tables.validation import make_dataset
from aims_mlflow.errors import ConfigError
from aims_mlflow.records.expectation import DataQuality, Expectation
from aims_mlflow.records.pack import Pack

ROWS = 40
FRAME = pd.DataFrame(
    {
        "age": [20 + i for i in range(ROWS)],
        "older": [30 + i for i in range(ROWS)],
        "same": [20 + i for i in range(ROWS)],
        "sex": ["F", "M"] * (ROWS // 2),
        "when": ["2024-05-01"] * ROWS,
        "json": ['{"a": 1}'] * ROWS,
        "empty": pd.Series([None] * ROWS, dtype=object),
        "y": [0, 1] * (ROWS // 2),
    }
)
C, D = {"column": "age"}, {"column": "sex"}
PAIR = {"column_A": "older", "column_B": "age"}
LIST = {"column_list": ["age", "older"]}
# One way to ask for each: arguments under which the table above meets it.
MET = {
    "expect_column_distinct_values_to_be_in_set": {**D, "value_set": ["F", "M"]},
    "expect_column_distinct_values_to_contain_set": {**D, "value_set": ["F"]},
    "expect_column_distinct_values_to_equal_set": {**D, "value_set": ["F", "M"]},
    "expect_column_kl_divergence_to_be_less_than": {
        **D,
        "partition_object": {"values": ["F", "M"], "weights": [0.5, 0.5]},
        "threshold": 0.1,
    },
    "expect_column_max_to_be_between": {**C, "max_value": 60},
    "expect_column_mean_to_be_between": {**C, "min_value": 30, "max_value": 50},
    "expect_column_median_to_be_between": {**C, "min_value": 30, "max_value": 50},
    "expect_column_min_to_be_between": {**C, "min_value": 18},
    "expect_column_most_common_value_to_be_in_set": {"column": "when", "value_set": ["2024-05-01"]},
    "expect_column_pair_values_a_to_be_greater_than_b": PAIR,
    "expect_column_pair_values_to_be_equal": {"column_A": "age", "column_B": "same"},
    "expect_column_pair_values_to_be_in_set": {
        "column_A": "sex",
        "column_B": "y",
        "value_pairs_set": [["F", 0], ["M", 1]],
    },
    "expect_column_proportion_of_non_null_values_to_be_between": {**C, "min_value": 0.9},
    "expect_column_proportion_of_unique_values_to_be_between": {**C, "min_value": 0.9},
    "expect_column_quantile_values_to_be_between": {
        **C,
        "quantile_ranges": {"quantiles": [0.5], "value_ranges": [[30, 50]]},
    },
    "expect_column_stdev_to_be_between": {**C, "min_value": 1, "max_value": 20},
    "expect_column_sum_to_be_between": {**C, "min_value": 100},
    "expect_column_to_exist": C,
    "expect_column_type_to_be": {**C, "type_": "int64"},
    "expect_column_unique_value_count_to_be_between": {**D, "min_value": 2, "max_value": 2},
    "expect_column_value_lengths_to_be_between": {**D, "min_value": 1, "max_value": 1},
    "expect_column_value_lengths_to_equal": {**D, "value": 1},
    "expect_column_value_z_scores_to_be_less_than": {**C, "threshold": 3, "double_sided": True},
    "expect_column_values_to_be_between": {**C, "min_value": 18},
    "expect_column_values_to_be_dateutil_parseable": {"column": "when"},
    "expect_column_values_to_be_decreasing": {"column": "falls"},
    "expect_column_values_to_be_in_set": {**D, "value_set": ["F", "M"]},
    "expect_column_values_to_be_in_type_list": {**C, "type_list": ["int64"]},
    "expect_column_values_to_be_increasing": C,
    "expect_column_values_to_be_json_parseable": {"column": "json"},
    "expect_column_values_to_be_null": {"column": "empty"},
    "expect_column_values_to_be_of_type": {**C, "type_": "int64"},
    "expect_column_values_to_be_unique": C,
    "expect_column_values_to_match_json_schema": {"column": "json", "json_schema": {"type": "object"}},
    "expect_column_values_to_match_regex": {**D, "regex": "^[FM]$"},
    "expect_column_values_to_match_regex_list": {**D, "regex_list": ["^F$", "^M$"]},
    "expect_column_values_to_match_strftime_format": {"column": "when", "strftime_format": "%Y-%m-%d"},
    "expect_column_values_to_not_be_in_set": {**D, "value_set": ["X"]},
    "expect_column_values_to_not_be_null": C,
    "expect_column_values_to_not_be_outliers": {**C, "method": "iqr", "multiplier": 3},
    "expect_column_values_to_not_match_regex": {**D, "regex": "X"},
    "expect_column_values_to_not_match_regex_list": {**D, "regex_list": ["X"]},
    "expect_compound_columns_to_be_unique": LIST,
    "expect_multicolumn_sum_to_equal": {**LIST, "sum_total": 0},
    "expect_multicolumn_values_to_be_equal": {"column_list": ["age", "same"]},
    "expect_select_column_values_to_be_unique_within_record": LIST,
    "expect_table_column_count_to_be_between": {"min_value": 1},
    "expect_table_column_count_to_equal": {"value": 9},
    "expect_table_columns_to_match_ordered_list": {"column_list": [*FRAME.columns, "falls"]},
    "expect_table_columns_to_match_set": {"column_set": [*FRAME.columns, "falls"]},
    "expect_table_row_count_to_be_between": {"min_value": 1},
    "expect_table_row_count_to_equal": {"value": ROWS},
}
UNMET = ("expect_multicolumn_sum_to_equal",)  # asked for wrongly on purpose: it runs, and says no
# Great Expectations runs these on SQL tables alone; on a pandas table they are said to be not evaluated.
SQL_ONLY = {
    "expect_column_values_to_match_like_pattern": {**D, "like_pattern": "%"},
    "expect_column_values_to_match_like_pattern_list": {**D, "like_pattern_list": ["%"]},
    "expect_column_values_to_not_match_like_pattern": {**D, "like_pattern": "X"},
    "expect_column_values_to_not_match_like_pattern_list": {**D, "like_pattern_list": ["X"]},
    "expect_query_results_to_match_comparison": {},
    "expect_table_row_count_to_equal_other_table": {"other_table_name": "t"},
}


def expect(kind, **more):
    return Expectation(type=kind, why="for the test", **more)


def pack(*expectations, **more):
    return Pack(name="p", version="1", description="d", data_quality=DataQuality(expectations=expectations, **more))


def run(*expectations, frame=FRAME, **more):
    data = make_dataset("test", frame, PredictionTask(target="y"), sensitive=["sex"])
    return data_quality.run(data, pack(*expectations, **more))


def only(outcome):
    (found,) = [c for c in outcome.claims if c.metric != "duplicate_rows"]
    return found


def test_every_known_expectation_runs_from_a_pack_or_says_that_it_did_not():
    assert set(MET) | set(SQL_ONLY) == set(KNOWN)
    frame = FRAME.assign(falls=range(ROWS, 0, -1))
    outcome = run(*(expect(kind, kwargs=kwargs) for kind, kwargs in {**MET, **SQL_ONLY}.items()), frame=frame)
    passed = {kind: {c.passed for c in outcome.claims if c.metric == kind} for kind in KNOWN}
    for kind in KNOWN:
        expected = {None} if kind in SQL_ONLY else {kind not in UNMET}
        assert passed[kind] == expected, (kind, [c.note for c in outcome.claims if c.metric == kind])
    assert b"http://" not in outcome.reports["data_docs.html"]


# Great Expectations has these for rows in memory alone: order of rows, and what Python reads out of a text.
MEMORY_ONLY = {
    "expect_column_values_to_be_dateutil_parseable",
    "expect_column_values_to_be_decreasing",
    "expect_column_values_to_be_increasing",
    "expect_column_values_to_be_json_parseable",
    "expect_column_values_to_match_json_schema",
    "expect_column_values_to_match_strftime_format",
}
COMPARISON = "expect_query_results_to_match_comparison"  # it needs a query to compare with
# Types have the engine's own names there (BIGINT, LongType): the name that pandas uses is not met, or not known.
BY_TYPE = {
    "expect_column_type_to_be",
    "expect_column_values_to_be_in_type_list",
    "expect_column_values_to_be_of_type",
}


def test_texts_as_categories_change_no_claim(monkeypatch):
    """Only counting expectations see them so: a condition on the rows would leave levels that no row has."""
    frame = FRAME.assign(sex=pd.array([None, *FRAME["sex"][1:]], dtype="str"))
    asked = [expect(kind, kwargs={**MET.get(kind, D), **D}) for kind in sorted(expectations.COUNTING)]
    asked.append(
        expect("expect_column_values_to_not_be_null", kwargs=D, where=[{"column": "age", "op": ">", "value": 30}])
    )
    seen = []
    for part in (asked[:-1], asked):
        table = expectations.with_categories(frame, [expectations.Demand(e, e.kwargs) for e in part])
        seen.append(str(table["sex"].dtype))
        found = run(*part, frame=frame).claims
        with monkeypatch.context() as patch:
            patch.setattr(data_quality, "with_categories", lambda table, _: table)
            assert found == run(*part, frame=frame).claims
    assert seen == ["category", "str"]


def assert_runs_where_it_is(table, near_frame, unasked):
    """Each expectation says what it says of the same rows in memory, but for `unasked`, which were not evaluated."""
    asked = pack(*(expect(kind, kwargs=kwargs) for kind, kwargs in {**MET, **SQL_ONLY}.items()))
    far = remote_table("test", table, PredictionTask(target="y", favourable="1"), sensitive=["sex"])
    found = {c.metric: c for c in data_quality.run(far, asked).claims}
    near = {c.metric: c for c in run(*asked.data_quality.expectations, frame=near_frame).claims}
    for kind in KNOWN:
        mine = found[kind]
        if kind in unasked:
            assert (mine.passed, mine.value) == (None, None), kind
            assert mine.note.startswith("not evaluated: "), kind
        elif kind in SQL_ONLY:
            assert mine.passed is True, kind
        elif kind in BY_TYPE:
            assert mine.passed is False, kind
        else:
            assert (mine.passed, mine.value, mine.n) == (near[kind].passed, near[kind].value, near[kind].n), kind


def test_every_known_expectation_runs_where_the_table_is_or_says_that_it_did_not(tmp_path):
    url = f"sqlite:///{tmp_path}/t.db"
    frame = FRAME.assign(falls=range(ROWS, 0, -1))
    engine = sa.create_engine(url)
    frame.to_sql("t", engine, index=False)
    engine.dispose()
    assert_runs_where_it_is(count_source_of(f"{url}#t"), frame, {*MEMORY_ONLY, COMPARISON})


@pytest.mark.full
def test_every_known_expectation_runs_in_spark_or_says_that_it_did_not(spark, tmp_path):
    frame = FRAME.assign(falls=range(ROWS, 0, -1))
    frame.to_parquet(tmp_path / "t.parquet")
    far = count_source_of(spark.read.parquet(str(tmp_path / "t.parquet")).coalesce(1))
    assert_runs_where_it_is(far, frame, {*SQL_ONLY, *BY_TYPE, "expect_column_values_to_be_dateutil_parseable"})
    named = pack(expect("expect_column_values_to_be_of_type", kwargs={**C, "type_": "LongType"}))
    data = remote_table("test", far, PredictionTask(target="y", favourable="1"), sensitive=["sex"])
    assert only(data_quality.run(data, named)).passed, "by the name that the type has in Spark"


def test_a_condition_limits_an_expectation_to_some_rows():
    women = {"column": "sex", "op": "==", "value": "F"}
    kind = "expect_column_values_to_be_between"
    found = only(run(expect(kind, kwargs={**C, "max_value": 40}, where=[women])))
    ages = FRAME["age"][FRAME["sex"] == "F"]
    assert (found.n, float(found.value)) == (len(ages), (ages <= 40).mean())
    assert found.note.startswith("where sex == F; ")
    conditions = [
        ({"column": "age", "op": ">=", "value": 50}, 10),
        ({"column": "age", "op": "<", "value": 50}, 30),
        ({"column": "age", "op": "!=", "value": 20}, 39),
        ({"column": "sex", "op": "in", "value": ["F", "M"]}, 40),
        ({"column": "sex", "op": "not in", "value": ["F"]}, 20),
        ({"column": "sex", "op": "is not null"}, 40),
    ]
    for condition, n in conditions:
        assert only(run(expect(kind, kwargs={**C, "min_value": 0}, where=[condition]))).n == n
    both = expect(kind, kwargs={**C, "min_value": 0}, where=[women, conditions[0][0]])
    assert only(run(both)).n == 5
    nobody = only(run(expect(kind, kwargs={**C, "min_value": 0}, where=[{"column": "sex", "op": "is null"}])))
    assert (nobody.passed, nobody.value) == (None, None)
    lost = only(run(expect(kind, kwargs=C, where=[{"column": "sx", "op": "is null"}])))
    assert lost.note.startswith("not evaluated: there is no column 'sx', did you mean 'sex'?")


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("{column: age, op: in, value: 3}", "'in' takes a list"),
        ("{column: age, op: is null, value: 3}", "'is null' takes no value"),
        ("{column: age, op: '=>', value: 3}", "op"),
    ],
)
def test_a_condition_that_says_nothing_sensible_is_refused_with_its_line(tmp_path, condition, said):
    (tmp_path / "pack.yaml").write_text(
        "name: mine\nversion: 1\ndescription: d\ndata_quality:\n  expectations:\n"
        f"    - {{type: expect_column_to_exist, why: x, where: [{condition}]}}\n"
    )
    with pytest.raises(ConfigError) as caught:
        load_pack(".", tmp_path)
    assert said in str(caught.value)
    assert "pack.yaml:6" in str(caught.value)


def test_groups_of_columns_and_types_are_asked_one_by_one(tmp_path):
    kind = "expect_column_values_to_not_be_null"
    columns = lambda outcome: [c.slice["column"] for c in outcome.claims if c.metric == kind]  # noqa: E731
    years = {"years": ("age", "older")}
    assert columns(run(expect(kind, kwargs={"column": "$years"}), groups=years)) == ["age", "older"]
    assert columns(run(expect(kind, kwargs={"column": "$numeric"}))) == ["age", "older", "same"]
    assert columns(run(expect(kind, kwargs={"column": "$text"}))) == ["sex", "when", "json", "empty"]
    (tmp_path / "pack.yaml").write_text(
        "name: mine\nversion: 1\ndescription: d\ndata_quality:\n  groups: {years: [age]}\n  expectations:\n"
        "    - {type: expect_column_to_exist, why: x, kwargs: {column: $yeers}}\n"
    )
    with pytest.raises(ConfigError, match=r"no column group '\$yeers', did you mean '\$years'"):
        load_pack(".", tmp_path)


def test_values_stand_in_evidence_only_where_the_pack_allows_them(record):
    asked = expect("expect_column_values_to_not_be_in_set", kwargs={"column": "sex", "value_set": ["M"]})
    for allowed in (0, 3):
        outcome = run(asked, examples=allowed)
        record(outcome)
        seen = [
            values for entry in outcome.recorded_details().plain().get("examples", []) for values in entry["values"]
        ]
        assert seen == ["M"] * allowed
        shown = b"for example M, M, M" in outcome.reports["data_docs.html"]
        assert shown is bool(allowed)


def test_the_page_says_what_is_asked_in_words_what_was_found_and_why():
    outcome = run(
        expect("expect_column_values_to_be_between", kwargs={**C, "max_value": 40}, characteristic="accuracy"),
        expect("expect_column_values_to_not_be_null", kwargs={"column": "<script>"}),
    )
    page = outcome.reports["data_docs.html"].decode()
    text = re.sub(r"<[^>]+>", " ", page)
    assert "age values must be less than or equal to 40. (failing)" in text
    assert "52.5% of 40 rows, limit &gt;= 100%" in text
    assert "accuracy: for the test" in text
    assert "0 of 2 expectations are met" in text
    assert "&lt;script&gt;" in page
    assert "<script" not in page
    for outside in ("http:", "https:", "src=", "@import", "url("):
        assert outside not in page


@pytest.mark.parametrize("name", shipped_packs())
def test_every_shipped_expectation_names_its_characteristic_and_its_reason(name):
    for expectation in load_pack(name).data_quality.expectations:
        assert expectation.characteristic, expectation.type
        assert len(expectation.why) > 20


@pytest.mark.parametrize("seed", range(4))
def test_inferred_limits_survive_tables_that_are_drawn_again(table, seed):
    """Both ways: rows of the same table drawn with replacement, and new rows of the same population."""
    reference = table(1500, seed=seed)
    rng = np.random.default_rng(seed)
    for column in ("age", "purpose"):
        reference[column] = reference[column].where(rng.random(1500) > 0.1)
    found = infer_expectations(reference, "repaid", ["sex", "race"])
    assert all(e["characteristic"] and re.search(r"\d", e["why"]) for e in found if e["type"].endswith("between"))
    asked = pack(*(Expectation(**e) for e in yaml.safe_load(yaml.safe_dump(found))))
    for _ in range(3):
        again = reference.iloc[rng.integers(0, len(reference), len(reference))].reset_index(drop=True)
        data = make_dataset("test", again, PredictionTask(target="repaid", favourable="yes"), sensitive=["sex"])
        outcome = data_quality.run(data, asked)
        assert outcome.result == "passed", outcome.reason
    fresh = table(1500, seed=seed + 100)
    data = make_dataset("test", fresh, PredictionTask(target="repaid", favourable="yes"), sensitive=["sex"])
    assert data_quality.run(data, asked).result == "passed"


def test_a_least_share_leaves_room_for_chance_and_no_more():
    assert least_share(1.0, 20) == 0.64
    assert least_share(1.0, 100_000) == 0.99
    assert 0.85 <= least_share(0.9, 10_000) < 0.9
    n, rng = 1500, np.random.default_rng(0)
    drawn = rng.binomial(n, 0.93, 20_000) / n
    assert (drawn < least_share(0.93, n)).mean() < 0.002


def test_a_target_of_numbers_gets_a_range_and_no_set_of_labels(table):
    frame = table(500)
    found = infer_expectations(frame.drop(columns="repaid"), "amount")
    about = [e["type"] for e in found if e["kwargs"].get("column") == "amount"]
    assert about == ["expect_column_values_to_not_be_null", "expect_column_values_to_be_between"]
