#!/usr/bin/env bash
# Starts PostgreSQL as the official image does, as far as Aspire asks for it: an empty data folder becomes a cluster with
# the account POSTGRES_USER, the password POSTGRES_PASSWORD and what POSTGRES_INITDB_ARGS says. The server runs as the
# user "postgres".
set -euo pipefail
case ${1:-} in -*) set -- postgres "$@" ;; esac
[ "${1:-}" = postgres ] || exec "$@"

# A container begins as root, because a new volume belongs to root.
if [ "$(id -u)" = 0 ]; then
  install -d -o postgres -g postgres -m 700 "$PGDATA"
  find "$PGDATA" ! -user postgres -exec chown postgres: {} +
  install -d -o postgres -g postgres -m 3775 /run/postgresql
  exec setpriv --reuid=postgres --regid=postgres --clear-groups -- "$0" "$@"
fi

if [ ! -s "$PGDATA/PG_VERSION" ]; then
  : "${POSTGRES_PASSWORD:?is needed to make a database}"
  # A name may be followed by options of its own, as the official image allows: they are separate words.
  # shellcheck disable=SC2086
  initdb --username="${POSTGRES_USER:-postgres}" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") \
    ${POSTGRES_INITDB_ARGS:-}
  printf '\nlisten_addresses = %s\n' "'*'" >>"$PGDATA/postgresql.conf"
  printf '\nhost all all all %s\n' "${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}" >>"$PGDATA/pg_hba.conf"
fi
exec "$@"
