#!/usr/bin/env bash
# Builds an image of a server for `npm run test:containers` from Debian's packages, where no registry of images can be
# reached. Needs root, debootstrap and podman or docker. What the image understands is what the test servers use of the
# well-known ones: POSTGRES_PASSWORD, PGDATA and scripts in /docker-entrypoint-initdb.d; MARIADB_ROOT_PASSWORD or
# MYSQL_ROOT_PASSWORD, options in /etc/mysql/conf.d and on the command line.
#
#   scripts/container-image.sh postgres|mariadb|mysql [NAME]     default NAME: sluice-postgres and so on
#   SUITE=bookworm  ENGINE=podman|docker                         other choices; MySQL is in sid alone
set -euo pipefail

server=${1:-postgres}
name=${2:-sluice-$server}
engine=${ENGINE:-$(command -v podman >/dev/null && echo podman || echo docker)}
case $server in
  postgres) suite=${SUITE:-bookworm} packages=postgresql,postgresql-contrib stop=SIGINT ;;
  mariadb) suite=${SUITE:-bookworm} packages=mariadb-server-core,mariadb-client-core stop=SIGTERM ;;
  mysql) suite=${SUITE:-sid} packages=mysql-server-core stop=SIGTERM ;;
  *) echo "container-image.sh: '$server' must be postgres, mariadb or mysql" >&2; exit 2 ;;
esac
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"

# the machine's own source of packages; debootstrap's default where it names none
mirror=$(grep -rhoE 'https?://[^ ]+/debian( |$)' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null | head -n 1 | tr -d ' ' || true)
debootstrap --variant=minbase --include="$packages" "$suite" "$root" ${mirror:+"$mirror"}
rm -rf "$root"/usr/share/{doc,man,locale} "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/*

entrypoint=$root/usr/local/bin/entrypoint.sh
if [ "$server" = postgres ]; then
  mkdir -p "$root/docker-entrypoint-initdb.d"
  cat > "$entrypoint" <<'ENTRYPOINT'
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
  bin=$(cd "$root" && echo usr/lib/postgresql/*/bin)
  version=$(basename "$(dirname "$bin")")
else
  grep -q '^mysql:' "$root/etc/passwd" || chroot "$root" useradd --system --home-dir /nonexistent --shell /usr/sbin/nologin mysql
  mkdir -p "$root/etc/mysql/conf.d"
  rm -f "$root/etc/mysql/my.cnf"
  printf '[mysqld]\ndatadir=/var/lib/mysql\nsocket=/run/mysqld/mysqld.sock\n!includedir /etc/mysql/conf.d/\n' > "$root/etc/mysql/my.cnf"
  cat > "$entrypoint" <<'ENTRYPOINT'
#!/bin/bash
# First start: a data folder, and a superuser who may come from anywhere, made before the server takes connections.
set -e
data=/var/lib/mysql
server=$(command -v mariadbd || command -v mysqld)
case ${1:-} in -*|'') set -- "$server" "$@" ;; esac
if [ "$(id -u)" = 0 ]; then
  mkdir -p "$data" /run/mysqld
  chown -R mysql:mysql "$data" /run/mysqld
  chmod 700 "$data"
  exec setpriv --reuid=mysql --regid=mysql --init-groups "$0" "$@"
fi
if [ "$1" = "$server" ] && [ ! -d "$data/mysql" ]; then
  if [ -n "$(command -v mariadb-install-db)" ]; then
    mariadb-install-db --no-defaults --datadir="$data" --auth-root-authentication-method=normal --skip-test-db > /dev/null
  else
    "$server" --no-defaults --initialize-insecure --datadir="$data"
  fi
  (umask 077; printf '%s;\n' 'set sql_log_bin = 0' "create user root@'%' identified by '${MARIADB_ROOT_PASSWORD:-$MYSQL_ROOT_PASSWORD}'" \
    "grant all on *.* to root@'%' with grant option" > "$data/first-start.sql")
  exec "$@" --init-file="$data/first-start.sql"
fi
exec "$@"
ENTRYPOINT
  bin=usr/sbin
  version=$(chroot "$root" sh -c '$(command -v mariadbd || command -v mysqld) --no-defaults --version' | sed -E 's/.*Ver ([0-9]+\.[0-9]+).*/\1/')
fi
chmod 755 "$entrypoint"

# a command of its own for PostgreSQL alone: the entry point of the others knows its server
command=()
[ "$server" != postgres ] || command=(--change 'CMD ["postgres"]')
tar -C "$root" -c . | "$engine" import \
  --change 'ENTRYPOINT ["/usr/local/bin/entrypoint.sh"]' "${command[@]}" --change "STOPSIGNAL $stop" \
  --change "ENV PATH=/$bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" - "$name:$version"
echo "SLUICE_TEST_${server^^}_IMAGE=${name}:${version}"
