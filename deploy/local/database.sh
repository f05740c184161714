#!/bin/sh
# Run once by PostgreSQL's image, in an empty cluster: the services' own role, which owns its database and no more.
set -eu
psql --username postgres --quiet --set ON_ERROR_STOP=1 \
  --set password="$(cat /run/secrets/madoguchi_password)" <<'SQL'
CREATE ROLE madoguchi LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD :'password';
CREATE DATABASE madoguchi OWNER madoguchi;
SQL
