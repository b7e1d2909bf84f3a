"""Documents with faults, to plant beside those of the example organisation."""

COMMON = "owner: olga\nauthor: rita\napprover: max\nreview_by: 2028-01-31\nretention_until: 2036-01-31\n"
INCIDENT = """id: incident-1
kind: incident
title: Women were put last
owner: olga
author: rita
system: loan-screening
detected: a complaint
detected_on: 2026-01-10
aware_on: 2026-01-10
serious: "no"
serious_reason: nobody was refused
status: closed
retention_until: 2036-01-31
"""
REVIEWED = """id: review-inputs
kind: review-inputs
title: What the board was told
owner: max
author: rita
approver: max
review_by: 2028-01-31
retention_until: 2036-01-31
cutoff: 2026-06-30T00:00:00Z
earlier_actions: none, it is the first review
context_changes: none since March
nonconformities: none in the log
monitoring: no run was due before 2026-06-30
audits: none was held before 2026-06-30
objectives: fairness was reached
incidents: none was reported
"""
CAUSES = (
    """id: actions
kind: corrective-action
title: What was done
"""
    + COMMON
    + """actions:
  - {id: K1, cause: a column was renamed upstream, action: the column was mapped, owner: olga, done: 2026-01-10}
  - {id: K2, cause: "A column was renamed upstream, again", action: it was mapped, owner: olga, done: 2026-01-20}
"""
)
MEASURED = (
    """id: measures
kind: measurement-plan
title: What is measured
"""
    + COMMON
    + """measures: [{what: accuracy, method: labels, every_days: 30, who_acts: olga, limit: as high as it gets}]
"""
)
SECOND_PLAN = """id: second
kind: log-plan
title: Logs
owner: olga
author: rita
review_by: 2028-01-31
retention_until: 2036-01-31
system: loan-screening
events: [{event: score, where: database}]
retention: two years
"""
HOSPITAL = """rights:
  process: [the regional hospital orders its waiting list by it]
  period_and_frequency: [daily]
  categories: [patients of the hospital]
  harms: [a patient waits longer]
  oversight: [the head nurse]
  if_harm_occurs: [complaints to the board of the hospital]
  who_must: [a public hospital]
"""
FIRE_DRILL = """id: told
kind: disclosure
title: What was told
owner: olga
author: rita
approver: olga
review_by: 2028-01-31
retention_until: 2036-01-31
system: loan-screening
disclosures: [{duty: a fire drill, sent: 2026-01-31, proof: receipt 12}]
"""
