"""The page that previews a mapping: rows beside the documents that they become, as one types."""
