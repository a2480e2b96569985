#!/bin/sh
# The database, and the accounts of cdc and the portal, with what they need and no more:
# docs/configuration.md, Privileges, and docs/portal.md.
set -eu
mysql --user=root --password="$MYSQL_ROOT_PASSWORD" <<SQL
CREATE DATABASE twitter CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE USER portal IDENTIFIED BY '$(cat /run/secrets/portal_password)';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX, REFERENCES ON twitter.* TO portal;
CREATE USER cdc IDENTIFIED BY '$(cat /run/secrets/source_password)' REQUIRE SSL;
GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO cdc;
GRANT SELECT ON twitter.* TO cdc;
CREATE DATABASE IF NOT EXISTS cdc;
CREATE TABLE cdc.heartbeat (stream VARCHAR(63) NOT NULL PRIMARY KEY, beat_at DATETIME(6) NOT NULL);
GRANT INSERT, UPDATE ON cdc.heartbeat TO cdc;
SQL
