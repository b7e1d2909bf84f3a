#!/usr/bin/env bash
# Makes two roles and three databases; postgres runs it once, when its data folder is empty.
set -euo pipefail
secrets="${SECRETS:-/run/secrets}"
for role in mlflow aims; do
  psql -v ON_ERROR_STOP=1 -U "${POSTGRES_USER:-postgres}" -d postgres \
    -v role="$role" -v password="$(cat "$secrets/$role-password")" <<'SQL'
CREATE ROLE :"role" LOGIN PASSWORD :'password';
CREATE DATABASE :"role" OWNER :"role";
SQL
done
psql -v ON_ERROR_STOP=1 -U "${POSTGRES_USER:-postgres}" -d postgres <<'SQL'
CREATE DATABASE mlflow_auth OWNER mlflow;
-- The registry's role does not reach the ledger, nor the other way round.
REVOKE CONNECT ON DATABASE mlflow, mlflow_auth, aims FROM PUBLIC;
SQL
