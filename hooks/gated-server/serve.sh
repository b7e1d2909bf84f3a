#!/usr/bin/env bash
# Starts an MLflow server whose registry asks for evidence. Settings: server.env beside this file, or the environment.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
settings="${SETTINGS:-$here/server.env}"
if [ -f "$settings" ]; then
  set -a
  # shellcheck disable=SC1090
  . "$settings"
  set +a
fi
: "${AIMS_POLICY:?set AIMS_POLICY to the policy folder (aims gate init FOLDER makes one)}"
: "${DATABASE:?set DATABASE to the SQLAlchemy address of the MLflow database}"

# A policy that is not valid would refuse everything: say so before the server starts.
aims gate lint "$AIMS_POLICY"

options=()
if [ -n "${MLFLOW_AUTH_CONFIG_PATH:-}" ]; then
  : "${FLASK_KEY_FILE:?set FLASK_KEY_FILE to a file with a long random text: it signs the forms of the login pages}"
  MLFLOW_FLASK_SERVER_SECRET_KEY="$(cat "$FLASK_KEY_FILE")"
  export MLFLOW_FLASK_SERVER_SECRET_KEY
  options+=(--app-name basic-auth)
fi
if [ -n "${METRICS:-}" ]; then
  rm -rf "$METRICS"/*.db # counters of the start before would go on otherwise
  options+=(--expose-prometheus "$METRICS")
fi

exec mlflow server \
  --host "${HOST:-127.0.0.1}" --port "${PORT:-5000}" --workers "${WORKERS:-1}" \
  --backend-store-uri "$DATABASE" \
  --registry-store-uri "aims+$DATABASE" \
  --artifacts-destination "${ARTIFACTS:-./artifacts}" \
  ${options[@]+"${options[@]}"}
