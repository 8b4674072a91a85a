#!/bin/sh
# Runs every fuzz target of the module for FUZZTIME each.
set -eu

log=$(mktemp)
trap 'rm -f "$log"' EXIT
for file in $(grep -rl --include='*_test.go' '^func Fuzz' .); do
	dir=$(dirname "$file")
	for target in $(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$file"); do
		echo "== $dir $target"
		if "$GO" test -tags nomsgpack -run '^$' -fuzz "^$target\$" -fuzztime "$FUZZTIME" -fuzzminimizetime 1x "$dir" >"$log" 2>&1; then
			tail -n 1 "$log"
			continue
		fi
		# Go's fuzzer now and then reports its own end of time as a failure, with
		# no input that failed.
		if grep -q 'context deadline exceeded' "$log" && ! grep -q 'Failing input' "$log"; then
			echo "ended while a worker was busy; no input failed"
			continue
		fi
		cat "$log"
		exit 1
	done
done
