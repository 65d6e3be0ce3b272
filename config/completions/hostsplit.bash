# bash completion for hostsplit(8). The candidates come from `hostsplit complete`, which knows its verbs, options and
# the machine.

_hostsplit() {
    # Bash parts words at : and =, which stand in PCI addresses and in options: this puts them together again.
    local rest=${COMP_LINE:0:COMP_POINT} words=() word i
    rest=${rest#"${rest%%[![:blank:]]*}"}
    rest=${rest#"${COMP_WORDS[0]}"}
    for ((i = 1; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if ((i == 1)) || [[ $rest == [[:blank:]]* ]]; then
            rest=${rest#"${rest%%[![:blank:]]*}"}
            words+=("")
        fi
        [[ $rest == "$word"* ]] || word=$rest # the cursor stands in the middle of it
        words[-1]+=$word
        rest=${rest#"$word"}
    done

    local cur=${words[-1]} quoted=''
    [[ $cur == [\"\']* ]] && quoted=yes
    words=("${words[@]//[\"\'\\]/}")
    # What bash takes for the word begins behind the last : or =.
    local parted=${words[-1]%"${words[-1]##*[:=]}"}

    local line
    COMPREPLY=()
    while IFS=$'\t' read -r line _; do
        if [[ $line == :directories ]]; then
            compopt -o filenames
            mapfile -t COMPREPLY < <(compgen -d -- "$cur")
            return
        fi
        line=${line#"$parted"}
        [[ $quoted ]] || line=${line// /\\ }
        COMPREPLY+=("$line")
    done < <("${COMP_WORDS[0]}" complete "${words[@]}" 2>/dev/null)
} && complete -F _hostsplit hostsplit
