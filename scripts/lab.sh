#!/usr/bin/env bash
# Installs the daemons of the lab, says what it installs, and starts none of them. Safe to run again; a second run only looks.
# Asterisk comes from the distribution where it has a package; else from a root file system of its own, unpacked once and kept.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh
say() { echo "setup: $*"; }
fail() { echo "setup: $*" >&2; exit 1; }

[ "$(id -u)" = 0 ] || { say "SKIPPED the lab's daemons: the lab needs root. 'sudo make setup' installs them."; exit 0; }
command -v apt-get >/dev/null || { say "SKIPPED the lab's daemons: this is not Debian or Ubuntu. README.md names them."; exit 0; }

missing=()
want() { command -v "$1" >/dev/null || missing+=("${@:2}"); } # program, its packages
want kamailio kamailio
dpkg -s kamailio-mysql-modules >/dev/null 2>&1 || missing+=(kamailio-mysql-modules) # a library, no program
want keepalived keepalived
want shorewall shorewall
want sshd openssh-server
want ssh-keygen openssh-client
want ip iproute2
want ping iputils-ping
want arping iputils-arping
want nft nftables
want iptables iptables
want prometheus-node-exporter prometheus-node-exporter
asterisk_here() { apt-cache policy asterisk 2>/dev/null | grep -q 'Candidate: [0-9]'; }
root=$WIRECENTER_TARGET/lab/asterisk
if ! command -v asterisk >/dev/null && [ ! -e "$root/unpacked" ]; then
  if asterisk_here; then missing+=(asterisk asterisk-modules odbc-mariadb); else want mmdebstrap mmdebstrap; fi
fi

if [ ${#missing[@]} -gt 0 ]; then
  say "installing the lab's daemons: ${missing[*]}"
  # Nothing is started now, and nothing at the next boot: the lab runs them in namespaces of its own.
  policy=/usr/sbin/policy-rc.d
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod 755 $policy
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  fi
  new=()
  for package in "${missing[@]}"; do dpkg -s "$package" >/dev/null 2>&1 || new+=("$package"); done
  for try in 1 2 3; do
    if DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=300 "${missing[@]}" \
      >"$WIRECENTER_TARGET/apt-lab.log" 2>&1; then break; fi
    [ "$try" != 3 ] || { tail -5 "$WIRECENTER_TARGET/apt-lab.log" >&2; fail "apt-get could not install the lab's daemons; the lines above say why"; }
    say "apt-get failed; trying again"
    apt-get update -qq || true
    sleep 5
  done
  if [ -d /run/systemd/system ]; then
    for package in "${new[@]}"; do
      unit=$package
      [ "$package" != openssh-server ] || unit=ssh
      systemctl disable --quiet "$unit" 2>/dev/null || true # not every package has a unit of its name
    done
  fi
fi

if ! command -v asterisk >/dev/null && [ ! -e "$root/unpacked" ]; then
  for suite in ${WIRECENTER_ASTERISK_SUITES:-sid bullseye}; do
    say "unpacking Asterisk into a root file system of its own, from the suite $suite (once, about a minute)"
    rm -rf "$root"
    mkdir -p "$(dirname "$root")"
    # Unpacked only: no script of a package runs, so nothing can be started or changed here. A mirror's frozen copy has a list past
    # its date; it is signed all the same.
    if mmdebstrap --quiet --variant=extract --aptopt='Acquire::Check-Valid-Until "false"' \
      --include=asterisk,asterisk-modules,odbc-mariadb "$suite" "$root" \
      >"$WIRECENTER_TARGET/asterisk.log" 2>&1 &&
      [ -x "$root/usr/sbin/asterisk" ]; then break; fi
    say "the suite $suite has no Asterisk that could be unpacked"
  done
  [ -x "$root/usr/sbin/asterisk" ] || { tail -5 "$WIRECENTER_TARGET/asterisk.log" >&2; fail "Asterisk could not be unpacked; the lines above say why"; }
  for link in bin sbin lib lib64; do [ -e "$root/$link" ] || ln -s "usr/$link" "$root/$link"; done
  # Where a machine of the lab mounts what it shares with it.
  mkdir -p "$root"/{proc,sys,dev,run,tmp,etc/asterisk,var/lib/asterisk,var/log/asterisk,var/spool/asterisk}
  touch "$root/unpacked"
  chroot "$root" /usr/sbin/asterisk -V >/dev/null || fail "the unpacked Asterisk does not run; remove $root and try again"
fi
