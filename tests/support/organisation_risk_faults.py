"""Faults about risks, impacts, plans and their days, to plant beside those of organisation_faults."""

from support.organisation_faults import HEAD, IMPACT, LIVE, REPORT

HARM = '"a lower score puts women last, and clerks read from the top"'
OBJECTIVES = f"""id: use-objectives
kind: use-objectives
title: Objectives of use
approver: olga
review_by: 2028-01-31
{HEAD}objectives: [{{objective: reading, metric: letters, target: at least 95%, result: 80%, reviewed: 2023-01-31}}]
"""
NONCONFORMITY = f"""id: deviations
kind: nonconformity
title: Deviations
approver: olga
review_by: 2028-01-31
{HEAD}nonconformities: [{{id: N7, fact: a run was missed, cause: human error}}]
"""
WATCHED = f"""id: oversight
kind: oversight-record
title: Oversight
approver: olga
review_by: 2028-01-31
{HEAD}periods: [{{by: olga, decisions: 400, reviewed: 12, promised: 12, end: 2026-06-30}}]
"""
CHANGED = f"""id: new-class
kind: change
title: Another kind of model
approver: olga
review_by: 2028-01-31
{HEAD}what: trees in the place of a line
assessment: R1 was assessed again
date: 2099-01-31
"""
RISK_FAULTS = {
    "harms of nobody by nothing": (
        [
            (IMPACT, HARM, "potential bias"),
            (IMPACT, "group: sex=f, severity: small", "group: elderly people, severity: small"),
            (IMPACT, "Clerks read these applications first", "Old applicants (sex=x) wait. Clerks read these first"),
            (IMPACT, r"review: \{next: [^,]*", "review: {next: 2026-01-31"),
            ("risks.yaml", r"(id: R4\n(?:    .*\n)*?    event: ).*", r"\1bias may occur"),
        ],
        ["F1 impact-loan-screening", "F14 impact-loan-screening", "F5 impact-loan-screening", "F5 impact-loan-screening",
         "R5 risks/R4"],
    ),
    "an assessment after the use, and measures that nothing shows": (
        [
            (IMPACT, r"effective_from: \S+", "effective_from: 2099-01-31"),
            (IMPACT, r"(read what has no score first, owner: olga)(, due: [^}]*)",
             r"\1\2, done: 2026-01-31, effectiveness_evidence: [01a22579-e332-7000-8000-000000000000]"),
            ("requirements-loan-screening.yaml", r"effective_from: \S+", "effective_from: 2099-01-31"),
        ],
        ["F7 impact-loan-screening/I2", f"F14 {LIVE}", f"L3 {LIVE}/requirements-loan-screening",
         "W3 impact-loan-screening", "W3 requirements-loan-screening"],
    ),
    "a method that lets anybody accept, and risks beside it": (
        [
            ("risk-method.md", "level: high, may_accept: board", "level: high, may_accept: the Pope"),
            ("risk-method.md", r"  - \{level: low, .*\n", ""),
            ("risk-method.md", "rare/small: low, ", ""),
            ("risks.yaml", "objective: robustness", "objective: robustnes"),
            ("risks.yaml", r"    controls: \[A.9.2, A.10.3\]\n", ""),
            ("treatment-plan.yaml", r"(risk: R3[^}]*?)controls: \[A.9.2\], ", r"\1"),
            ("risks.yaml", "source: life-cycle", "source: hardware"),
        ],
        ["R1 risks/R3", "R4 risk-method/matrix", "R4 risk-method/people", "R4 risks/R2/objective", "R4 risks/R4",
         "R4 risks/R4/source"],
    ),
    "plans, oversight and audits that are behind": (
        [
            ("release-loan-screening.yaml", r"rollback_to: .*", "rollback_to: version 7 (the one of May)\ndrill_date: 2023-01-31"),
            ("logs-loan-screening.yaml", "(?m)^retention: two years", "retention: one day"),
            ("use-objectives.yaml", None, OBJECTIVES), ("deviations.yaml", None, NONCONFORMITY),
            ("oversight.yaml", None, WATCHED), ("new-class.yaml", None, CHANGED),
            (IMPACT, "olga reads each refusal of a woman in the first month, owner", "olga reads every decision, owner"),
            (REPORT, "cause: the version is in use since today, ",
             "cause: the version is in use since today, closed_on: 2026-01-31, closed_by: [no-such-record], "),
        ],
        ["F10 impact-loan-screening", "G8 new-class", "I5 audit-report/N1", "I5 audit-report/N1/closed", "I6 new-class", f"L1 {LIVE}",
         f"L1 {LIVE}/release-loan-screening/drill", "L14 logs-loan-screening/logs", "L5 deviations/nonconformities.0/cause",
         "L6 deviations/N7", "M1 review-inputs", "O1 oversight/2026-06-30", "O4 use-objectives/reading", "W9 retention"],
    ),
}  # fmt: skip
