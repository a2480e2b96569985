"""The state of replication: the daemon's answer, its records in MongoDB, and jobs to request."""
