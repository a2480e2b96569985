"""How replication goes: the daemon's word, what MongoDB keeps of it, and jobs to ask for."""
