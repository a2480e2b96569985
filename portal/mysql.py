"""Lets Django's MySQL backend speak through PyMySQL, which needs no compiler."""

from __future__ import annotations

import pymysql


def use_pymysql() -> None:
    """Answer `import MySQLdb` with PyMySQL; before Django opens its backend.

    PyMySQL tells the version of mysqlclient whose interface it follows: Django asks for that.
    """
    pymysql.install_as_MySQLdb()
