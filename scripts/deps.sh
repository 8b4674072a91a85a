#!/bin/sh
# Installs what the tests need and the machine lacks, from Debian's packages.
set -eu

missing=""
if [ -z "${SUBFIVE_PG_BIN:-}" ] && ! ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1; then
	missing="postgresql"
fi
if ! command -v chromium >/dev/null 2>&1; then
	missing="$missing chromium"
fi
if ! command -v cc >/dev/null 2>&1; then
	missing="$missing gcc libc6-dev"
fi
[ -n "$missing" ] || exit 0

sudo=""
[ "$(id -u)" -eq 0 ] || sudo="sudo"
echo "installing:$missing" | tr -s ' '
$sudo apt-get update -qq
# shellcheck disable=SC2086 # a list of packages
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null
