#!/bin/sh
# From parameters as tutti gives them (--name value) to one turn of Codex. Its last message goes to stdout and is the
# result; what it does on the way goes to stderr.
set -eu
prompt='' model=''
while [ $# -gt 1 ]; do
  case $1 in
    --prompt) prompt=$2 ;;
    --model) model=$2 ;;
  esac
  shift 2
done
exec codex exec --skip-git-repo-check --sandbox workspace-write --color never ${model:+--model "$model"} -- "$prompt"
