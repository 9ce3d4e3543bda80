# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=sh
#
# Sourced by ./start and ./check: installs what is missing with apt, and
# makes a copy of the sources in build/source, so that autotools write nowhere
# else. Wants $top, the checkout.

say() { printf '%s\n' "$*"; }
die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null 2>&1; then
		sudo "$@"
	else
		die "root or sudo is needed to install: $missing"
	fi
}

# Servers that come along must not start: Debian asks this script first.
with_no_services() {
	policy=/usr/sbin/policy-rc.d
	if [ -e "$policy" ]; then
		as_root "$@"
		return
	fi
	printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
	as_root chmod 755 "$policy"
	as_root "$@"
	status=$?
	as_root rm -f "$policy"
	return $status
}

install_missing() {
	missing=
	for package in "$@"; do
		dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null |
		    grep -q '^ii' || missing="$missing $package"
	done
	[ -n "$missing" ] || return 0
	say "installing:$missing"
	# shellcheck disable=SC2086
	{
		as_root apt-get update -qq &&
		    with_no_services env DEBIAN_FRONTEND=noninteractive \
			apt-get install -y -qq --no-install-recommends $missing
	} >"$top/build/apt.log" 2>&1 || {
		tail -n 20 "$top/build/apt.log" >&2
		die "apt could not install:$missing"
	}
}

build_packages="gcc make autoconf automake libtool pkg-config libevent-dev
    libldns-dev libssl-dev libyaml-dev libjansson-dev libsodium-dev
    liburcu-dev"

# build/source holds the tree as it is now; equal files keep their times.
copy_sources() {
	mkdir -p "$top/build/source"
	(cd "$top" && tar -cf - --exclude=./build --exclude=./.git \
	    --exclude=./autom4te.cache .) |
	    (cd "$top/build/source" && tar -xf -)
	# What was taken away since the last time would still be tested.
	(cd "$top/build/source" && find conf contrib doc include src tests \
	    zones -type f) | while read -r file; do
		[ -e "$top/$file" ] || rm -f "$top/build/source/$file"
	done
	cd "$top/build/source" || exit 1
	if [ ! -e configure ] || [ configure.ac -nt configure ] ||
	    [ Makefile.am -nt Makefile.in ]; then
		autoreconf -i >"$top/build/autoreconf.log" 2>&1 || {
			tail -n 20 "$top/build/autoreconf.log" >&2
			die "autoreconf failed"
		}
	fi
	cd "$top" || exit 1
}

# configure_in DIR OPTION...
configure_in() {
	dir=$1
	shift
	mkdir -p "$dir"
	if [ ! -e "$dir/config.status" ] ||
	    [ "$top/build/source/configure" -nt "$dir/config.status" ]; then
		(cd "$dir" && "$top/build/source/configure" -q "$@") \
		    >"$dir/configure.log" 2>&1 || {
			tail -n 20 "$dir/configure.log" >&2
			die "configure failed, see $dir/configure.log"
		}
	fi
}
