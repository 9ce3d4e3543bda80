# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=sh
#
# Sourced by ./start and ./check: installs what is missing with apt, and
# makes a copy of the sources in build/source, so that autotools write nowhere
# else. Wants $top, the checkout.
: "${top:?}"

export LC_ALL=C.UTF-8

say() { printf '%s\n' "$*"; }
die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

# Everything lies in build/; one that root made is of no use to others.
make_build() {
	mkdir -p "$top/build" 2>/dev/null
	[ -w "$top/build" ] ||
		die "cannot write to $top/build: remove it, or be its owner"
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
	if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null 2>&1; then
		die "root or sudo is needed to install:$missing"
	fi
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

# shellcheck disable=SC2034 # for those who source this
build_packages="gcc make autoconf automake libtool pkg-config libevent-dev
    libldns-dev libssl-dev libyaml-dev libjansson-dev libsodium-dev
    liburcu-dev"

is_newer() { [ -n "$(find "$1" -newer "$2" 2>/dev/null)" ]; }

# build/source holds the tree as it is now: equal files keep their times, and
# files that are gone go there as well. What autotools make is made there.
copy_sources() {
	mkdir -p "$top/build/source"
	(cd "$top" && tar -cf - --exclude=./build --exclude=./.git \
	    --exclude=./autom4te.cache --exclude=./aclocal.m4 \
	    --exclude=./build-aux --exclude=./configure \
	    --exclude=./Makefile.in --exclude=__pycache__ .) |
	    (cd "$top/build/source" && tar -xf -)
	cd "$top/build/source" || exit 1
	find conf contrib doc include src tests zones -type f |
	    while IFS= read -r f; do
		[ -e "$top/$f" ] || rm -f "$f"
	done
	if [ ! -e Makefile.in ] || is_newer configure.ac configure ||
	    is_newer Makefile.am Makefile.in; then
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
	    is_newer "$top/build/source/configure" "$dir/config.status"; then
		(cd "$dir" && "$top/build/source/configure" -q "$@") \
		    >"$dir/configure.log" 2>&1 || {
			tail -n 20 "$dir/configure.log" >&2
			die "configure failed, see $dir/configure.log"
		}
	fi
}
