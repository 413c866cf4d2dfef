#!/usr/bin/env bash
# Proves the door: in a bare Debian 12 root (debootstrap's minbase, git and ca-certificates) the first command installs,
# builds, samples and leaves a file that ArviZ reads; then the tests pass.
#
#   sudo tests/bare_debian.sh [--uncommitted] [--keep]
#
# --uncommitted  take the work tree as it is, not its last commit
# --keep         leave the root where it is, to look at it
# PYTHON         a Python that has arviz (default: python3; without arviz that check is skipped)
# SUITE          another release than bookworm (Debian 12)
# MIRROR         where debootstrap gets packages (default: its own)
#
# Takes root, debootstrap, about 3 GB in ${TMPDIR:-/tmp} and several minutes. Exit status 77: skipped.
set -euo pipefail

repo=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
. "$repo/tests/debian_root.sh"
suite=${SUITE:-bookworm}
uncommitted=0 keep=0
for option in "$@"; do
  case $option in
    --uncommitted) uncommitted=1 ;;
    --keep) keep=1 ;;
    *) sed -n '2,/^set/p' "${BASH_SOURCE[0]}" | sed '$d; s/^# \{0,1\}//'; exit 2 ;;
  esac
done

if ((EUID != 0)); then echo "skipped: making a Debian root takes root"; exit 77; fi
if ! command -v debootstrap >/dev/null; then echo "skipped: debootstrap is not installed"; exit 77; fi

# In a mount namespace of its own: whatever happens, no mount made here outlives the script or is seen by others.
if [[ ${LOCKSTEP_IN_NAMESPACE:-0} == 0 ]]; then
  LOCKSTEP_IN_NAMESPACE=1 exec unshare --mount --propagation private -- bash "${BASH_SOURCE[0]}" "$@"
fi

work=$(mktemp -d -- "${TMPDIR:-/tmp}/lockstep-bare.XXXXXX")
bare=$work/root
cleanup() {
  # Unmount first, and never cross into another file system: the host's /proc must survive.
  if mountpoint -q "$bare/proc"; then umount "$bare/proc" || { echo "cannot unmount $bare/proc; left as it is"; return; }; fi
  if ((keep)); then echo "kept: $bare"; else rm -rf --one-file-system -- "$work"; fi
}
trap cleanup EXIT
trap 'exit 130' INT TERM

step() { printf '\n== %s (after %d s)\n' "$*" "$SECONDS"; }
die() { echo "failed: $*"; exit 1; }

step "debootstrap"
debian_root "$bare" "$suite" "${MIRROR:-}" git,ca-certificates >"$work/debootstrap.log" 2>&1 ||
  { tail -n 20 "$work/debootstrap.log"; die "debootstrap"; }
mount -t proc proc "$bare/proc"

step "copying the tree"
mkdir -p "$bare/root/lockstep"
if ((uncommitted)); then
  (cd -- "$repo" && git ls-files -co --exclude-standard -z | while IFS= read -r -d '' file; do
    [[ -e $file ]] && printf '%s\0' "$file"
  done | tar -c --null -T - -f -) | tar -x -C "$bare/root/lockstep"
else
  git -C "$repo" archive HEAD | tar -x -C "$bare/root/lockstep"
fi

# Nothing of the caller's environment but what the network needs.
network=()
for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
  [[ -n ${!name:-} ]] && network+=("$name=${!name}")
done
inside() {
  local folder=$1
  shift
  chroot "$bare" /usr/bin/env -i "${network[@]}" HOME=/root TERM=dumb PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    /bin/bash -c 'cd "$1" && shift && exec "$@"' bash "$folder" "$@"
}

step "an ordinary user is told what to type"
chmod a+rx "$bare/root"
cp -r "$bare/root/lockstep" "$bare/tmp/theirs"
chown -R nobody "$bare/tmp/theirs"
if inside /tmp/theirs setpriv --reuid nobody --clear-groups ./lockstep version >"$work/user.out" 2>"$work/user.err"; then
  die "it went on without the packages"
fi
cat "$work/user.err"
[[ ! -s $work/user.out ]] || die "something was written to stdout"
[[ $(grep -c 'apt-get install' "$work/user.err") == 1 ]] || die "there should be one apt command"
rm -rf --one-file-system -- "$bare/tmp/theirs"

step "./lockstep sample eight_schools"
inside /tmp /root/lockstep/lockstep sample eight_schools --seed 1 --out eight_schools.nc | tee "$work/sample.out" ||
  die "./lockstep sample eight_schools"
grep -qE '^[^a-z]*mu[^a-z]' "$work/sample.out" || die "no summary was printed"
grep -qE '^ *(Converged|NOT converged)' "$work/sample.out" || die "no verdict was printed"
[[ -s $bare/tmp/eight_schools.nc ]] || die "no file was written where --out said"

step "a second call starts at once"
before=$(date +%s%N)
inside /root/lockstep ./lockstep version
took=$((($(date +%s%N) - before) / 1000000))
echo "$took ms"
((took < 1000)) || die "the second call took $took ms"

step "ArviZ reads the file"
python=${PYTHON:-python3}
if "$python" -c 'import arviz' 2>/dev/null; then
  "$python" "$repo/tests/read_with_arviz.py" "$bare/tmp/eight_schools.nc" | tee "$work/arviz.out"
  [[ $(tail -n 1 "$work/arviz.out") == ok ]] || die "ArviZ"
else
  echo "skipped: arviz is not installed for $python"
fi

step "an ordinary user builds, the packages being there"
cp -r "$bare/root/lockstep" "$bare/tmp/theirs"
rm -rf "$bare/tmp/theirs/build"
chown -R nobody "$bare/tmp/theirs"
inside /tmp/theirs setpriv --reuid nobody --clear-groups ./lockstep version
rm -rf --one-file-system -- "$bare/tmp/theirs"

step "./lockstep test"
inside /root/lockstep ./lockstep test >"$work/test.out" || { tail -n 60 "$work/test.out"; die "the tests"; }
tail -n 1 "$work/test.out" | tee "$work/last"
grep -qxE '[0-9]+ passed, 0 failed, [0-9]+ skipped' "$work/last" || die "the last line of the tests"

step "done"
