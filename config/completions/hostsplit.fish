# fish completion for hostsplit(8). The candidates come from `hostsplit complete`, which knows its verbs, options and the
# machine.

function __hostsplit_candidates
    set -l words (commandline -opc)
    set -l current (string unescape -- (commandline -ct))
    set -q current[1]; or set current ''
    set -l lines ($words[1] complete $words[2..-1] $current[1] 2>/dev/null)
    if test "$lines[1]" = ":directories"\t
        __fish_complete_directories $current[1]
    else
        printf '%s\n' $lines
    end
end

complete -c hostsplit -f -a '(__hostsplit_candidates)'
