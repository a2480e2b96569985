"""The meaning of each operator and function: one rule a name, from terms to a term."""
