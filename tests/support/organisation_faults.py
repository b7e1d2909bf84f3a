"""Faults to plant in the documents of the example organisation, each with exactly what is found then."""

from support.planted_documents import CAUSES, FIRE_DRILL, HOSPITAL, INCIDENT, MEASURED, REVIEWED, SECOND_PLAN

ENTRY, BOUGHT, RETIRED = (f"system-{s}.yaml" for s in ("loan-screening", "letter-assistant", "branch-visits"))
IMPACT, LETTERS, TOLD = "impact-loan-screening.md", "impact-letter-assistant.md", "information-loan-screening.md"
SUPPLIER, TEST, SOA, REPORT = "supplier-openai.yaml", "letter-test.yaml", "soa.yaml", "audit-report.yaml"
LIVE, COMPONENT = "loan-screening/loan-screening@champion", "letter-assistant/openai/gpt-4o-2024-11-20"
# Faults that are planted together, and exactly what is found then.
PLANTED = {
    "a register that is not what is there": (
        [
            ("scan.yaml", r', explanation: "[^"]*"', ""),
            (ENTRY, r"models: \[loan-screening\]", "models: [loan-screening, gone]"),
            (BOUGHT, "in_scope: true", "in_scope: false"),
            (RETIRED, r"roles: \[.*\]", "roles: []"),
            ("scope.md", r"vendor list\]", "vendor list, SaaS list]"),
            ("scan.json", r'"time": ?"20', '"time": "19'),
        ],
        ["S1 import:mlflow", "S2 loan-screening/gone", "S3 letter-assistant", "S4 branch-visits/roles", "S6 SaaS list",
         "S7 scan", "S8 scope/letter-assistant"],
    ),
    "an owner who left, and a stage behind": (
        [
            ("people.yaml", r"(employed_from: 2018-05-01)", r"\1, employed_until: 2026-01-31"),
            (ENTRY, "stage: operation", "stage: development"),
            (RETIRED, r"models: \[branch-visits\]", "models: []"),
        ],
        ["S1 registered model:branch-visits", "S4 branch-visits/owner", "S4 letter-assistant/owner",
         "S4 loan-screening/owner", "S5 loan-screening", "K1 key/olga/approver", "K3 competence-olga", "K4 olga", "K6 olga"],
    ),
    "an assessment in wrong words": (
        [
            (IMPACT, r"(# Impact assessment of loan screening\n)", r"\1\nPotential bias was mitigated.\n"),
            (IMPACT, r"0\.\d+\[\^e1\]", "0.55[^e1]"),
            (IMPACT, r"\[\^e2\]: evidence \S+", "[^e2]: evidence 01a00000-0000-7000-8000-000000000000"),
            (IMPACT, r"\{name: men, in_data: sex=m\}", "{name: elderly people, in_data: age=old}"),
            (LETTERS, "gpt-4o-2024-11-20", "the model"),
        ],
        ["F1 impact-loan-screening", "F1 impact-loan-screening", "F2 impact-letter-assistant",
         "F3 impact-loan-screening", "F4 impact-loan-screening", "F5 impact-loan-screening"],
    ),
    "an assessment that leaves a failure out": (
        [
            (IMPACT, r"evidence: \[\S+\],\s+(mechanism: \"an application of)", r"\1"),
            (IMPACT, r"(?m)^\[\^e3\]: evidence.*$", ""),
            (IMPACT, r"\[\^e3\]", ""),
            (IMPACT, "(read what has no score first, owner: olga)", r"\1, done: 2026-01-02"),
        ],
        ["F6 loan-screening/robustness/agreement_with_missing/", "F7 impact-loan-screening/I2"],
    ),
    "an assessment of other bytes": (
        [(IMPACT, r"model_digests: \[\w+\]", f"model_digests: [{'f' * 64}]")],
        [*["F3 impact-loan-screening"] * 3, f"F8 {LIVE}"],  # its three citations are of the version in use
    ),
    "documentation that is not true of the version": (
        [
            (TOLD, r"0\.\d+\[\^e1\]", "0.97[^e1]"),
            (TOLD, "R1 is accepted by the board", "One risk is accepted by the board"),
            (TOLD, r"(# Loan screening, for clerks\n)", r"\1\nThe model is fair.\n"),
            ("logs-loan-screening.yaml",),
        ],
        [f"C3 {LIVE}", "C4 information-loan-screening", f"C6 {LIVE}", "C9 information-loan-screening",
         "W7 loan-screening/log-plan"],
    ),
    "a life cycle that cannot be followed": (
        [
            ("release-loan-screening.yaml", r"rollback_to: .*", "rollback_to: version 7"),
            ("requirements-loan-screening.yaml", '"0.8"', '"0.95"'),
            ("incident.yaml", None, INCIDENT),
            ("use-process.md", r"review_by: \S+", "review_by: 2026-01-31"),
        ],
        [f"L1 {LIVE}", f"L3 {LIVE}/selection_rate_ratio/sex=f", "L4 incident-1", "L8 incident-1/plan", "M1 review-inputs",
         "W3 use-process", "R3 incident/incident-1", "W3 incident-1", "W6 incident-1"],
    ),
    "a supplier who is known by terms": (
        [(SUPPLIER, "kind: system card", "kind: terms"), (SUPPLIER, "kind: SOC 2", "kind: DPA"), (TEST,)],
        [f"T1 {COMPONENT}", f"T2 {COMPONENT}"],
    ),
    "a supplier's other version": (
        [
            (TEST, r"(?m)^    version: \S+", "    version: gpt-4o-2024-08-06"),
            (TEST, r"data_digest: \w+", "data_digest: MMLU"),
            (SUPPLIER, r"expires: \S+,", "expires: 2026-01-31,"),
            (SUPPLIER, "pinned: true", "pinned: false"),
            (SUPPLIER, "notice of changes 90 days ahead, ", ""),
            (TEST, "decision: may be used", "decision: must not be used"),
            ("validation-loan-screening.md", "verdict: fit with conditions", "verdict: unfit"),
            ("duties-letter-assistant.yaml", r"accountable: \[us\]", "accountable: [us, the supplier]"),
        ],
        [f"L11 {LIVE}/validation-loan-screening", f"T11 {COMPONENT}/gpt-4o-2024-08-06", f"T3 {COMPONENT}", f"T6 {COMPONENT}",
         f"T4 {COMPONENT}/gpt-4o-2024-08-06", f"T5 {COMPONENT}/SOC 2", "T7 letter-assistant/what a letter says"],
    ),
    "auditors of their own work": (
        [
            (REPORT, "team:\n", "team:\n  - {person: olga, independence: none}\n"),
            ("competence-eva.yaml", r"valid_until: \S+", "valid_until: 2026-01-31"),
            (REPORT, r"  seed: .*\n", ""),
            (REPORT, "cause: the version is in use since today, ", "closed_on: 2026-01-31, "),
        ],
        ["I1 audit-report/olga", "I2 audit-report", "I4 audit-report", "I5 audit-report/N1",
         "I5 audit-report/N1/closed", "W3 competence-eva", "W6 audit-report"],
    ),
    "a programme with holes": (
        [
            ("audit-programme.yaml", "A.10,", ""),
            ("audit-programme.yaml", ", branch-visits", ""),
            (REPORT, r"held: \S+", "held: 2026-01-31"),
        ],
        ["I3 branch-visits", "I3 clauses and controls", "I6 soa"],
    ),
    "a statement without decisions": (
        [
            (SOA, r"  - control: A\.9\.3\n(    .*\n)+", ""),
            (SOA, r"(control: A\.2\.4\n    applies: true\n    reason: )[^\0]*?(\n    basis)", r"\1n/a\2"),
            (SOA, r"(control: A\.10\.3\n    applies: )true", r"\1false"),
            (SOA, r"(control: A\.4\.4\n(?:    .*\n)+?    basis: ).*", r"\1[]"),
            ("risks.yaml", r"(shows no alias\}\n    accepted_by: )max", r"\1rita"),
        ],
        ["P1 A.9.3", "P2 A.2.4", "P3 A.10.3", "P4 R3/A.10.3", "P5 A.4.4", "P7 R4"],
    ),
    "a statement before the systems, with one reason for many": (
        [
            (SOA, r"effective_from: \S+", "effective_from: 2026-01-31"),
            (SOA, r"(control: A\.7\.[2-5]\n    applies: true\n    reason: )[^\0]*?(\n    basis)", r"\1the law on data\2"),
        ],
        ["P6", "P9 soa/implemented", "P8 branch-visits", "P8 letter-assistant", "P8 loan-screening", "P8 risks"],
    ),
    "people without the duty": (
        [
            (IMPACT, "approver: olga", "approver: ana"),
            ("roles-loan-screening.yaml", r"  - \{duty: validate.*\n", ""),
            ("use-process.md", "approver: olga", "approver: ' RITA'"),
            ("monitoring-loan-screening.yaml", "who_acts: olga", "who_acts: moritz"),
        ],
        ["K1 key/rita/approver", "K1 loan-screening/ana", "K1 organisation/rita", "K2 loan-screening", "K4 moritz",
         "W4 use-process"],
    ),
    "a review that was not told, and a cause that came back": (
        [("incident.yaml", None, INCIDENT), ("review-inputs.yaml", None, REVIEWED), ("actions.yaml", None, CAUSES),
         ("measures.yaml", None, MEASURED)],
        ["L4 incident-1", "L8 incident-1/plan", "L5 cause/actions.0/actions.1", "L6 actions/K1", "L6 actions/K2", "L7 measures/accuracy", "M1 review-inputs",
         "R3 incident/incident-1", "W3 incident-1", "W6 incident-1"],
    ),
    "risks that nobody treats": (
        [
            ("risks.yaml", r"(objective: fairness\n(?:    .*\n)*?)    owner: olga\n", r"\1"),
            ("risks.yaml", r"(cause_evidence: .*\n(?:    .*\n)*?    due: )\S+", r"\g<1>2026-01-31"),
            ("risks.yaml", r"    cause_evidence: .*\n", ""),
            (IMPACT, r"feeds_risks: \[R1, R2\]", "feeds_risks: [R1, R9]"),
            ("risk-method.md", "rare/grave: medium", "rare/grave: high"),
        ],
        ["R1 risks/R1", "R1 risks/R2", "R3 impact-loan-screening", "R3 loan-screening/robustness/agreement_with_missing/", "R4 risks/R1",
         "R4 risks/R3"],
    ),
    "a risk without days and records, and another model of the provider": (
        [
            ("risks.yaml", r'(is above its limit: (\S+)"\n(?:    .*\n)*?    status: )treating', r"\1closed\n    closed_by: [\2]"),
            ("risks.yaml", "a day of wrong planning", "a day, by 01a22579-e332-7000-8000-000000000000"),
            ("scan.json", "gpt-4o-2024-11-20", "gpt-5"),
        ],
        ["R2 risks/R1", "R4 risks/R4/basis", "S1 provider:openai/gpt-5", "S1 vendor product:openai/gpt-5", f"T3 {COMPONENT}"],
    ),
    "what is forbidden, and who could not sign": (
        [
            ("ai-policy.md", r"prohibited: \[scoring of employees", "prohibited: [ordering applications for a loan"),
            (ENTRY, "class: high-risk", "class: prohibited practice"),
            (SUPPLIER, "    pinned: true", "    licence: CC-BY-NC-4.0\n    pinned: true"),
            ("competence-olga.yaml", r"valid_until: \S+", "valid_until: 2026-01-31"),
            ("competence-ana.yaml", "role: trainer", "role: approver"),
            ("roles-loan-screening.yaml", "approve, person: olga", "approve, person: max"),
            ("roles.yaml", "may stop a system and approve versions", "may stop a system"),
            ("roles-loan-screening.yaml", "operate, person: olga", "operate, person: eva"),
        ],
        ["I1 audit-report/eva", "K1 branch-visits/olga", "K1 loan-screening/olga", "K1 loan-screening/version/olga",
         "K6 ana", "K6 olga", "S9 loan-screening/ai-policy/ordering applications for a loan", "S9 loan-screening/law/AI Act",
         f"T9 {COMPONENT}", "W3 competence-olga"],
    ),
    "what was decided, planned and listed does not fit": (
        [
            (IMPACT, "decision: go with conditions", "decision: no go"),
            (LETTERS, r"conditions: .*", "conditions: [the provider trains it on our letters]"),
            (IMPACT, "party: clerks", "party: works council of the holding"),
            (BOUGHT, "affected_groups:\n", "affected_groups:\n  - {name: guarantors, not_in_data: nothing is sent of them}\n"),
            ("monitoring-loan-screening.yaml", "loan-screening@champion", "loan-screening@staging"),
            ("release-loan-screening.yaml", r"model_digests: .*", f"model_digests: [{'e' * 64}]"),
            ("use-loan-screening.md", "system: loan-screening", "system: loan-screning"),
            ("audit-programme.yaml", "risk_basis:",
             "  - {id: A2, scope: [A.5], planned: 2026-01-31, auditors: [eva]}\nrisk_basis:"),
            (SOA, r"(control: A\.8\.2\n(?:    .*\n)+?    basis: ).*", r"\1[R9]"),
            ("risks.yaml", r"controls: \[A.9.2, A.10.3\]", "controls: [A.9.2, A.11.3]"),
            ("risks.yaml", "system: branch-visits", "system: visits"),
            (ENTRY, "decision_role: advises", "decision_role: advises\nnext_review: 2026-01-31"),
            (ENTRY, "robustness: {", "robustnes: {"),
            (RETIRED, "owner: olga", "owner: rita"),
            (SUPPLIER, "start: 2026-01-15", "start: 2099-01-15"),
            (SUPPLIER, "scope: API, covers", "scope: data centre in Oslo, covers"),
            (TEST, "evaluator: rita", "evaluator: zoe"),
        ],
        ["F10 impact-letter-assistant", "F10 impact-loan-screening", "F11 impact-loan-screening",
         "F5 impact-letter-assistant/not assessed/guarantors", "G8 supplier-openai", "I3 audit-programme/A2", "K4 zoe", f"L1 {LIVE}", f"L2 {LIVE}",
         "P4 R3/A.11.3", "P5 A.8.2/basis", "R4 branch-visits", "R4 risks/R4/system", "S4 loan-screening/objective/robustnes",
         "S4 loan-screening/review", "S8 use-loan-screening", "W7 loan-screening/intended-use", f"T5 {COMPONENT}/C-2026-04", f"T5 {COMPONENT}/SOC 2"],
    ),
    "documents that are missing, twice, or of another version": (
        [
            (LETTERS,), ("monitoring-loan-screening.yaml",), ("risk-method.md",),
            ("second.yaml", None, SECOND_PLAN),
            (TOLD, r"model_digests: \[\w+\]", f"model_digests: [{'f' * 64}]"),
            (TEST, r"    date: \S+", "    date: 2024-01-31"),
            ("ai-policy.md", r"review_by: \S+", "review_by: 2099-01-31"),
            ("scope.md", ", branch-visits]", "]"),
        ],
        [f"C10 {LIVE}", f"C3 {LIVE}", "S8 scope/branch-visits", f"T8 {COMPONENT}", f"T8 {COMPONENT}/contract",
         "W3 ai-policy",
         "W5 log-plan/logs-loan-screening/second", "W7 letter-assistant/impact-assessment",
         "W7 loan-screening/monitoring-plan", "W7 risk-method"],
    ),
    "people who may not accept, assess or audit, and what no other document has": (
        [
            ("treatment-plan.yaml", r"(risk: R3[^}]*accepted_by: )max", r"\1rita"),
            ("treatment-plan.yaml", r"  - \{risk: R2[^}]*\}\n", ""),
            ("treatment-plan.yaml", r"(risk: R1[^}]*residual: )medium", r"\1low"),
            ("risks.yaml", r"(residual: \{likelihood: )rare(, impact: grave, level: )medium(, basis: own)", r"\1likely\2high\3"),
            (IMPACT, r"(feeds_risks: )", HOSPITAL + r"\1"),
            (IMPACT, "person: rita, function: risk manager", "person: ana, function: data scientist"),
            ("audit-programme.yaml", r"auditors: \[eva\]", "auditors: [olga]"),
            ("duties-to-tell.yaml", r"(Art. 73, checked_on: )\S+\}", r"\g<1>2024-01-31}"),
            ("resources-loan-screening.yaml", r"id: \w{64}(, owner: olga, purpose: to learn)", "id: " + "d" * 64 + r"\1"),
            ("preparation-loan-screening.yaml", "step: clean", "step: tidy"),
            ("requirements-loan-screening.yaml", "requirement: Q2", "requirement: Q9"),
            ("requirements-loan-screening.yaml", "source: R1", "source: R77"),
            (TEST, r"    date: \S+", "    date: 2026-01-10"),
            (RETIRED, r"stage_dates: .*", "stage_dates: {operation: 2023-06-01}"),
            ("leadership.md", r"members: \[max\]", "members: [rita]"),
            (SOA, r"(control: A\.5\.3\n(?:    .*\n)+?    review: )\S+", r"\g<1>2026-01-31"),
            (SOA, r"(control: A\.9\.3\n(?:    .*\n)+?    basis: .*\n)", r"\1    implemented: use-objectives\n"),
            ("told.yaml", None, FIRE_DRILL),
        ],
        ["F12 impact-loan-screening", "F2 impact-loan-screening/rights", "I1 audit-programme/A1/olga", "K4 leadership/members",
         f"L13 {LIVE}/step/clean", f"L13 {LIVE}/train", "L12 told/a fire drill", "L3 requirements-loan-screening/Q9",
         "L3 requirements-loan-screening/R77", "P7 treatment-plan/R3", "P9 A.5.3", "P9 A.9.3", "P9 soa/residual_risks", "R1 plan/risks/R2",
         "R4 risks/R3/left", "R4 treatment-plan/R1/left", "R4 treatment-plan/R3/left", "S4 branch-visits/stages",
         f"T8 {COMPONENT}/contract", "W3 duties-to-tell/AI Act Art. 73"],
    ),
    "what is out of date, without a value, or not answered": (
        [
            ("competence-olga.yaml", r"obtained_on: \S+", "obtained_on: 2099-01-31"),
            ("objectives-loan-screening.yaml", r'limit: "at least 0.8", ', ""),
            (IMPACT, r"\{digest: \w+, role: train\}", f"{{digest: {'d' * 64}, role: train}}"),
            ("policy-told.yaml", 'policy_version: "1"', 'policy_version: "0"'),
            (ENTRY, r"checked_on: \S+\}", "checked_on: 2024-01-31}"),
            ("concern-log.yaml", r"tested: \S+", "tested: 2024-01-31"),
            ("reports-loan-screening.yaml", r"reached: [^}]*", "reached: 2024-01-31"),
            (IMPACT, r"(clerks read what has no score first, owner: olga, due: )[^}]*", r"\g<1>2026-01-31"),
            (REPORT, r"(owner: olga, due: )[^}]*", r"\g<1>2026-01-31"),
            (ENTRY, r"stage_dates: \{development: 2025-01-15, operation: [^}]*", "stage_dates: {development: 2025-06-15, operation: 2025-01-15"),
            (TEST, r"results: \[.*\]", 'results: ["drafts that name the reason: 38 of 40"]'),
            (SUPPLIER, r"end: \S+, ", "end: 2026-01-31, "),
            ("monitoring-loan-screening.yaml", r', limit: "0.1"', ""),
        ],
        ["F9 loan-screening/impact-loan-screening", "G8 competence-olga", "G8 reports-loan-screening", "F7 impact-loan-screening/I2", "I5 audit-report/N1", "K5 policy-told",
         "K6 olga", "L7 monitoring-loan-screening/drift", "L7 objectives-loan-screening/fairness", "O1 loan-screening/oversight", "O2 concern-log/test",
         "O2 reports-loan-screening/test", "S4 loan-screening/law/AI Act", "S4 loan-screening/stages",
         f"T4 {COMPONENT}/gpt-4o-2024-11-20", f"T5 {COMPONENT}/C-2026-04"],
    ),
}  # fmt: skip

HEAD = "owner: olga\nauthor: rita\nsystem: loan-screening\n"
OVERSIGHT = f"""id: oversight
kind: oversight-record
title: Oversight
{HEAD}periods: [{{by: olga, decisions: 400, reviewed: 12, promised: 400, end: 2026-06-30}}]
"""
# Faults that lint names; each result as its rule and document.
REFUSED = {
    "documents that do not fit each other": (
        [
            ("scope.md", ", branch-visits]", "]"),
            (BOUGHT, "in_scope: true\nscope_reason: .*", "in_scope: false"),
            ("scan.yaml", r', explanation: "[^"]*"', ""),
            ("roles-loan-screening.yaml", "duty: validate, person: rita", "duty: approve, person: max"),
            ("ai-policy.md", "approver: max", "approver: olga"),
            ("risks.yaml", r"accepted_by: max\n    status: accepted", "status: closed"),
            ("risks.yaml", r"    cause_evidence: .*\n", ""),
            ("risks.yaml", "no loan for reasons", "no loan, as 01a22579-e332-7000-8000-000000000000 shows, for reasons"),
            (SOA, r"  - control: A\.9\.3\n(    .*\n)+", ""),
            (TOLD, r"model_digests: \[\w+\]", f"model_digests: [{'f' * 64}]"),
            (IMPACT, r"evidence: \[\S+\],\s+(mechanism: \"an application of)", r"\1"),
            (IMPACT, r"(?m)^\[\^e3\]: evidence.*$", ""),
            (IMPACT, r"an agreement of\s+\S+\[\^e3\]", "no agreement"),
            (IMPACT, r"  - \{impact: I2, measure: .*\n", ""),
        ],
        ["D7 ai-policy", "G3A information-loan-screening", "G3A risks", "X1 scope", "X10 soa", "X12 information-loan-screening",
         "X13 impact-loan-screening", "X14 impact-loan-screening", "X2 system-letter-assistant", "X28 people", "X3 scan",
         "X4 roles-loan-screening", "X6 ai-policy", "X8 risks", "X9 risks"],
    ),
    "people, suppliers and audits": (
        [
            (SUPPLIER, "kind: system card", "kind: terms"),
            (SUPPLIER, "kind: SOC 2", "kind: DPA"),
            (TEST, r"(?m)^    version: \S+", "    version: gpt-4o-2024-08-06"),
            (TEST, r"date: \S+", "date: 2099-01-31"),
            ("duties-letter-assistant.yaml", r"accountable: \[us\]", "accountable: [us, the supplier]"),
            ("oversight.yaml", None, OVERSIGHT),
            ("review-inputs.yaml", None, REVIEWED),
            ("actions.yaml", None, CAUSES),
            (REPORT, "team:\n", "team:\n  - {person: olga, independence: the report of June}\n"),
            ("audit-programme.yaml", "risk_basis:",
             "  - {id: A2, scope: [A.5], planned: 2026-01-31, auditors: [eva]}\nrisk_basis:"),
            ("people.yaml", "(employed_from: 2021-09-01)", r"\1, employed_until: 2026-01-31"),
            ("use-process.md", r"review_by: \S+", "review_by: 2026-01-31"),
            ("leadership.md", "approver: max", "approver: rita"),
            ("logs-loan-screening.yaml", r"(?m)^retention: two years", "retention: TODO how long"),
            ("treatment-plan.yaml", "owner: olga", "owner: moritz"),
        ],
        ["D7 leadership", "D2 logs-loan-screening", "D3 audit-report", "D3 oversight", "D6 leadership", "D8 use-process", "G7 roles",
         "G7 competence-ana", "G7 competence-rita", "G7 design-loan-screening", "G7 objectives-loan-screening",
         "G7 origin-of-data", "G7 resources-loan-screening",
         "G7 roles-loan-screening", "G7 soa", "G7 treatment-plan", "G8 letter-test", "G8 use-process",
         "D3 review-inputs", "X29 review-inputs", "X30 actions",
         "X20 supplier-openai", "X21 letter-test", "X22 duties-letter-assistant", "X23 oversight", "X24 audit-report",
         "X25 audit-programme", "X5 people", "X6 leadership"],
    ),
}  # fmt: skip
