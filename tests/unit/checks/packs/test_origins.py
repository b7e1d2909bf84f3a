"""Who set each limit of a pack and when, and that it is said where the number stands."""

import pytest

from aims_mlflow.checks.packs import load_pack, shipped_packs
from aims_mlflow.checks.runner import run_check
from aims_mlflow.records.wording import origin_text

AUTHORS = "the authors of aims_mlflow"
MINE = """name: mine
version: "1"
description: d
extends: tabular-classification
set_by: the model board
set_on: 2026-03-02
fairness:
  limits:
    - {metric: selection_rate_ratio, comparator: ">=", limit: 0.85, why: the board asks for more}
    - {metric: true_positive_rate_difference, comparator: "<=", limit: 0.2, why: as above, set_by: A. Berg, set_on: 2026-05-04}
drift: {drifted_share: 0.2}
"""


def origins(pack):
    """Return (what, set_by, set_on) of everything that is a limit."""
    out = []
    for name in ("representativeness", "fairness", "performance", "robustness"):
        out += [(f"{name}.{x.metric}", x.set_by, x.set_on) for x in getattr(pack, name).limits]
    out += [(x.type, x.set_by, x.set_on) for x in pack.data_quality.expectations]
    for name in ("fairness", "performance", "drift", "monitor", "leakage", "privacy"):
        section = getattr(pack, name)
        out.append((name, section.set_by, section.set_on))
    return out


@pytest.mark.parametrize("name", shipped_packs())
def test_every_limit_of_a_shipped_pack_has_an_author_and_a_day(name):
    found = origins(load_pack(name))
    assert len(found) > 15
    assert [what for what, by, on in found if not (by or "").startswith(AUTHORS) or on is None] == []


def test_a_childs_limits_are_its_authors_and_the_rest_stay_its_parents(tmp_path):
    (tmp_path / "pack.yaml").write_text(MINE)
    found = {what: (by, on) for what, by, on in origins(load_pack(str(tmp_path)))}
    board = ("the model board", "2026-03-02")
    assert found["fairness.selection_rate_ratio"] == found["drift"] == board
    assert found["fairness.true_positive_rate_difference"] == ("A. Berg", "2026-05-04")
    for kept in ("fairness", "fairness.equalized_odds_difference", "performance.balanced_accuracy", "monitor"):
        assert found[kept][0].startswith(AUTHORS), kept


def test_nobody_is_named_where_a_pack_names_nobody(tmp_path):
    text = MINE.replace("extends: tabular-classification\nset_by: the model board\nset_on: 2026-03-02\n", "")
    (tmp_path / "pack.yaml").write_text(text)
    found = {what: by for what, by, _ in origins(load_pack(str(tmp_path)))}
    assert (found["fairness.selection_rate_ratio"], found["drift"]) == (None, None)
    assert found["monitor"] == f"{AUTHORS} (default)"


@pytest.mark.parametrize("check", ["fairness", "performance", "representativeness", "data_quality", "privacy"])
def test_claims_and_pages_say_who_set_their_limit_when_and_why(check, scored):
    outcome = run_check(check, scored(600), load_pack("tabular-classification"))
    held = [c for c in outcome.claims if c.limit is not None]
    assert held
    assert {origin_text(c).split(" (default)")[0][:33] for c in held} == {f"set by {AUTHORS}"[:33]}
    assert all(c.limit_origin.why and c.limit_origin.set_on == "2026-11-28" for c in held)
    pages = [content.decode() for name, content in outcome.reports.items() if name.endswith(".html")]
    assert any(f"set by {AUTHORS}" in page and "on 2026-11-28" in page for page in pages)
