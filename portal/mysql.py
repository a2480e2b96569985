"""Lets Django's MySQL backend speak through PyMySQL, which needs no compiler."""

from __future__ import annotations

import sys

import pymysql


def use_pymysql() -> None:
    """Make PyMySQL the module `MySQLdb`, before Django opens its backend.

    PyMySQL reports the version of mysqlclient whose interface it follows: Django asks for that. Its
    submodules are registered too: an import of `MySQLdb.converters` would load them a second time,
    and errors of `pymysql.err` would then no longer be `pymysql.MySQLError`.
    """
    pymysql.install_as_MySQLdb()
    for name, module in [*sys.modules.items()]:
        if name.startswith("pymysql."):
            sys.modules[f"MySQLdb{name.removeprefix('pymysql')}"] = module
