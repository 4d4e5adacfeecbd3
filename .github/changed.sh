#!/bin/sh
# What a push or a pull request changes: prints code=false where it is nothing but stacks' files, which no test reads, else code=true.
# Usage: changed.sh [BASE], the commit before it; without one, or where it isn't known any more, all counts as changed.
set -eu

base=${1:-}
if [ -z "$base" ] || ! git cat-file -e "$base^{commit}" 2>/dev/null; then
  echo code=true
  exit 0
fi
files=$(git diff --name-only "$base" HEAD)
code=false
while IFS= read -r file; do
  case $file in
  '') ;;
  # The lab's stack is the tests' own.
  Pulumi.dev.yaml | */*) code=true ;;
  Pulumi.*.yaml) ;;
  *) code=true ;;
  esac
done <<EOF
$files
EOF
echo "code=$code"
