#!/bin/sh
# Fetches the scripts that the screens and their tests use, each of the release
# named here, and fails if a file is not the one that was looked at. Needs npm.
set -eu
cd "$(dirname "$0")/.."
into=dashboard/screens
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

take() { # package, file in it, where to, SHA-256
	(cd "$work" && npm pack --silent "$1" >"$work/name")
	tar -xzf "$work/$(cat "$work/name")" -C "$work"
	echo "$4  $work/package/$2" | sha256sum --check --quiet
	install -m 644 "$work/package/$2" "$3"
	rm -rf "$work/package"
}
take htmx.org@4.0.1 dist/htmx.min.js "$into/static/htmx.min.js" a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130
take uplot@1.6.32 dist/uPlot.iife.min.js "$into/static/uPlot.iife.min.js" 19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f
take uplot@1.6.32 dist/uPlot.min.css "$into/static/uPlot.min.css" df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04
take axe-core@4.14.1 axe.min.js "$into/testdata/axe.min.js" 29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c
