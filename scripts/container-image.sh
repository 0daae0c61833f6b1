#!/usr/bin/env bash
# Builds an image of PostgreSQL for `npm run test:containers` from Debian's packages, where no registry of images can be
# reached. Needs root, debootstrap and podman or docker. What the image understands is what the test servers use of the
# well-known ones: POSTGRES_PASSWORD, PGDATA, scripts in /docker-entrypoint-initdb.d.
#
#   scripts/container-image.sh [NAME]            default NAME: sluice-postgres
#   SUITE=bookworm  ENGINE=podman|docker         other choices
set -euo pipefail

name=${1:-sluice-postgres}
suite=${SUITE:-bookworm}
engine=${ENGINE:-$(command -v podman >/dev/null && echo podman || echo docker)}
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"

# the machine's own source of packages; debootstrap's default where it names none
mirror=$(grep -rhoE 'https?://[^ ]+/debian( |$)' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null | head -n 1 | tr -d ' ' || true)
debootstrap --variant=minbase --include=postgresql,postgresql-contrib "$suite" "$root" ${mirror:+"$mirror"}
rm -rf "$root"/usr/share/{doc,man,locale} "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/*

mkdir -p "$root/docker-entrypoint-initdb.d"
cat > "$root/usr/local/bin/entrypoint.sh" <<'ENTRYPOINT'
#!/bin/bash
# First start: initdb, a server without TCP that runs the scripts; then, and from then on, the server itself.
set -e
export PGDATA=${PGDATA:-/var/lib/postgresql/data}
if [ "$(id -u)" = 0 ]; then
  mkdir -p "$PGDATA" /var/run/postgresql
  chown -R postgres:postgres "$PGDATA" /var/run/postgresql
  chmod 700 "$PGDATA"
  exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
fi
if [ "$1" = postgres ] && [ ! -s "$PGDATA/PG_VERSION" ]; then
  initdb -D "$PGDATA" -U postgres --auth-local=trust --auth-host=scram-sha-256 --pwfile=<(echo "$POSTGRES_PASSWORD") > /dev/null
  echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
  echo "listen_addresses = '*'" >> "$PGDATA/postgresql.conf"
  # without a host to listen on, but with the settings of the real one
  pg_ctl -D "$PGDATA" -w -o "-c listen_addresses=''" start
  for script in /docker-entrypoint-initdb.d/*.sh; do [ ! -f "$script" ] || bash "$script"; done
  pg_ctl -D "$PGDATA" -m fast -w stop
fi
exec "$@"
ENTRYPOINT
chmod 755 "$root/usr/local/bin/entrypoint.sh"

bin=$(cd "$root" && echo usr/lib/postgresql/*/bin)
major=$(basename "$(dirname "$bin")")
tar -C "$root" -c . | "$engine" import \
  --change 'ENTRYPOINT ["/usr/local/bin/entrypoint.sh"]' --change 'CMD ["postgres"]' --change 'STOPSIGNAL SIGINT' \
  --change "ENV PATH=/$bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" - "$name:$major"
echo "SLUICE_TEST_POSTGRES_IMAGE=${name}:${major}"
