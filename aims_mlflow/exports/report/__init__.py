"""The report of a system on paper: the auditor's pages about it, one after another, as HTML, PDF or Word."""
