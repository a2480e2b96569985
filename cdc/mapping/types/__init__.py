"""How each MySQL type becomes BSON: one module a family, each citing where its format is told."""
