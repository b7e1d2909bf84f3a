"""The conditions of the catalog as code: for each condition's id a pure function of subject and clock."""
