#!/usr/bin/env bash
# Print the path of a Chromium that the browser tests can drive; install Debian's if there is none and we may.
set -euo pipefail

find_chromium() {
  if [[ -n "${CHROMIUM:-}" ]]; then
    command -v "$CHROMIUM" && return
    echo "CHROMIUM=$CHROMIUM is not a program. Unset it, or give the path of Chromium or Chrome." >&2
    exit 1
  fi
  local name
  for name in chromium chromium-browser google-chrome google-chrome-stable; do
    command -v "$name" && return
  done
  return 1
}

if ! find_chromium; then
  if [[ "$(id -u)" != 0 ]] || ! command -v apt-get >/dev/null; then
    echo "The browser tests need Chromium, and there is none here that can be installed without you." >&2
    echo "On Debian: sudo apt-get install chromium. Elsewhere, install Chromium or Chrome and set CHROMIUM to its path." >&2
    exit 1
  fi
  echo "Installing Chromium for the browser tests." >&2
  if ! { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; } >&2; then
    echo "Chromium could not be installed (see above). Install it by hand and run the tests again." >&2
    exit 1
  fi
  find_chromium
fi
