#!/usr/bin/env bash
# Runs redis-server in the current folder, with the password in PASSWORD and the options given as arguments.
set -euo pipefail

# The append-only file holds the keys that sign sessions. Files of earlier versions were readable by every account.
umask 077
chmod -R go-rwx .

# One server per folder. The lock lasts until the last process that inherited it ends, so a restart waits for those of
# the previous server.
exec 9>lock
flock -w 30 9 || { echo "error: another redis-server still uses $PWD" >&2; exit 1; }

# The password goes into a file, because every account can read the arguments of a process.
printf 'requirepass "%s"\n' "$PASSWORD" >redis.conf
unset PASSWORD
exec redis-server redis.conf "$@"
