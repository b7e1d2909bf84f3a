"""Faults that errors of lint alone report, and faults of reviews, oversight and duties, each with what is found then."""

from support.organisation_faults import ENTRY, HEAD, IMPACT, RETIRED, SOA, TOLD

APPROVED = "approver: olga\nreview_by: 2028-01-31\nretention_until: 2036-01-31\n"
OWN_CONTROL = """  - {control: A.11.9, applies: true, reason: a control of our own, basis: [R1], implemented: by the branches,
     owner: max, review: 2028-01-31}
"""
NEEDS = f"""id: needs
kind: customer-needs
title: Needs
{APPROVED}{HEAD}needs: [{{need: an answer within a day, requirement: Q9}}]
"""
WATCH = f"""id: oversight
kind: oversight-record
title: Oversight
{APPROVED}{HEAD}periods:
  - {{by: eva, decisions: 400, reviewed: 400, promised: 400, refusals: 40, refusals_reviewed: 12, end: 2026-06-30}}
"""
GENERIC = """
# Intended use

Whoever has read the instructions uses the system for the purpose for which it was made, and for no other one. It helps
people to decide, and takes no decision away from them. Whoever sees that somebody uses it for another purpose reports
that to the person who answers for it, and uses it no further until that person has decided.
"""
TWICE = f"""id: oversight
kind: oversight-record
title: Oversight
{APPROVED}{HEAD}periods:
  - {{by: olga, decisions: 400, reviewed: 400, promised: 40, begin: 2026-01-01, end: 2026-06-30}}
  - {{by: olga, decisions: 400, reviewed: 400, promised: 40, begin: 2026-03-01, end: 2026-09-30}}
"""
DONE = """id: actions
kind: corrective-action
title: What was done
owner: olga
author: rita
approver: max
review_by: 2028-01-31
retention_until: 2036-01-31
actions:
  - {id: K1, cause: a column was renamed upstream, action: the column was mapped, owner: olga, due: 2028-11-20,
     evidence: [01a00000-0000-7000-8000-000000000000]}
"""
OUT = "  - {control: A.9.3, applies: false, reason: nobody uses it, owner: max, review: 2028-01-31}\n"
KEY = "a" * 64
LINT_FAULTS = {
    "what lint alone reports": (
        [
            ("risks.yaml", r"(id: R4\n(?:    .*\n)*?    owner: )olga", r"\1max"),
            (SOA, r"(  - control: A\.9\.3\n)", OWN_CONTROL + r"\1"),
            (IMPACT, r"  - \{impact: I2, measure: .*\n", ""),
            ("concern-log.yaml", "author: rita", "author: eva"),
            ("use-process.md", "A clerk opens the list", "A clerk TODO how opens the list"),
            ("notes.txt", None, "notes"),
            ("life-cycle.md", "kind: lifecycle-process\n",
             f"kind: lifecycle-process\nsource: {{path: notes.txt, sha256: {'f' * 64}}}\n"),
            ("context.yaml", "kind: context\n", "kind: context\nsystem: loan-screening\n"),
            ("concerns.md", r"(?s)\n# .*", "\n# Concerns\n\nAsk olga.\n"),
            (TOLD, r"(# Loan screening, for clerks\n)", r"\1\nIt was tested on 400 applications.\n"),
            (TOLD, r"\[\^e2\]: evidence \S+", "[^e2]: evidence 01a00000-0000-7000-8000-000000000000"),
            ("use-loan-screening.md", r"(?s)\n# .*", GENERIC),
            (ENTRY, "in_data: sex=m", "in_data: sex=x"),
            ("letter-test.yaml", "    date: .*", "    date: 2099-01-31"),
        ],
        ["D10 context", "D2 use-process", "D4 life-cycle", "F5 impact-loan-screening/not assessed/men", "G1 concerns",
         "G2 use-loan-screening", "G3A information-loan-screening",
         "G3 information-loan-screening", "G5 system-loan-screening", "G8 letter-test", "X10 soa",
         "X14 impact-loan-screening", "X24 audit-report", "X8 risks"],
    ),
    "a review that answers nothing of an input, and oversight by who audits": (
        [
            (ENTRY, r"foreseeable_misuse: \[", "foreseeable_misuse: [selling the score to an insurer, "),
            (ENTRY, r"robustness: \{priority: \w+", "privacy: {priority: high"),
            ("needs.yaml", None, NEEDS),
            ("oversight.yaml", None, WATCH),
            ("roles-loan-screening.yaml", "duty: train, person: ana", "duty: train, person: rita"),
            ("minutes.yaml", r"about: \[monitoring, audits\]", "about: [monitoring]"),
            ("minutes.yaml", r"next: \S+", "next: 2026-01-31"),
            ("review-inputs.yaml", "findings: 1", "findings: 0"),
            (IMPACT, "olga reads each refusal of a woman in the first month, owner", "olga reads each refusal, owner"),
            (RETIRED, "in_scope: true\nscope_reason: .*", "in_scope: false"),
        ],
        ["F10 impact-loan-screening", "F13 loan-screening/selling the score to an insurer", "K7 loan-screening/train/rita",
         "K8 loan-screening/validate/rita", "L9 loan-screening/privacy", "M2 minutes", "M3 minutes",
         "M5 review-inputs/audits/audit-report", "O1 oversight/2026-06-30", "O3 oversight/2026-06-30",
         "S8 scope/branch-visits", "T10 needs/Q9", "X2 system-branch-visits"],
    ),
    "what stands there twice, is shared, or rests on nothing": (
        [
            ("duties-letter-assistant.yaml", r"(  - \{duty: what a letter says.*\n)",
             r"\1  - {duty: What a letter says, accountable: [the supplier]}\n"),
            ("monitoring-loan-screening.yaml", "who_acts: olga", "who_acts: eva"),
            (TOLD, r"says: \[a model", "says: [it is right in 97% of cases, a model"),
            (SOA, r"(  - control: A\.9\.3\n)", OUT + r"\1"),
            ("people.yaml", r"(id: (olga|rita), )", rf"\1key_ids: ['{KEY}'], "),
            ("reports-loan-screening.yaml", r"reports: \[\]", "reports: [{id: P1, harm: a loan was refused}]"),
            ("validation-loan-screening.md", "verdict: fit with",
             "repeated: [{claim: balanced accuracy, value: '0.61', equal: false}]\nverdict: fit with"),
            ("validation-loan-screening.md", r"deviations: .*\n", ""),
            ("risks.yaml", "group: sex=f", "group: sex=x"),
            ("actions.yaml", None, DONE),
            ("oversight.yaml", None, TWICE),
            ("duties-to-tell.yaml", "kind: disclosure-duties\n", "kind: disclosure-duties\nsources_checked_on: 2023-01-31\n"),
            ("roles.yaml", "authority: may withdraw a version", "authority: may withdraw and approve a version"),
        ],
        ["G3 information-loan-screening", "K1 key/aaaaaaaaaaaa", "K2 loan-screening/monitoring-loan-screening/acts",
         "K8 loan-screening/approve/ana", "L11 loan-screening/loan-screening@champion/validation-loan-screening",
         "L6 actions/K1", "O1 oversight/2026-03-01/twice", "P1 A.9.3/twice", "R5 risks/R1/group",
         "T7 letter-assistant/what a letter says/twice", "W1 file/reports-loan-screening.yaml",
         "W3 duties-to-tell/sources"],
    ),
}  # fmt: skip
