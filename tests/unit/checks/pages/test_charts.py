import re
import xml.etree.ElementTree as ET

import pytest

from aims_mlflow.checks.claims import LEFT_OUT, claim, hold
from aims_mlflow.checks.pages.charts import MAX_ROWS, drift_chart, fairness_chart
from aims_mlflow.checks.pages.report import claims_page
from aims_mlflow.records.pack import Limit

SVG = "{http://www.w3.org/2000/svg}"
NASTY = '<script>alert("x")</script>&'


def rates(groups, limit="0.8"):
    claims = []
    for name, rate in groups.items():
        at = {"sex": name}
        claims.append(claim("selection_rate", rate, slice=at, n=1234, interval=(rate / 2, rate), method="Wilson"))
        note = "the reference group" if rate == max(groups.values()) else None
        claims.append(claim("selection_rate_ratio", rate / max(groups.values()), slice=at, n=1234, note=note))
    return hold(claims, [Limit(metric="selection_rate_ratio", comparator=">=", limit=limit, why="test")])


def drifts(values, metric="drift", comparator="<", limit="0.1"):
    bound = Limit(metric=metric, comparator=comparator, limit=limit, why="test")
    return hold([claim(metric, v, slice={"column": name}) for name, v in values.items()], [bound])


def parse(picture):
    return ET.fromstring(picture)


def texts(picture):
    return ["".join(t for t in node.itertext()) for node in parse(picture).iter(f"{SVG}text")]


def test_the_picture_says_group_rate_interval_n_and_limit():
    shown = " | ".join(texts(fairness_chart(rates({"Female": 0.08, "Male": 0.27}), "predicted '>50K'")))
    assert "Share of each group predicted '>50K'" in shown
    assert "✕ 8% (4% to 8%), n=1,234" in shown
    assert "limit: 0.8 of the rate of Male, the reference (21.6%)" in shown


def test_outside_the_limit_is_another_shape_and_not_only_another_colour():
    picture = parse(fairness_chart(rates({"Female": 0.08, "Male": 0.27}), "x"))
    assert len(list(picture.iter(f"{SVG}polygon"))) == 1
    assert len(list(picture.iter(f"{SVG}circle"))) == 1


def test_the_picture_is_accessible_and_loads_nothing():
    for picture in (fairness_chart(rates({"F": 0.1, "M": 0.2}), "x"), drift_chart(drifts({"a": 0.2}))):
        root = parse(picture)
        assert root.get("role") == "img"
        assert root.find(f"{SVG}title").text
        assert root.find(f"{SVG}desc").text
        text = picture.decode().replace('xmlns="http://www.w3.org/2000/svg"', "")
        assert not re.search(r"https?:|url\(|@import|<script|href", text)
        assert "prefers-color-scheme:dark" in text


def test_names_from_the_data_are_escaped():
    for content in (
        fairness_chart(rates({NASTY: 0.1, "M": 0.2}), NASTY),
        drift_chart(drifts({NASTY: 0.2})),
        claims_page(NASTY, rates({NASTY: 0.1, "M": 0.2}), notes=[NASTY]),
    ):
        assert b"<script" not in content
        assert b"&lt;script&gt;" in content


def test_long_names_are_cut_and_kept_for_hovering():
    name = "a very long name of a group that does not fit into one line"
    shown = texts(fairness_chart(rates({name: 0.1, "M": 0.2}), "x"))
    assert any(text.startswith("a very long name of a group tha…") for text in shown)


def test_many_columns_show_the_largest_drift_and_count_the_rest():
    shown = texts(drift_chart(drifts({f"c{i:02}": i / 100 for i in range(40)})))
    names = [text[:3] for text in shown if re.match(r"c\d\d", text)]
    assert len(names) == MAX_ROWS
    assert names[0] == "c39"
    assert f"{40 - MAX_ROWS} more in between are in the record" in shown


def test_small_p_values_come_first():
    shown = texts(drift_chart(drifts({"same": 0.9, "moved": 0.001}, "drift_p_value", ">=", "0.05")))
    assert "✕ 0.001" in shown
    assert "limit: drift where the p-value is below 0.05" in shown
    assert next(text for text in shown if text[:5] in ("movedmoved"[:5], "same"))[:5] == "moved"


def test_every_mark_lies_inside_the_picture():
    root = parse(fairness_chart(rates({"a": 0.0, "b": 1.0, "c": 0.5}), "x"))
    width = float(root.get("viewBox").split()[2])
    marks = [float(node.get("cx")) for node in root.iter(f"{SVG}circle")]
    marks += [float(line.get(end)) for line in root.iter(f"{SVG}line") for end in ("x1", "x2")]
    assert all(0 <= mark <= width for mark in marks)


def test_nothing_to_show_is_no_picture():
    assert fairness_chart([], "x") is None
    assert fairness_chart([claim("selection_rate", None, slice={"g": "a"}, note=LEFT_OUT)], "x") is None
    assert drift_chart([]) is None


@pytest.mark.parametrize(("severity", "word"), [("failing", "failed"), ("warning", "warned")])
def test_a_page_puts_what_failed_first(severity, word):
    bound = Limit(metric="m", comparator=">=", limit="0.8", severity=severity, why="test")
    page = claims_page("T", hold([claim("m", 0.9), claim("m", 0.1), claim("other", 3)], [bound])).decode()
    assert page.index(f">{word}<") < page.index(">passed<")
    assert page.index("Held against a limit") < page.index("Measured")
    assert not re.search(r"https?:|<script|url\(|@import", page)


def test_groups_that_are_not_judged_are_named_under_their_panel():
    small = claim(
        "selection_rate_ratio", None, slice={"sex": "diverse"}, note="too few rows: 21 rows, judged from 30 on"
    )
    alone = claim("selection_rate_ratio", None, slice={"race": "Other"}, note="set aside: an old form (25 rows)")
    picture = fairness_chart([*rates({"Female": 0.2, "Male": 0.27}), small, alone], "x")
    shown = texts(picture)
    assert "not shown, diverse: too few rows: 21 rows, judged from 30 on" in shown
    assert "race" in shown
    assert "not shown, Other: set aside: an old form (25 rows)" in shown
    assert "diverse" in parse(picture).find(f"{SVG}desc").text


def test_a_share_lies_at_one_place_in_all_panels_and_the_axis_tells_where():
    crossed = [
        claim("selection_rate", r, slice={"sex": "Male", "race": name}, n=90) for name, r in (("W", 0.27), ("B", 0.95))
    ]
    picture = parse(fairness_chart([*rates({"Female": 0.25, "Male": 0.27}), *crossed], "x"))
    places = [float(node.get("cx")) for node in picture.iter() if node.get("cx")]
    assert len(places) == 4
    assert places[1] == places[2], "Male has 27% in one panel, Male · W in the other"
    shown = texts(fairness_chart([*rates({"Female": 0.25, "Male": 0.27}), *crossed], "x"))
    assert [shown.count(tick) for tick in ("0%", "50%", "100%")] == [2, 2, 2]
    assert {"0", "0.1", "0.2"} <= set(texts(drift_chart(drifts({"a": 0.17}))))
