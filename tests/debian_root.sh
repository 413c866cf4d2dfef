# Sourced by what needs a bare Debian: makes one that reaches packages the way this machine does.

# debian_root FOLDER SUITE MIRROR PACKAGES: debootstrap's minbase and PACKAGES (a,b,c) in the new FOLDER. MIRROR may be empty:
# debootstrap's own. What debootstrap says goes to stdout.
debian_root() {
  local root=$1 suite=$2 mirror=$3 packages=$4 file folder
  debootstrap --variant=minbase ${packages:+--include="$packages"} "$suite" "$root" ${mirror:+"$mirror"} || return 1

  # Name service, proxy, certificates, sources.
  cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
  mkdir -p "$root/etc/ssl/certs"
  [[ -f /etc/ssl/certs/ca-certificates.crt ]] && cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
  for file in /etc/apt/apt.conf /etc/apt/apt.conf.d/*; do
    # Settings of how to fetch only: the hooks of programs that are not in the bare root stay out.
    if [[ -f $file ]] && grep -qE 'Acquire' "$file" && ! grep -qE 'Invoke|Pre-Install' "$file"; then
      cp -- "$file" "$root/etc/apt/apt.conf.d/"
    fi
  done
  if (. /etc/os-release && [[ ${VERSION_CODENAME:-} == "$suite" ]]); then
    rm -f "$root/etc/apt/sources.list"
    [[ -f /etc/apt/sources.list ]] && cp /etc/apt/sources.list "$root/etc/apt/"
    for folder in sources.list.d keyrings trusted.gpg.d; do
      [[ -d /etc/apt/$folder ]] && cp -rL "/etc/apt/$folder/." "$root/etc/apt/$folder/"
    done
  fi
  return 0
}
