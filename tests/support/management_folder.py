"""A management folder made by hand: files of documents as people write them."""

POLICY = """---
id: ai-policy
kind: ai-policy
title: AI policy
owner: max
author: rita
approver: max
review_by: 2027-06-30
principles: [People decide about people]
applies_to: all systems and everyone who builds or uses them
prohibited: [scoring employees]
exceptions: the board grants them in writing, for six months at most
---

# AI policy

The board of the bank binds everyone who builds or uses AI.
"""
SYSTEM = """id: income-screening
kind: system
title: Income screening
owner: olga
author: rita
system: income-screening
name: Income screening
purpose: clerks order applications for credit by the score
roles: [{role: deployer, since: 2026-01-01}]
stage: operation
in_scope: true
affected_groups:
  - {name: women, in_data: sex=Female}
models: [income-screening]
"""


def write(folder, **files):
    """Write files into `folder`/aims (name without ending -> text; YAML unless it has front matter)."""
    root = folder / "aims"
    root.mkdir(exist_ok=True)
    for name, text in files.items():
        ending = "md" if text.startswith("---") else "yaml"
        (root / f"{name.replace('_', '-')}.{ending}").write_text(text, encoding="utf-8")
    return root


def assessment(record, digest, value="0.31", more=""):
    """An impact assessment of income-screening that cites a fairness record."""
    return f"""---
id: aiia
kind: impact-assessment
title: Impact assessment of income screening
owner: olga
author: rita
approver: olga
system: income-screening
review_by: 2028-01-01
retention_until: 2036-06-01
model_digests: [{digest}]
assessed_use: {{scope: screening of 400 applications a day}}
assessors: [{{person: rita, function: risk}}]
groups:
  - {{name: women, in_data: sex=Female}}
  - {{name: men, in_data: sex=Male}}
impacts:
  - {{id: I1, kind: harm, group: sex=Female, mechanism: a lower score puts women last, severity: grave,
      likelihood: likely, evidence: [{record}]}}
measures:
  - {{impact: I1, measure: olga reviews each refusal of a woman, owner: olga, due: 2028-01-01}}
decision: go with conditions
conditions: [olga reviews each refusal of a woman]
failures_and_misuse: [clerks who refuse people by the score alone]
feeds_risks: [R1]
---

# Impact assessment

Income screening orders applications for credit. Clerks of the bank decide, by the order that the model gives.
Women (sex=Female) come last more often: the ratio of selection rates is {value}[^e1].
Men (sex=Male) are the reference group, since they are most of the applicants of 1994.
{more}

[^e1]: evidence {record} selection_rate_ratio sex=Female
"""


REGISTER_ENTRY = SYSTEM.replace(
    "{name: women, in_data: sex=Female}", "{name: women, in_data: sex=Female}\n  - {name: men, in_data: sex=Male}"
)
PEOPLE = """id: people
kind: people
title: People
owner: max
author: rita
people:
  - {id: max, function: board, top_management: true}
  - {id: olga, function: credit}
  - {id: rita, function: risk}
"""
