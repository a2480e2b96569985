"""Keeps MongoDB collections equal to MySQL or MariaDB tables.

MySQL ──bytes──▶ readers ──transactions of rows events──▶ mapping ──document operations──▶ writers ──▶ MongoDB
                                                                   (documents + checkpoint, one transaction)
Start reading at `cdc.pipeline`.
"""  # noqa: E501 - the drawing is one line

from typing import Final

DISTRIBUTION: Final = "mysql-mongodb-cdc"
"""The name in the package index: `cdc` is taken there."""
