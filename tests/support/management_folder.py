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
