#!/bin/sh
# Builds what a release has, in dist/: a static binary for each system as an
# archive, and SHA256SUMS. The same commit gives the same bytes wherever it is
# built with the same Go.
#
#   scripts/release.sh [SYSTEM/ARCHITECTURE…]
set -eu
cd "$(dirname "$0")/.."
GO=${GO:-go}
VERSION=${VERSION:-$(git describe --tags --always --dirty 2>/dev/null || echo dev)}
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
export SOURCE_DATE_EPOCH CGO_ENABLED=0
dist=${DIST:-dist}

[ $# -gt 0 ] || set -- linux/amd64 linux/arm64 darwin/amd64 darwin/arm64
mkdir -p "$dist"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for target in "$@"; do
	system=${target%/*} arch=${target#*/}
	name=subfive-$VERSION-$system-$arch
	mkdir "$work/$name"
	GOOS=$system GOARCH=$arch "$GO" build -tags nomsgpack -trimpath -buildvcs=false \
		-ldflags "-s -w -buildid= -X subfive.Version=$VERSION" -o "$work/$name/subfive" ./cmd/subfive
	cp LICENSE README.md CHANGELOG.md packaging/systemd/subfive.service "$work/$name/"
	chmod 755 "$work/$name/subfive"
	tar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --mode=go-w -C "$work" -cf - "$name" |
		gzip -9n >"$dist/$name.tar.gz"
	echo "$dist/$name.tar.gz"
done
(
	cd "$dist"
	rm -f SHA256SUMS
	for f in *.tar.gz *.deb; do
		[ ! -e "$f" ] || sha256sum "$f"
	done >SHA256SUMS.part
	mv SHA256SUMS.part SHA256SUMS
)
