# Completion of autoexec for fish.
#
# Put it where fish looks for completions:
#   autoexec completions fish > ~/.config/fish/completions/autoexec.fish
#
# The program itself says what may follow, so this file does not change when commands are added.

function __autoexec_complete
    set -l words (commandline --current-process --tokenize --cut-at-cursor)
    set -l current (commandline --current-token --cut-at-cursor)
    set -l answers ($words[1] __complete (count $words) $words "$current" 2> /dev/null)
    for answer in $answers
        switch $answer
            case ':files'
                __fish_complete_path "$current"
            case '--*=:files'
                set -l parts (string split --max 1 = -- $current)
                for path in (__fish_complete_path "$parts[2]")
                    echo "$parts[1]=$path"
                end
            case ':folders'
                __fish_complete_directories "$current"
            case '--*=:folders'
                set -l parts (string split --max 1 = -- $current)
                for path in (__fish_complete_directories "$parts[2]")
                    echo "$parts[1]=$path"
                end
            case ':command'
                # Behind `--` stands a command of its own: it is completed as if it had been typed alone.
                set -l dashes (contains --index -- -- $words)
                set -l command
                if test $dashes -lt (count $words)
                    set command (string escape -- $words[(math $dashes + 1)..-1])
                end
                complete --do-complete="$command $current"
            case '*'
                echo $answer
        end
    end
end

complete --command autoexec --no-files --keep-order --arguments '(__autoexec_complete)'
