from __future__ import annotations

import importlib

import pymysql
import pymysql.err
import pytest


@pytest.mark.parametrize("name", ["", ".constants", ".constants.CLIENT", ".converters", ".err"])
def test_djangos_backend_has_pymysqls_own_modules(name: str) -> None:
    assert importlib.import_module(f"MySQLdb{name}") is importlib.import_module(f"pymysql{name}")


def test_what_the_driver_raises_is_its_own_error_beside_django() -> None:
    assert issubclass(pymysql.err.OperationalError, pymysql.MySQLError)
