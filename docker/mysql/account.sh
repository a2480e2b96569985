#!/bin/sh
# The account of cdc, with what it needs and no more: docs/configuration.md, Privileges.
set -eu
mysql --user=root --password="$MYSQL_ROOT_PASSWORD" <<SQL
CREATE USER cdc IDENTIFIED BY '$(cat /run/secrets/source_password)' REQUIRE SSL;
GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO cdc;
GRANT SELECT ON twitter.* TO cdc;
CREATE DATABASE IF NOT EXISTS cdc;
CREATE TABLE cdc.heartbeat (stream VARCHAR(63) NOT NULL PRIMARY KEY, beat_at DATETIME(6) NOT NULL);
GRANT INSERT, UPDATE ON cdc.heartbeat TO cdc;
SQL
