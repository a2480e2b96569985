"""The only code that talks to MongoDB: operations in, one transaction a batch out."""
