"""Lets Django's MySQL backend speak through PyMySQL, which needs no compiler."""

from __future__ import annotations

import sys

import pymysql


def use_pymysql() -> None:
    """Answer `import MySQLdb` with PyMySQL; before Django opens its backend.

    PyMySQL tells the version of mysqlclient whose interface it follows: Django asks for that. Its
    modules are answered too: an import of `MySQLdb.converters` would load them a second time, and
    what `pymysql.err` raises then would be no `pymysql.MySQLError` any more.
    """
    pymysql.install_as_MySQLdb()
    for name, module in [*sys.modules.items()]:
        if name.startswith("pymysql."):
            sys.modules[f"MySQLdb{name.removeprefix('pymysql')}"] = module
