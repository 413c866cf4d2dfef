#!/bin/sh
# Prints the names of the packages whose shared libraries PROGRAM loads, one a line: what must be installed where it is to run.
#
#   docker/libraries.sh PROGRAM
#
# A library that no package owns is left out: it has to be in the base image.
set -eu
ldd "$1" | awk '$3 ~ /^\// { print $3 }' | while read -r library; do
  # By its last name only: the folder that ldd sees may be a link to the one that the package names.
  dpkg-query --search "*/$(basename "$(readlink -f "$library")")" 2>/dev/null || true
done | sed 's/:.*//' | sort -u
