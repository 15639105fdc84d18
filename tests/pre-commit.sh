#!/usr/bin/env bash
# Do the hooks of .pre-commit-hooks.yaml work with the real pre-commit? `tests/pre-commit.sh` makes a scratch repository
# and commits to it as a team would: the hooks install, fail, pass, and are silent when there is nothing to say.
#
# Needs Python with venv, git, and a built corslint (CORSLINT, or else target/debug/corslint). RUST_HOOKS=1 also builds
# corslint as the `language: rust` hooks do, which takes minutes.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
corslint=${CORSLINT:-$root/target/debug/corslint}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Nothing of the caller's settings counts, and nothing of theirs is written. Only Rust stays where it is.
export CARGO_HOME=${CARGO_HOME:-$HOME/.cargo} RUSTUP_HOME=${RUSTUP_HOME:-$HOME/.rustup}
export HOME="$scratch/home" PRE_COMMIT_HOME="$scratch/cache" GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.com GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.com
export PRE_COMMIT_COLOR=never PIP_DISABLE_PIP_VERSION_CHECK=1
mkdir -p "$HOME" "$scratch/bin"

passed=0
check() { # NAME WANTED-EXIT-CODE WANTED-TEXT|'' UNWANTED-TEXT|'' COMMAND...
  local name=$1 code=$2 wanted=$3 unwanted=$4 got=0
  shift 4
  "$@" >"$scratch/output" 2>&1 || got=$?
  if [ "$got" -ne "$code" ] ||
    { [ -n "$wanted" ] && ! grep -qF -- "$wanted" "$scratch/output"; } ||
    { [ -n "$unwanted" ] && grep -qF -- "$unwanted" "$scratch/output"; }; then
    echo "FAILED: $name (exit code $got, wanted $code; wanted '$wanted', unwanted '$unwanted')" >&2
    cat "$scratch/output" >&2
    exit 1
  fi
  passed=$((passed + 1))
  echo "ok: $name"
}

python3 -m venv "$scratch/venv"
"$scratch/venv/bin/pip" install --quiet pre-commit
cp "$corslint" "$scratch/bin/corslint"
# The commits below run hooks, which find both here.
export PATH="$scratch/bin:$scratch/venv/bin:$PATH"

# A repository with the project's own hooks, as `repo:` wants one.
hooks="$scratch/hooks"
git init -q -b main "$hooks"
cp "$root/.pre-commit-hooks.yaml" "$hooks/"
git -C "$hooks" add . && git -C "$hooks" commit -qm hooks && git -C "$hooks" tag v1

mkdir "$scratch/project" && cd "$scratch/project"
git init -q -b main
cat >app.js <<'JS'
const express = require('express');
const { origins } = require('./origins');
const app = express();
app.use(require('cors')({ origin: origins, credentials: true }));
app.get('/', (req, res) => res.json(req.user));
app.listen(3000);
JS
good="exports.origins = ['https://app.example.com'];"
bad="exports.origins = [/^https:\/\/.*.example\.com\$/];"
echo "$good" >origins.js

config() { # HOOK
  printf 'repos:\n  - repo: %s\n    rev: v1\n    hooks:\n      - id: %s\n' "$hooks" "$1" >.pre-commit-config.yaml
  git add -A
}
commit() { git commit -m "$1"; }

check "the hooks are valid" 0 "" "" pre-commit validate-manifest "$root/.pre-commit-hooks.yaml"
for hook in corslint-system corslint-changed-system; do
  config "$hook"
  check "$hook installs" 0 "installed at" "" pre-commit install --install-hooks
  check "$hook passes, and is silent" 0 "Passed" "server" commit "a clean commit with $hook"
  echo "$bad" >origins.js && git add -A
  check "$hook fails, and says why" 1 "error[loose-origin-pattern]" "" commit "a fault"
  check "$hook kept the commit back" 1 "" "" git diff --cached --quiet
  echo "$good" >origins.js && git add -A
  check "$hook passes again" 0 "" "" git diff --cached --quiet
done

# A fault that came in past the hooks, and a commit that does not touch it.
echo "$bad" >origins.js && git add -A && git commit -qm "a fault, past the hooks" --no-verify
echo words >README.md && git add -A
check "the hook for changed files passes what does not touch a fault" 0 "" "error[" commit "words"
echo "// words" >>app.js && git add -A
check "it fails where a place of the fault is touched, in whichever file" 1 "origins.js:1:" "" commit "more words"
config corslint-system
check "the hook for the whole project fails whatever was changed" 1 "error[loose-origin-pattern]" "" commit "more words"
check "all files at once" 1 "error[loose-origin-pattern]" "" pre-commit run --all-files

if [ "${RUST_HOOKS:-}" = 1 ]; then
  rm "$scratch/bin/corslint"
  start=$SECONDS
  check "the rust hook builds corslint, and fails" 1 "error[loose-origin-pattern]" "" \
    pre-commit try-repo "$root" corslint --all-files
  echo "built in $((SECONDS - start)) s"
fi

echo "pre-commit: $passed passed, 0 failed"
