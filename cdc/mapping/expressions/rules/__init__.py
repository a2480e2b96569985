"""What each operator and function means: one rule a name, from terms to a term."""
