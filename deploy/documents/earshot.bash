# Completion for bash, made from the option tables of the programs.
_earshot_words() { # "earshot jobs": what may follow
    case $1 in
@COMMANDS@
    esac
}

_earshot_values() { # "earshot-transcriber --engine": its words, or FILE
    case $1 in
@CHOICES@
    esac
}

_earshot() {
    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} path=${COMP_WORDS[0]##*/} word values
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        [ -z "$(_earshot_words "$path $word")" ] || path="$path $word"
    done
    values=$(_earshot_values "$path $before")
    COMPREPLY=()
    if [ "$values" = FILE ]; then
        compopt -o default
    elif [ -n "$values" ]; then
        COMPREPLY=($(compgen -W "$values" -- "$current"))
    else
        COMPREPLY=($(compgen -W "$(_earshot_words "$path")" -- "$current"))
        [ "${#COMPREPLY[@]}" -gt 0 ] || compopt -o default
    fi
}

complete -F _earshot earshot earshot-analysis earshot-broker earshot-edge earshot-jobs earshot-room earshot-transcriber
