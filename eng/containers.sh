#!/usr/bin/env bash
# Sets up a container engine for the containers mode in a folder of its own, with local images of Redis and PostgreSQL
# made of this machine's packages: docs/containers.md. It is for machines without an engine or an image registry.
set -euo pipefail
cd "$(dirname "$0")/.."
. eng/setup.sh

usage="usage: eng/containers.sh [--remove] FOLDER   afterwards: . FOLDER/env.sh; --remove deletes all of it again"
remove='' folder=''
for argument in "$@"; do
  case $argument in
    --remove) remove=yes ;;
    -h | --help) say "$usage"; exit 0 ;;
    -*) fail "unknown argument $argument; $usage" ;;
    *) [ -z "$folder" ] || fail "$usage"; folder=$argument ;;
  esac
done
[ -n "$folder" ] || fail "$usage"

if [ -n "$remove" ]; then
  folder=$(realpath "$folder")
  [ -x "$folder/bin/podman" ] || fail "$folder holds no engine"
  # Containers and mounts first, else the folder can't be deleted.
  "$folder/bin/podman" system reset --force >/dev/null
  # Aspire ends what it started, but can't end what sudo runs for it. The brackets keep this line from matching itself.
  [ "$(id -u)" = 0 ] || as_root pkill -f "$folder/[c]ontainers.conf" || true
  as_root rm -rf "$folder"
  exit 0
fi

if [ "$(uname -s)" != Linux ] || ! may_install; then
  fail "this needs Debian's packages, and root or sudo without a password"
fi
ensure_tools podman:podman runc:runc jq:jq iptables:iptables \
  /usr/lib/podman/netavark:netavark /usr/lib/podman/aardvark-dns:aardvark-dns
server=$(readlink -f "$(postgres_bin)")
[[ $server =~ ^/usr/lib/postgresql/([0-9]+)/bin/ ]] || fail "the images need PostgreSQL of Debian's packages, not $server"
version=${BASH_REMATCH[1]}

# tag NAME: which tag the AppHost asks for.
tag() { sed -nE "s/.*const string $1 = \"(.*)\";/\1/p" Inventory.AppHost/Stores.cs; }
# limit OWN MOST: podman's own default limits are more than some machines allow, and then no container starts.
limit() { [ "$1" != unlimited ] && [ "$1" -lt "$2" ] && echo "$1" || echo "$2"; }

mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
mkdir -p "$folder"/{bin,build,networks}
cp eng/containers/podman "$folder/bin/"
files=$(limit "$(ulimit -Hn)" 1048576) processes=$(limit "$(ulimit -Hu)" "$(cat /proc/sys/kernel/pid_max)")
# Locks in files, because those in shared memory belong to every podman of the machine. The variable is set a second time
# because podman starts itself without it when a container ends.
cat >"$folder/containers.conf" <<EOF
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
tmp_dir = "$folder/run/podman"
env = ["CONTAINERS_STORAGE_CONF=$folder/storage.conf"]
[network]
network_backend = "netavark"
network_config_dir = "$folder/networks"
[containers]
log_driver = "k8s-file"
default_ulimits = ["nofile=$files:$files", "nproc=$processes:$processes"]
EOF
cat >"$folder/storage.conf" <<EOF
[storage]
driver = "overlay"
runroot = "$folder/run"
graphroot = "$folder/storage"
EOF
cat >"$folder/env.sh" <<EOF
export ASPIRE_CONTAINER_RUNTIME=podman PATH="$folder/bin:\$PATH"
EOF

cp -r eng/containers/. "$folder/build"
as_root eng/containers/root-files.sh "$version" >"$folder/build/root.tar"
# image FILE NAME [ARGUMENT ...]: without layers, because podman 4.3 takes an image that was built with other arguments
# for the same.
image() {
  local file=$1 name=$2
  shift 2
  "$folder/bin/podman" build --quiet --layers=false --file "$folder/build/$file.Containerfile" --tag "$name" "$@" \
    "$folder/build" >/dev/null
}
# postgres TAG VOLUME DATA: an image that keeps its data in a folder of its volume.
postgres() {
  image postgres "docker.io/library/postgres:$1" --build-arg "PROGRAMS=/usr/lib/postgresql/$version/bin" \
    --build-arg "VOLUME=$2" --build-arg "DATA=$3"
}
redis_tag=$(tag RedisTag) postgres_tag=$(tag PostgresTag)
image programs localhost/programs
image redis "docker.io/library/redis:$redis_tag"
postgres "$postgres_tag" /var/lib/postgresql "/var/lib/postgresql/${postgres_tag%%.*}/docker"
postgres 17 /var/lib/postgresql/data /var/lib/postgresql/data
rm -rf "$folder/build"

say "Local images, made of this machine's packages; only their names are those of the official ones:"
say "  redis:$redis_tag              is $(redis-server --version | sed -E 's/.* v=([^ ]+).*/Redis \1/')"
say "  postgres:$postgres_tag, postgres:17 are $("$server" --version | sed -E 's/^.*\) ([^ ]+).*/PostgreSQL \1/')"
