#!/usr/bin/env bash
# root-files.sh VERSION: writes a root file system to standard output, as a tar archive. It holds the files of this
# machine's packages of Redis and of PostgreSQL VERSION, and of all packages that these depend on.
# shellcheck disable=SC2016 # What looks like variables are fields that dpkg-query fills in.
set -euo pipefail
version=$1
roots=(redis-server redis-tools "postgresql-$version" base-files dash bash coreutils findutils util-linux)

# The libraries of PostgreSQL's just-in-time compiler are left out: they are half of the size, and PostgreSQL works
# without them.
mapfile -t packages < <(
  apt-cache depends --recurse --installed --no-suggests --no-recommends --no-enhances --no-conflicts --no-breaks \
    --no-replaces "${roots[@]}" | grep '^[a-z0-9]' | grep -vE '^lib(llvm|z3)' | sort -u |
    xargs dpkg-query --show --showformat '${db:Status-Status} ${binary:Package}\n' 2>/dev/null |
    sed -n 's/^installed //p')

# Packages name files below /bin and /lib, which are links to folders in /usr. Left out are settings below /etc (the
# images have their own), documentation, and files that a package lists but this machine has not unpacked.
cd /
{
  find bin sbin lib lib64 -maxdepth 0 -type l 2>/dev/null || true
  dpkg-query --listfiles "${packages[@]}" | sed -E 's#^/##; s#^(bin|sbin|lib|lib64)/#usr/\1/#' |
    grep -E '^(usr|var|run|tmp)(/|$)' |
    grep -vE '^usr/share/(doc|man|info|locale|lintian|perl5|i18n|bash-completion)/|/bitcode|llvmjit'
} | sort -u | xargs -d '\n' ls -1d 2>/dev/null |
  tar --create --no-recursion --files-from=- --owner=0 --group=0 --numeric-owner
