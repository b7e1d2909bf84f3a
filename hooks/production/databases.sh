#!/usr/bin/env bash
# Makes two roles and three databases; postgres runs it once, as its own user, when its data folder is empty.
# It ends with 1 before it makes anything where a password cannot be read: see "Secrets" in README.md.
set -euo pipefail
secrets="${SECRETS:-/run/secrets}"
for role in mlflow aims; do
  file="$secrets/$role-password"
  if [ ! -r "$file" ] || [ -z "$(tr -d '[:space:]' <"$file")" ]; then
    echo "databases.sh: $(id -un) cannot read a password for the role $role in $file. Next: make $(id -un) (user $(id -u))" \
      "the owner of this file, and start again with an empty data folder" >&2
    exit 1
  fi
done
for role in mlflow aims; do
  # psql reads the password itself: on its command line every user of the machine could read it.
  FILE="$secrets/$role-password" psql -v ON_ERROR_STOP=1 -U "${POSTGRES_USER:-postgres}" -d postgres -v role="$role" <<'SQL'
\set password `cat "$FILE"`
CREATE ROLE :"role" LOGIN PASSWORD :'password';
-- MLflow waits without end for a lock, and a model of the gate is locked meanwhile.
ALTER ROLE :"role" SET lock_timeout = '60s';
CREATE DATABASE :"role" OWNER :"role";
SQL
done
psql -v ON_ERROR_STOP=1 -U "${POSTGRES_USER:-postgres}" -d postgres <<'SQL'
CREATE DATABASE mlflow_auth OWNER mlflow;
-- The registry's role does not reach the ledger, nor the other way round.
REVOKE CONNECT ON DATABASE mlflow, mlflow_auth, aims FROM PUBLIC;
DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_authid WHERE rolname IN ('mlflow', 'aims') AND rolpassword IS NULL) THEN
    RAISE EXCEPTION 'a role has no password';
  END IF;
END $$;
SQL
