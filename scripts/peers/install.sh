#!/usr/bin/env bash
# Make an environment for each peer that needs one: scripts/peers/install.sh FOLDER PYTHON
# They see the packages of PYTHON's environment, so that torch is not installed three times; what they need in
# other versions lies in their own folder and comes first. Nothing is written into PYTHON's environment.
set -euo pipefail
cd "$(dirname "$0")"
folder="$1"
python="$2"
packages="$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
for requirements in requirements/*.txt; do
  name="$(basename "$requirements" .txt)"
  home="$folder/$name"
  stamp="$home/.installed-$(cksum < "$requirements" | cut -d ' ' -f 1)"
  [ -e "$stamp" ] && continue
  echo "Installing $name. This takes some minutes."
  "$python" -m venv "$home"
  own="$("$home/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
  echo "$packages" > "$own/zz-shared.pth"
  if "$home/bin/python" -m pip --disable-pip-version-check install --quiet -r "$requirements"; then
    # A tool that asks for an older torch gets one whose torchvision may not fit it; ours serves all alike.
    "$home/bin/python" -m pip --disable-pip-version-check list --format freeze --path "$own" | grep -oE '^(torch|torchvision)=' \
      | tr -d = | xargs -r "$home/bin/python" -m pip --disable-pip-version-check uninstall --quiet --yes || true
    touch "$stamp"
  else
    echo "$name could not be installed; its rows will say so." >&2
  fi
done
