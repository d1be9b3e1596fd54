#!/usr/bin/env bash
# Every command and every program has a manual page that man(1) finds nothing wrong with, and completion knows them.
#   documents.sh BIN DOCUMENTS
set -euo pipefail
bin=$1 documents=$2
bad=0
complain() { echo "documents: $*" >&2; bad=1; }

pages() { # "earshot jobs" earshot-jobs
    local name
    [ -s "$documents/man/man1/$2.1.gz" ] || complain "$1 has no manual page: does it know --help-man and --help-words?"
    while IFS=$'\t' read -r name _; do
        [ -z "$name" ] || [[ $name = --* ]] || pages "$1 $name" "$2-$name"
    done < <("$bin"/$1 --help-words 2>/dev/null)
}
pages earshot earshot
for program in "$bin"/earshot-*; do
    name=${program##*/}
    [[ $name = earshot-example-* ]] || [ -s "$documents/man/man8/$name.8.gz" ] || complain "$name has no manual page"
done
if command -v man >/dev/null; then
    for page in "$documents"/man/man?/*; do
        said=$(LC_ALL=C.UTF-8 man --warnings -E UTF-8 -l -Tutf8 -Z "$page" 2>&1 >/dev/null)
        [ -z "$said" ] || complain "${page##*/}: $said"
    done
fi

complete() { # what bash offers for these words
    bash -c '. "$1"; shift; compopt() { :; }; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _earshot; echo "${COMPREPLY[*]}"' - \
        "$documents/completion/earshot.bash" "$@"
}
expect() { # "words" "what is offered"
    local offered
    IFS=, read -ra words <<<"$1"
    [[ $1 = *, ]] && words+=("")
    offered=$(complete "${words[@]}")
    [ "$offered" = "$2" ] || complain "bash offers \"$offered\" for \"$1\", not \"$2\""
}
expect earshot,stre stream
expect earshot,jobs,li list
expect earshot,jobs,list,--state,fa failed
expect earshot-transcriber,--engine, 'mock pocketsphinx'
expect /usr/bin/earshot-edge,--max-up '--max-upload --max-uploads'
if command -v zsh >/dev/null; then zsh -n "$documents/completion/_earshot" || complain 'zsh does not take its file'; fi
[ "$bad" -eq 0 ] && echo 'documents: every program and command has its page'
exit "$bad"
