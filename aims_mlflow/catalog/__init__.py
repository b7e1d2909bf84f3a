"""What the standard asks for, as data: controls, clauses, objectives, evidence kinds, crosswalk."""
