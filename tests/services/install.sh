#!/bin/sh
# Installs by apt those of the named programs that are missing, where that is possible;
# else says which are missing. Their daemons are not used: tests start their own servers.
# Usage: install.sh [--required] NAME...
# NAME: redis-server rabbitmq-server postgresql nginx chromium node make python-venv
# What stays missing is a failure with --required or HEADWAY_REQUIRE_SERVICES=1.
set -eu

is_required=${HEADWAY_REQUIRE_SERVICES:-}
if [ "$1" = --required ]; then
    is_required=1
    shift
fi

any_of() {
    for program in "$@"; do
        if command -v "$program" >/dev/null 2>&1; then return 0; fi
    done
    return 1
}

is_present() {
    case $1 in
        chromium) any_of chromium chromium-browser google-chrome google-chrome-stable ;;
        node) any_of npm && node --eval 'process.exit(Number.parseInt(process.versions.node) < 18 ? 1 : 0)' 2>/dev/null ;;
        nginx) any_of nginx || [ -x /usr/sbin/nginx ] ;;
        postgresql) any_of initdb || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 ;;
        python-venv) "${PYTHON:-python3}" -c 'import ensurepip' 2>/dev/null ;;
        rabbitmq-server) any_of rabbitmq-server || [ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] ;;
        *) any_of "$1" ;;
    esac
}

packages_of() {
    case $1 in
        nginx) echo nginx-light ;;
        node) echo nodejs npm ;;
        python-venv) "${PYTHON:-python3}" -c 'import sys; print("python3.%d-venv" % sys.version_info[1])' ;;
        *) echo "$1" ;;
    esac
}

missing() {
    for name in "$@"; do
        if ! is_present "$name"; then printf '%s ' "$name"; fi
    done
}

as_root=
if [ "$(id -u)" -ne 0 ]; then as_root="sudo -n"; fi

can_install() {
    any_of apt-get && { [ -z "$as_root" ] || $as_root true 2>/dev/null; }
}

wanted=$(missing "$@")
if [ -z "$wanted" ]; then exit 0; fi

apt_get() {
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q "$@" >/dev/null
}

if can_install; then
    apt_get update || true
    for name in $wanted; do
        echo "installing: $name"
        # shellcheck disable=SC2046  # one name may be several packages
        apt_get install --yes --no-install-recommends $(packages_of "$name") || true
    done
    wanted=$(missing "$@")
fi
if [ -z "$wanted" ]; then exit 0; fi

echo "missing, and not installable here: $wanted" >&2
if [ "$is_required" = 1 ]; then
    echo "nothing goes on without: install it, then run this again" >&2
    exit 1
fi
echo "the tests that need it will be skipped" >&2
