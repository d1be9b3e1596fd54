#!/usr/bin/env bash
# Manual pages and completion, from what the programs tell of themselves (--help-man, --help-words).
#   documents.sh BIN OUT        writes OUT/man/man1, OUT/man/man8, OUT/completion/earshot.bash and _earshot
set -euo pipefail
bin=$1 out=$2
here=$(cd "$(dirname "$0")" && pwd)
tab=$'\t'
rm -rf "$out"
mkdir -p "$out/man/man1" "$out/man/man8" "$out/completion"
commands=$out/commands choices=$out/choices
: >"$commands" >"$choices"

# What stands behind a command: further commands, or flags.
note() { # "earshot jobs" "its --help-words"
    local words
    words=$(cut -f1 <<<"$2" | xargs)
    printf '    "%s") echo "%s --help" ;;\n' "$1" "$words" >>"$commands"
    while IFS=$tab read -r flag _ allowed _; do
        [ "${allowed:--}" = - ] || printf '    "%s %s") echo "%s" ;;\n' "$1" "$flag" "${allowed//|/ }" >>"$choices"
    done <<<"$2"
    while IFS=$tab read -r flag value _; do
        [[ $flag != --* || $value = - ]] || printf '    "%s %s") echo FILE ;;\n' "$1" "$flag" >>"$choices.any"
    done <<<"$2"
}

document() { # section program [command...]
    local section=$1 words name
    shift
    words=$("$bin/$1" "${@:2}" --help-words 2>/dev/null) || {
        echo "documents: $* does not tell its options (--help-words): no page for it" >&2
        return 0
    }
    "$bin/$1" "${@:2}" --help-man >"$out/man/man$section/$(tr ' ' - <<<"$*").$section"
    note "$*" "$words"
    while IFS=$tab read -r name _; do
        [ -z "$name" ] || [[ $name = --* ]] || document "$section" "$@" "$name"
    done <<<"$words"
}

: >"$choices.any"
document 1 earshot
for program in "$bin"/earshot-*; do
    name=${program##*/}
    case $name in
    earshot-decode) sed "s/@VERSION@/$("$bin/earshot" --version | cut -d' ' -f2)/" "$here/earshot-decode.8" >"$out/man/man8/earshot-decode.8" ;;
    earshot-example-* | *.pid) ;;
    *) document 8 "$name" ;;
    esac
done

for shell in earshot.bash _earshot; do
    sed -e "/^@COMMANDS@$/{r $commands" -e 'd}' -e "/^@CHOICES@$/{r $choices" -e "r $choices.any" -e 'd}' "$here/$shell" >"$out/completion/$shell"
done
rm -f "$commands" "$choices" "$choices.any"
gzip -9n "$out"/man/man?/*
