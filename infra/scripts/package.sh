#!/usr/bin/env bash
# Adds the libraries to the package: the wheels in infra/package.lock with their hashes, for Python 3.13 on Azure's Linux,
# whatever this machine runs. The tested versions are deployed, and nothing is built or downloaded during a deployment.
#
#   package.sh [--into FOLDER]
#
# The default folder is the project's own. azd runs this script before it packs; `make package` does both. PACKAGE=ses uses
# infra/package-ses.lock, for mail through Amazon SES.
#
# Needs: any Python 3 with pip, and access to PyPI or to a mirror in pip's configuration.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
folder=$root
case ${1:-} in
  --into) folder=${2:?--into needs a folder} ;;
  --help) sed -n '2,/^[^#]/{/^#/s/^# \{0,1\}//p;}' "$0" && exit ;;
  '') ;;
  *) printf 'error: there is no option %s; --help names them\n' "$1" >&2 && exit 1 ;;
esac

python=
for candidate in "$root/.venv/bin/python" python3.13 python3 python; do
  if "$candidate" -m pip --version >/dev/null 2>&1; then python=$candidate && break; fi
done
[[ -n $python ]] || { printf 'error: no Python with pip: https://www.python.org/downloads/\n' >&2 && exit 1; }

libraries=$folder/.python_packages/lib/site-packages
rm -rf "$folder/.python_packages"
"$python" -m pip install --quiet --disable-pip-version-check --no-compile --no-deps --only-binary :all: --require-hashes \
  --platform manylinux_2_28_x86_64 --platform manylinux2014_x86_64 --platform manylinux_2_17_x86_64 \
  --implementation cp --python-version 3.13 --abi cp313 --abi abi3 --abi none \
  --target "$libraries" --requirement "$root/infra/package${PACKAGE:+-$PACKAGE}.lock"
printf '%s libraries in %s\n' "$(find "$libraries" -maxdepth 1 -name '*.dist-info' | wc -l | tr -d ' ')" "$libraries"
