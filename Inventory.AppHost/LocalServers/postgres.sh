#!/usr/bin/env bash
# Runs PostgreSQL in the current folder, with the password of its account "postgres" in PASSWORD and the options given as
# arguments. BIN is the folder of the server's programs.
set -euo pipefail

# PostgreSQL refuses to run as root; the account that Debian's package made runs it instead.
if [ "$(id -u)" = 0 ]; then
  chown postgres: .
  exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
fi

# One server per folder. The lock lasts until the last process that inherited it ends, so a restart after a crash waits
# for the processes of the previous server; PostgreSQL would refuse to start beside them.
exec 9>lock
flock -w 30 9 || { echo "error: another PostgreSQL still uses $PWD" >&2; exit 1; }

# When the creation of a cluster was interrupted, the cluster is created again.
if [ ! -d data ]; then
  rm -rf unfinished
  "$BIN/initdb" -D unfinished -U postgres --auth=scram-sha-256 --encoding=UTF8 --no-locale --no-instructions \
    --pwfile=<(printf '%s\n' "$PASSWORD") >/dev/null
  mv unfinished data
fi
unset PASSWORD
exec "$BIN/postgres" -D data "$@"
