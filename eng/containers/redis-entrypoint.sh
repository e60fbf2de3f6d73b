#!/usr/bin/env bash
# Starts Redis as the official image does: options alone mean redis-server, which runs as the user "redis" in /data.
set -euo pipefail
case ${1:-} in -* | *.conf) set -- redis-server "$@" ;; esac

# A container begins as root, because a new volume belongs to root.
if [ "${1:-}" = redis-server ] && [ "$(id -u)" = 0 ]; then
  find . ! -user redis -exec chown redis: {} +
  exec setpriv --reuid=redis --regid=redis --clear-groups -- "$0" "$@"
fi

# Redis answers callers from other machines only when protected mode is off; the network is the container's own.
if [ "${1:-}" = redis-server ]; then set -- "$@" --protected-mode no; fi
exec "$@"
