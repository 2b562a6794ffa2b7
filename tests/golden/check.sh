#!/bin/sh
# check.sh NAME TEST [FILTER]: checks NAME.txt against the installed PyTorch (or fastai), then runs the cases of TEST
# that read it (FILTER, else *PyTorch*) over the larger file that NAME.py computes on the spot. Exit 77: skipped, there is
# no PyTorch.
here=$(dirname "$0")
python=${ONECYCLE_PYTHON:-python3}
if ! command -v "$python" >/dev/null; then
  echo "skipped: no Python with torch >= 2.11 ($python not found); name one in ONECYCLE_PYTHON"
  exit 77
fi
dense=$(mktemp) || exit
trap 'rm -f "$dense"' EXIT
"$python" -B "$here/$1.py" --check --dense "$dense" || exit
ONECYCLE_GOLDEN=$dense "$2" --gtest_brief=1 --gtest_filter="${3:-*PyTorch*}"
