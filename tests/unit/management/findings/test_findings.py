"""Each finding is made by exactly the fault that it names, keeps its id, and is gone with its cause."""

from dataclasses import replace

import pytest

from aims_mlflow.management.comparison import compare
from aims_mlflow.management.findings.every import findings
from aims_mlflow.management.findings.rules import RULES
from aims_mlflow.management.findings.state import ManagementState
from aims_mlflow.registry.inventory.provider_models import provider_model
from support import management_states as states
from support.management_states import (
    API,
    MODEL,
    NOW,
    SYSTEM,
    competence,
    document,
    good,
    in_scope,
    item,
    own_test,
    report,
    source,
)

DAY = "2026-06-15"
OLD = ("registered models", "providers in traces")


def found(state):
    """Each finding but that a field says nothing (W6): cases leave out fields that they are not about."""
    return [f"{f.rule} {f.about}" for f in findings(state, NOW) if f.rule != "W6"]


def noted(**note):
    scan = document("scan", time="2026-06-11T00:00:00Z", found=[{"id": "churn", "kind": "registered model", **note}])
    return states.with_items(item("registered model", "churn"), state=good(scan=scan))


def in_inventory(**changes):
    return replace(good(), inventory=states.inventory(**changes))


def calling(*models, provider="openai", **changes):
    """The state in which traces name these models of a provider and no other."""
    called = (
        item("provider", f"{provider}/{m}", OLD[1], names=(f"{provider}/{m}", provider, m),
             facts={"provider": provider, "model": m}, volume=9)
        for m in models
    )  # fmt: skip
    held = (i for i in states.inventory().items if i.kind != "provider")
    return replace(good(**changes), inventory=states.inventory(items=(*held, *called)))


def certified(**changes):
    """The state with one document of the supplier: a certificate."""
    paper = {"kind": "SOC 2", "issuer": "an auditor", "scope": "API", "covers_service": True, "expires": "2027-01-01"}
    return good(supplier=states.supplier(documents=[{**paper, "conclusions": ["keeps no prompts"], **changes}]))


OUT = {"id": SYSTEM, "reason": "a trial that ended", "approved_by": "max"}
CHURN = "S1 registered model:churn@here"
CASES = {
    "unknown model": (states.with_items(item("registered model", "churn")), [CHURN]),
    "assigned by a person": (noted(system=SYSTEM), []),
    "assigned to no system": (noted(system="churn"), [CHURN]),
    "explained": (noted(explanation="kept for a court case", by="olga"), []),
    "explained by nobody": (noted(explanation="kept for a court case"), [CHURN]),
    "explained by a placeholder": (noted(explanation="tbd", by="olga"), [CHURN]),
    "explained until yesterday": (noted(explanation="kept for a court case", by="olga", until="2026-06-14"), [CHURN]),
    "explained until today": (noted(explanation="kept for a court case", by="olga", until=DAY), []),
    "explains another kind": (noted(kind="prompt", explanation="kept for a court case", by="olga"), [CHURN]),
    "ghost": (good(system=states.system(models=[MODEL, "gone"])), [f"S2 {SYSTEM}/gone"]),
    "ghost without names": (
        good(system=states.system(models=[], components=[], data_sets=[]), supplier=None, own_test=None, duties=None),
        ["S1 alias:income@champion@here", "S1 provider:openai/gpt-4o@here", "S1 registered model:income@here",
         f"S2 {SYSTEM}"],
    ),
    "registry not read": (
        in_inventory(items=(), sources=(source(OLD[0], failed="403"), source(OLD[1]))), ["S6 registered models"],
    ),
    "out of scope and serving": (
        good(system=states.system(in_scope=False, scope_reason="a trial that ended"), scope=in_scope(systems_in=[], systems_out=[OUT], sources=OLD)),
        [f"S3 {SYSTEM}"],
    ),
    "no roles": (good(system=states.system(roles=[])), [f"S4 {SYSTEM}/roles"]),
    "role since never": (good(system=states.system(roles=[{"role": "user"}])), [f"S4 {SYSTEM}/since"]),
    "owner left": (
        good(people=document("people", people=[
            {"id": "olga", "employed_until": "2026-06-14"},
            *({"id": p} for p in ("ana", "eva", "ines", "noa", "rita")), {"id": "max", "top_management": True}])),
        [f"S4 {SYSTEM}/owner", "K4 olga"],
    ),
    "owner unknown": (good(system=states.system(owner="moritz")), [f"S4 {SYSTEM}/owner", "K4 moritz"]),
    "stage behind the ledger": (good(system=states.system(stage="development")), [f"S5 {SYSTEM}"]),
    "retired and in use": (good(system=states.system(stage="retirement", stage_dates={"retirement": "2026-03-01"})), [f"S5 {SYSTEM}"]),
    "flavours not read": (
        in_inventory(sources=(source(OLD[0], unread={"flavours of versions in use": "1 of 2"}), source(OLD[1]))),
        ["S6 flavours of versions in use"],
    ),
    "source not scanned": (good(scope=in_scope(sources=["vendor list"])), ["S6 vendor list"]),
    "old scan": (in_inventory(time="2026-05-15T08:00:00Z"), ["S7 scan"]),
    "terms only": (
        good(supplier=states.supplier(documents=[{"kind": "terms", "conclusions": ["accepted"]}]), own_test=None),
        [f"T1 {SYSTEM}/{API}", f"T2 {SYSTEM}/{API}"],
    ),
    "nothing concluded": (
        good(supplier=states.supplier(documents=[{"kind": "card", "covers_service": True}])), [f"T1 {SYSTEM}/{API}"],
    ),
    "declared only": (
        good(supplier=None, own_test=None), [f"T1 {SYSTEM}/{API}", f"T2 {SYSTEM}/{API}"],
    ),
    "another version is called": (good(own_test=own_test(version="2024-08-06")), [f"T3 {SYSTEM}/{API}"]),
    "traces call another model": (
        states.with_items(item("provider", "x", names=(API,), facts={"model": "gpt-5"})), [f"T3 {SYSTEM}/{API}"],
    ),
    "a provider's changed model": (calling("gpt-5"), ["S1 provider:openai/gpt-5@here", f"T3 {SYSTEM}/{API}"]),
    "a provider's second model": (calling("gpt-4o", "gpt-5"), ["S1 provider:openai/gpt-5@here"]),
    "a provider's changed model of a system that is nothing else": (
        calling("gpt-5", system=states.system(models=[])),
        ["S1 alias:income@champion@here", "S1 registered model:income@here", "S1 provider:openai/gpt-5@here",
         f"T3 {SYSTEM}/{API}"],
    ),
    "public benchmark": (good(own_test=own_test(data_digest="MMLU")), [f"T4 {SYSTEM}/{API}/2024-11-20"]),
    "no verdict": (good(own_test=own_test(results=["looks good"])), [f"T4 {SYSTEM}/{API}/2024-11-20"]),
    "few cases": (good(own_test=own_test(n=29)), [f"T4 {SYSTEM}/{API}/2024-11-20"]),
    "as few as a share needs": (good(own_test=own_test(n=30)), []),
    "fewer than the plan wants": (
        good(own_test=own_test(n=99), plan=document("measurement-plan", system=SYSTEM, measures=[
            {"what": "accuracy", "purpose": "R1", "min_n": 100, "limit": "0.8"}, {"what": "drift", "min_n": 900, "limit": "0.1"},
        ])),
        [f"T4 {SYSTEM}/{API}/2024-11-20"],
    ),
    "certificate ended": (
        good(supplier=states.supplier(documents=[{
            "kind": "ISO 42001", "issuer": "b", "scope": "API", "covers_service": True, "expires": "2026-06-14",
            "conclusions": ["good"]}])),
        [f"T1 {SYSTEM}/{API}", f"T5 {SYSTEM}/{API}/ISO 42001"],
    ),
    "terms by another name": (
        good(supplier=states.supplier(documents=[{"kind": kind, "scope": scope, "covers_service": True, "conclusions": ["read"]}
             for kind, scope in (("other", "the data processing agreement"), ("card", "the terms of service of the API"))])),
        [f"T1 {SYSTEM}/{API}"],
    ),
    "a card without a conclusion": (
        good(supplier=states.supplier(documents=[{"kind": "card", "scope": "API", "covers_service": True,
                                                  "conclusions": ["none to report"]}])),
        [f"T1 {SYSTEM}/{API}"],
    ),
    "our test waits": (good(own_test=own_test(decision="pending legal review")), [f"T11 {SYSTEM}/{API}/2024-11-20"]),
    "our test misses what it calls passed": (
        good(own_test=own_test(results=["38 of 40, at least 39: passed"], conditions="letters are read by a clerk")),
        [f"T11 {SYSTEM}/{API}/2024-11-20"],
    ),
    "a certificate that its holder wrote": (certified(issuer="OpenAI"), [f"T5 {SYSTEM}/{API}/SOC 2"]),
    "a certificate without an end": (certified(expires=None), [f"T5 {SYSTEM}/{API}/SOC 2"]),
    "a certificate of another company": (certified(entity="Holding"), [f"T5 {SYSTEM}/{API}/SOC 2"]),
    "a certificate of the company": (certified(entity="OpenAI Ireland"), []),
    "nobody accredited the issuer": (certified(kind="ISO 42001"), [f"T5 {SYSTEM}/{API}/ISO 42001"]),
    "an accredited issuer": (certified(kind="ISO 42001", accreditation="the national body"), []),
    "our test refused it": (good(own_test=own_test(decision="no")), [f"T11 {SYSTEM}/{API}/2024-11-20"]),
    "our test failed": (
        good(own_test=own_test(results=["accuracy 0.5 >= 0.85: failed"])), [f"T11 {SYSTEM}/{API}/2024-11-20"],
    ),
    "our test misses its own limit": (
        good(own_test=own_test(results=["12 of 40, at least 36: passed"])), [f"T11 {SYSTEM}/{API}/2024-11-20"],
    ),
    "our test found no objections": (good(own_test=own_test(decision="no objections")), []),
    "neither pinned nor told": (good(supplier=states.supplier(pinned=False)), [f"T6 {SYSTEM}/{API}"]),
    "contract announces changes": (
        good(supplier=states.supplier(pinned=None, contract={"id": "K1", "clauses": ["change notice 30 days"]})), [],
    ),
    "shared out before the contract": (
        good(
            supplier=states.supplier(contract={"id": "K1", "start": "2026-01-15"}),
            duties=document("responsibility-matrix", system=SYSTEM, effective_from="2025-12-01",
                            duties=[{"duty": "uptime", "accountable": ["us"]}]),
        ),
        [f"T7 {SYSTEM}/K1"],
    ),
    "two accountable": (
        good(duties=document("responsibility-matrix", system=SYSTEM, duties=[{"duty": "d", "accountable": ["us", "x"]}])),
        [f"T7 {SYSTEM}/d"],
    ),
    "no duties": (good(duties=None), [f"T7 {SYSTEM}"]),
    "auditor signed a sampled record": (
        good(report=report(team=[{"person": "Ana"}, {"person": "eva"}, {"person": "ines"}])), ["I1 report/ana"],
    ),
    "auditor owns the system": (
        good(report=report(team=[{"person": "olga"}, {"person": "eva"}, {"person": "ines"}])), ["I1 report/olga"],
    ),
    "nobody can judge models": (good(ines=None), ["I2 report"]),
    "competence ended before": (good(eva=competence("eva", "auditing, suppliers", valid_until="2026-03-31")), ["W3 competence-eva", "I2 report"]),
    "competence came later": (good(eva=competence("eva", "auditing, suppliers", obtained_on="2026-04-02")), ["I2 report"]),
    "scope not audited": (
        good(programme=states.programme(["4", "A.6", SYSTEM])),
        ["I3 clauses and controls"],
    ),
    "high priority, two years ago": (good(report=report(held="2025-04-01")), [f"I3 {SYSTEM}", "I6 soa"]),
    "nothing planned": (good(programme=None), ["I3 programme"]),
    "drawn without seed": (
        good(report=report(sample={"population": "p", "population_size": 9, "method": "m", "items": ["r1"]})), ["I4 report"],
    ),
    "sampled what is not here": (
        good(report=report(sample={
            "population": "p", "population_size": 9, "method": "m", "seed": "1", "items": ["r1", "r2"]})), ["I4 report"],
    ),
    "finding without cause": (
        good(report=report(findings=[{"id": "N1", "finding": "f", "owner": "olga", "due": "2026-07-01"}])),
        ["I5 report/N1"],
    ),
    "audit before the statement": (good(soa=states.soa(effective_from="2026-05-01")), ["I6 soa"]),
    "no statement": (good(soa=None), ["P1 statement"]),
    "control without decision": (good(soa=states.soa(without="A.9.3")), ["P1 A.9.3"]),
    "control that a risk needs has no decision": (good(soa=states.soa(without="A.6.2.4")), ["P1 A.6.2.4", "P4 R1/A.6.2.4"]),
    "no reason": (good(soa=states.soa("A.9.3", reason="n/a")), ["P2 A.9.3"]),
    "suppliers excluded": (good(soa=states.soa("A.10.3", applies=False, reason="no suppliers")), ["P3 A.10.3"]),
    "use excluded": (good(soa=states.soa("A.9.2", applies=False, reason="nobody uses it")), ["P3 A.9.2"]),
    "data excluded": (good(soa=states.soa("A.7.4", applies=False, reason="no data")), ["P3 A.7.4"]),
    "customers excluded, and there are none": (
        good(soa=states.soa("A.10.4", applies=False, reason="we have no customers")), [],
    ),
    "a risk's control excluded": (
        good(soa=states.soa("A.6.2.4", applies=False, reason="no time")), ["P3 A.6.2.4", "P4 R1/A.6.2.4"],
    ),
    "no basis": (good(soa=states.soa("A.9.3", basis=[])), ["P5 A.9.3"]),
    "accepted by nobody": (good(risks=states.risks(states.risk(accepted_by=None))), ["P7 R1"]),
    "accepted by its owner": (good(risks=states.risks(states.risk(accepted_by="olga"))), ["P7 R1"]),
    "accepted as the method says": (
        good(
            risks=states.risks(states.risk(accepted_by="olga")),
            method=document("risk-method", acceptance=[{"level": "Medium", "may_accept": "olga"}]),
            **{"risk-method": None},
        ), [],
    ),
    "risks changed later": (good(risks=states.risks(states.risk(), effective_from="2026-03-16")), ["P8 risk-register"]),
    "statement without a day": (good(soa=states.soa(effective_from=None)), ["P8 soa"]),
}  # fmt: skip


def test_a_good_management_system_has_no_finding():
    assert findings(good(), NOW) == []


@pytest.mark.parametrize("case", CASES)
def test_a_fault_makes_its_finding_and_no_other(case):
    state, wanted = CASES[case]
    assert found(state) == wanted


def test_every_rule_has_a_case():
    made = {line.split()[0] for _, wanted in CASES.values() for line in wanted}
    assert made | {"I7", "P6", "P9", "S10", "S8", "S9", "T8", "T9", "T10"} == {
        rule for rule in RULES if rule[0] in "STIP"
    } | {
        "K4",
        "W3",
    }


def test_a_finding_keeps_its_id_whatever_its_fact_says():
    first = findings(in_inventory(time="2026-05-15T08:00:00Z"), NOW)
    second = findings(in_inventory(time="2026-04-15T08:00:00Z"), NOW)
    assert [f.id for f in first] == [f.id for f in second]
    assert first[0].fact != second[0].fact
    assert len({f.id for f in findings(ManagementState(), NOW)}) == len(findings(ManagementState(), NOW))


def test_an_empty_folder_is_not_in_order():
    facts = [f.fact for f in findings(ManagementState(), NOW)]
    assert "nothing was scanned: what the register lists was compared with nothing" in facts
    assert "there is no audit programme" in facts


def test_the_comparison_says_what_was_not_scanned_and_never_that_it_is_whole():
    compared = compare(states.with_items(item("registered model", "churn"), state=good(scope=None)), DAY)
    assert compared.sentence == (
        "2 sources scanned on 2026-06-10, 4 items, 3 claimed, 0 explained, 1 unknown; not scanned: prompts, "
        "logged models, gateway endpoints, MCP servers, source tree, vendor list"
    )


def test_one_reason_for_four_controls_is_none_of_their_own():
    alike = {"applies": True, "reason": "Required by  policy", "basis": ["R1"]}
    rows = [{**c.model_dump(), **(alike if n < 4 else {})} for n, c in enumerate(states.soa().controls)]
    (finding,) = findings(good(soa=states.soa(controls=rows)), NOW)
    assert (finding.rule, finding.fact.split(",")[0]) == ("P6", "4 controls have the same reason")
    assert (
        findings(
            good(soa=states.soa(controls=rows[1:] + [states.soa().controls[0].model_dump()])),
            NOW,
        )
        == []
    )


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"drawn_from": []}, "does not list what it was drawn from"),
        ({"drawn_from": ["r1", "r2", "entry"]}, "was drawn from 4 items, and lists 3"),
        ({"seed": "2"}, "gives other items when it is drawn again: entry is none of them"),
        ({"items": ["r1", "r2"]}, "r2 is none of them"),
    ],
)
def test_a_sample_is_drawn_again_and_has_to_give_the_same_items(changes, word):
    sample = {**states.report().sample.model_dump(), **changes}
    facts = [f.fact for f in findings(good(report=report(sample=sample)), NOW) if f.rule == "I4"]
    assert len(facts) == 1
    assert word in facts[0]


def test_a_sample_of_everything_needs_no_draw():
    whole = {"population": "all", "population_size": 2, "method": "all", "seed": "0", "items": ["r1", "entry"]}
    assert found(good(report=report(sample=whole))) == []


def _first(state, rule):
    return next(f for f in findings(state, NOW) if f.rule == rule)


def test_a_changed_model_of_a_provider_is_told_as_changed_and_against_its_system():
    told = _first(calling("gpt-5"), "S1")
    assert told.fact.endswith(
        f". The provider's model changed from {API} to openai/gpt-5: {SYSTEM} names the first, and the newest scan of "
        "providers in traces shows only the second"
    )
    assert (told.system, told.evidence) == (SYSTEM, ("entry",))
    assert "test openai/gpt-5 on the use of income-screening" in told.fix
    assert _first(calling("gpt-5"), "T3").fact == f"of {API}, 2024-11-20 was tested, gpt-5 is in use"


def test_a_second_model_of_a_provider_is_told_beside_the_first():
    told = _first(calling("gpt-4o", "gpt-5"), "S1")
    assert told.fact.endswith(f". It stands beside {API} of the same provider, which {SYSTEM} names")
    assert told.system is None


def behind(model, *traced):
    """The state in which an endpoint that the system names calls this model, and traces name these."""
    entry = states.system(components=[API], serving=[{"endpoint": "chat"}])
    state = calling(*traced, system=entry)
    shown = (
        item("gateway endpoint", "chat", "gateway endpoints"),
        provider_model("openai", model, "gateway endpoints", "here", behind="chat"),
    )
    return replace(state, inventory=states.inventory(items=(*state.inventory.items, *shown)))


def test_a_changed_model_behind_an_endpoint_that_the_system_names_is_told():
    told = [f for f in findings(behind("gpt-5"), NOW) if f.rule in ("S1", "T3")]
    assert [f.rule for f in told] == ["S1", "T3"]
    assert told[0].fact.endswith(" and the newest scan of gateway endpoints shows only the second"), told[0].fact
    assert told[0].fact.startswith("provider openai/gpt-5 of here")
    assert told[1].fact == f"of {API}, 2024-11-20 was tested, gpt-5 is in use"
    assert [f.rule for f in findings(behind("gpt-4o"), NOW) if f.rule in ("S1", "T3")] == []


def test_a_model_that_traces_and_an_endpoint_show_is_one_unknown():
    state = behind("gpt-5", "gpt-5")
    assert len([f for f in findings(state, NOW) if f.rule == "S1"]) == 1
    assert "1 unknown" in compare(state, DAY).sentence


def test_a_vendor_list_with_another_model_tells_that_it_changed():
    bought = item("vendor product", "openai/gpt-5", "vendor list", facts={"vendor": "OpenAI"})
    told = _first(states.with_items(bought), "S1").fact
    assert told.endswith(f"changed from {API} to openai/gpt-5: {SYSTEM} names the first, and the newest scan of vendor "
                         "list shows only the second")  # fmt: skip
    assert "changed" not in _first(states.with_items(item("vendor product", "Teams", "vendor list")), "S1").fact


@pytest.mark.parametrize(
    ("state", "before"),
    [
        (calling("gpt-5", provider="team/openai"), API),  # of another workspace
        (calling("gpt-5", provider="OpenAI"), API),
        (calling("gpt-5", system=states.system(components=["gpt-4o"]), supplier=states.supplier(component="gpt-4o"),
                 own_test=own_test(component="gpt-4o")), "gpt-4o"),
    ],
    ids=["workspace", "spelling", "named by its supplier"],
)  # fmt: skip
def test_a_provider_is_known_in_each_workspace_and_spelling(state, before):
    assert f"The provider's model changed from {before} to " in _first(state, "S1").fact


@pytest.mark.parametrize(("provider", "model"), [("anthropic", "claude-5"), ("openai", "not named")])
def test_another_provider_and_a_call_without_a_model_are_unknown_as_they_were(provider, model):
    told = _first(calling(model, provider=provider), "S1")
    assert told.fact.endswith(": no system claims it, and nobody explained it")
    assert (told.system, told.evidence) == (None, ("scope", "ai-policy"))
