#!/bin/sh
# Checks that this machine has what NALABO is built and tested with, and installs what is missing.
#
# Silent and quick when nothing is missing. On Debian and Ubuntu as root it installs packages with
# apt; otherwise it prints the command to run and stops. Rust, Go and Node.js it does not install:
# which of the many ways fits is not for a script to say.
#
#   scripts/install.sh           everything: build, tests, demo
#   scripts/install.sh --check   only look, never install
set -eu

missing=''
unmet=''

need() { # package program…: the package is missing when none of its programs is there
  package=$1
  shift
  for program in "$@"; do
    case $program in
      /*) for found in $program; do [ -e "$found" ] && return 0; done ;;
      *) command -v "$program" >/dev/null 2>&1 && return 0 ;;
    esac
  done
  missing="$missing $package"
}

unmet() {
  unmet="$unmet
  $1"
}

# at_least WANTED FOUND, both like 1.26
at_least() {
  [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]
}

PATH=$PATH:/usr/sbin:/sbin:/usr/local/go/bin:${HOME:-/root}/.cargo/bin
export PATH

if [ "$(uname -s)" != Linux ]; then
  echo "install: NALABO is built and tested on Linux; this is $(uname -s)" >&2
  exit 1
fi

# Building
need gcc gcc
need libc6-dev /usr/include/stdio.h
need make make
need git git
need ca-certificates /etc/ssl/certs/ca-certificates.crt
need openssl openssl
# The database of tests, the demo and small installations
need postgresql '/usr/lib/postgresql/1[5-9]/bin/initdb' '/usr/lib/postgresql/[2-9][0-9]/bin/initdb'
# The browser of the journeys, and a font it can show text in
need chromium chromium chromium-browser google-chrome
need fonts-liberation '/usr/share/fonts/truetype/liberation*'
# The lab
need util-linux setpriv
need iproute2 ip
need busybox-static busybox
need containerd containerd
need runc runc
need containernetworking-plugins /usr/lib/cni/bridge
need ipset ipset
need iptables iptables
need nftables nft

if ! command -v cargo >/dev/null 2>&1; then
  unmet 'Rust is missing: https://rustup.rs, then rustup component add clippy rustfmt'
else
  rust=$(rustc --version | cut -d ' ' -f 2)
  at_least 1.95 "$rust" || unmet "Rust 1.95 or newer is needed, this is $rust: rustup update"
  command -v cargo-clippy >/dev/null 2>&1 || unmet 'clippy is missing: rustup component add clippy'
  command -v cargo-fmt >/dev/null 2>&1 || unmet 'rustfmt is missing: rustup component add rustfmt'
fi
if ! command -v go >/dev/null 2>&1; then
  unmet 'Go is missing: https://go.dev/dl, unpacked to /usr/local/go'
else
  go=$(go version | cut -d ' ' -f 3 | tr -d 'a-z')
  at_least 1.26 "$go" || unmet "Go 1.26 or newer is needed, this is $go: https://go.dev/dl"
fi
if ! command -v node >/dev/null 2>&1; then
  unmet 'Node.js is missing: https://nodejs.org, version 20 or newer, with npm'
else
  node=$(node --version | tr -d v)
  at_least 20 "$node" || unmet "Node.js 20 or newer is needed, this is $node: https://nodejs.org"
  command -v npm >/dev/null 2>&1 || unmet 'npm is missing: it comes with Node.js, or as the package npm'
fi

if [ -n "$missing" ]; then
  install="apt-get install --yes --no-install-recommends$missing"
  if [ "${1:-}" = --check ] || [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    if command -v apt-get >/dev/null 2>&1; then
      echo "install: missing packages; as root run: apt-get update && $install" >&2
    else
      echo "install: missing, under the names Debian gives them:$missing" >&2
    fi
    [ -z "$unmet" ] || echo "install: and by hand:$unmet" >&2
    exit 1
  fi
  echo "install: installing$missing …" >&2
  log=$(mktemp)
  export DEBIAN_FRONTEND=noninteractive
  if ! { timeout 300 apt-get update && timeout 1500 $install; } >"$log" 2>&1; then
    echo "install: apt-get failed; $log ends with:" >&2
    tail -n 15 "$log" >&2
    exit 1
  fi
  rm -f "$log"
fi

if [ -n "$unmet" ]; then
  echo "install: please install by hand:$unmet" >&2
  exit 1
fi
