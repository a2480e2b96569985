"""The portal: the application beside `cdc`. It writes to MySQL only, and reads what was replicated.

accounts    who may log in, and what they see then tweets      the tables that `cdc` replicates, and
how they are filled dashboards  the pages, one a role
"""
