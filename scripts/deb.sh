#!/bin/sh
# Builds the Debian package of an architecture in dist/ and checks it: what is in
# it, its scripts, its unit, and, as root, that it can be installed and removed.
#
#   scripts/deb.sh [amd64|arm64]
set -eu
cd "$(dirname "$0")/.."
GO=${GO:-go}
VERSION=${VERSION:-$(git describe --tags --always --dirty 2>/dev/null || echo dev)}
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
export SOURCE_DATE_EPOCH CGO_ENABLED=0
arch=${1:-$("$GO" env GOARCH)}
dist=${DIST:-dist}

# Debian's versions begin with a digit and have no dash: 0.1.0-3-gabc is 0.1.0+3.gabc.
version=$(printf %s "${VERSION#v}" | sed 's/-/+/; s/-/./g')
case $version in [0-9]*.*) ;; *) version="0~$version" ;; esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
doc=$root/usr/share/doc/subfive
mkdir -p "$root/DEBIAN" "$root/usr/bin" "$root/usr/lib/systemd/system" "$root/etc/subfive" "$root/usr/share/bash-completion/completions" "$doc" "$dist"
chmod 755 "$work" "$root"
GOOS=linux GOARCH=$arch "$GO" build -tags nomsgpack -trimpath -buildvcs=false \
	-ldflags "-s -w -buildid= -X subfive.Version=$VERSION" -o "$root/usr/bin/subfive" ./cmd/subfive
"$GO" run -tags nomsgpack ./cmd/subfive completion bash >"$root/usr/share/bash-completion/completions/subfive"
install -m 644 packaging/systemd/subfive.service "$root/usr/lib/systemd/system/"
install -m 640 packaging/debian/subfive.yaml "$root/etc/subfive/"
install -m 644 LICENSE "$doc/copyright"
install -m 644 README.md CHANGELOG.md docs/install.md docs/backup.md docs/proxy.md "$doc/"
install -m 755 packaging/debian/postinst packaging/debian/prerm packaging/debian/postrm "$root/DEBIAN/"
install -m 644 packaging/debian/conffiles "$root/DEBIAN/"
size=$(du -sk --exclude=DEBIAN "$root" | cut -f1)
sed "s/@VERSION@/$version/; s/@ARCH@/$arch/; s/@SIZE@/$size/" packaging/debian/control >"$root/DEBIAN/control"
find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +

deb=$dist/subfive_${version}_$arch.deb
dpkg-deb --root-owner-group --build "$root" "$deb" >/dev/null

dpkg-deb --contents "$deb" >"$work/contents"
for path in ./usr/bin/subfive ./etc/subfive/subfive.yaml ./usr/lib/systemd/system/subfive.service ./usr/share/doc/subfive/copyright; do
	grep -q " $path\$" "$work/contents" || { echo "$deb: $path is not in it" >&2; exit 1; }
done
for script in postinst prerm postrm; do
	sh -n "packaging/debian/$script"
done
if command -v systemd-analyze >/dev/null; then
	# The binary is where the unit says only once the package is installed.
	sed "s|/usr/bin/subfive|$root/usr/bin/subfive|; /^Documentation=/d" packaging/systemd/subfive.service >"$work/subfive.service"
	systemd-analyze verify "$work/subfive.service"
fi
if [ "$(id -u)" = 0 ] && command -v dpkg >/dev/null; then
	scratch=$work/scratch
	mkdir -p "$scratch/var/lib/dpkg/info" "$scratch/var/lib/dpkg/updates"
	: >"$scratch/var/lib/dpkg/status"
	there() { [ -e "$scratch/$1" ] || { echo "$deb: $2: $1 is missing" >&2; exit 1; }; }
	gone() { [ ! -e "$scratch/$1" ] || { echo "$deb: $2: $1 is left" >&2; exit 1; }; }
	as="dpkg --root=$scratch --force-script-chrootless --force-depends --force-architecture --log=$work/log"
	$as --install "$deb" >"$work/out" 2>&1 || { cat "$work/out" >&2; exit 1; }
	there usr/bin/subfive installed
	there var/lib/subfive installed
	$as --remove subfive >"$work/out" 2>&1 || { cat "$work/out" >&2; exit 1; }
	gone usr/bin/subfive removed
	there etc/subfive/subfive.yaml removed
	$as --purge subfive >"$work/out" 2>&1 || { cat "$work/out" >&2; exit 1; }
	gone etc/subfive/subfive.yaml purged
	there var/lib/subfive purged
fi
echo "$deb"
