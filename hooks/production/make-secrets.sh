#!/usr/bin/env bash
# Writes the files below secrets/ with passwords made up here; those that are there are kept. S3's you write yourself.
set -euo pipefail
umask 077
folder="${1:-$(cd "$(dirname "$0")" && pwd)/secrets}"
mkdir -p "$folder"
cd "$folder"
random() { head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n'; }
for name in postgres-password mlflow-password aims-password flask-key; do
  [ -s "$name" ] || random >"$name"
done
[ -s pgpass ] || printf '*:*:*:mlflow:%s\n*:*:aims:aims:%s\n' "$(cat mlflow-password)" "$(cat aims-password)" >pgpass
[ -s basic-auth.ini ] || cat >basic-auth.ini <<INI
[mlflow]
default_permission = READ
database_uri = postgresql+psycopg://mlflow@/mlflow_auth
admin_username = admin
admin_password = $(random)
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
auth_cache_ttl_seconds = 60
INI
[ -s s3-credentials ] || printf '[default]\naws_access_key_id = \naws_secret_access_key = \n' >s3-credentials
echo "wrote $folder; now fill in s3-credentials"
