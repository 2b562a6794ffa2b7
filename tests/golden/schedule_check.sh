#!/bin/sh
# schedule_check.sh TEST: checks schedule.txt against the installed PyTorch, then runs TEST, the C++
# comparison, over a larger grid that it computes on the spot. Exit 77: skipped, there is no PyTorch.
here=$(dirname "$0")
python=${ONECYCLE_PYTHON:-python3}
if ! command -v "$python" >/dev/null; then
  echo "skipped: no Python with torch >= 2.11 ($python not found); name one in ONECYCLE_PYTHON"
  exit 77
fi
"$python" "$here/schedule.py" --check || exit
dense=$(mktemp) || exit
trap 'rm -f "$dense"' EXIT
"$python" "$here/schedule.py" --dense "$dense" || exit
ONECYCLE_SCHEDULE_GOLDEN=$dense "$1" --gtest_brief=1
