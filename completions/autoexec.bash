# Completion of autoexec for bash 4.1 and later.
#
# Put it where bash looks for completions, for example
#   autoexec completions bash > ~/.local/share/bash-completion/completions/autoexec
# or load it in ~/.bashrc:
#   source <(autoexec completions bash)
#
# The program itself says what may follow, so this file does not change when commands are added.

_autoexec() {
    local typed=$2 number option line value
    local -a words=() answers=()
    # bash takes `--option=value` for three words; the program is asked about one.
    for ((number = 0; number <= COMP_CWORD; number++)); do
        if ((number > 1)) && [[ ${COMP_WORDS[number]} == '=' && ${COMP_WORDS[number - 1]} == --* ]]; then
            words[${#words[@]} - 1]+='='
        elif ((number > 2)) && [[ ${COMP_WORDS[number - 1]} == '=' && ${words[${#words[@]} - 1]} == --*= ]]; then
            words[${#words[@]} - 1]+=${COMP_WORDS[number]}
        else
            words+=("${COMP_WORDS[number]}")
        fi
    done
    [[ $typed == '=' ]] && typed=''
    option=''
    if [[ ${words[${#words[@]} - 1]} == --*=* && ${COMP_WORDS[COMP_CWORD]} != --*=* ]]; then
        option=${words[${#words[@]} - 1]%%=*}=
    fi
    while IFS= read -r line; do
        answers+=("$line")
    done < <("$1" __complete "$((${#words[@]} - 1))" "${words[@]}" 2> /dev/null)

    COMPREPLY=()
    for line in "${answers[@]}"; do
        case $line in
            :files | --*=:files)
                compopt -o filenames 2> /dev/null
                while IFS= read -r value; do COMPREPLY+=("$value"); done < <(compgen -f -- "$typed")
                ;;
            :folders | --*=:folders)
                compopt -o filenames 2> /dev/null
                while IFS= read -r value; do COMPREPLY+=("$value"); done < <(compgen -d -- "$typed")
                ;;
            :command)
                _autoexec_command
                return
                ;;
            *)
                value=${line%%$'\t'*}
                COMPREPLY+=("${value#"$option"}")
                ;;
        esac
    done
    if ((${#COMPREPLY[@]} == 1)) && [[ ${COMPREPLY[0]} == *= ]]; then
        compopt -o nospace 2> /dev/null
    fi
}

# Behind `--` stands a command of its own: it is completed as if it had been typed alone.
_autoexec_command() {
    local number
    for ((number = 1; number < COMP_CWORD; number++)); do
        [[ ${COMP_WORDS[number]} == '--' ]] && break
    done
    if declare -F _command_offset > /dev/null; then
        _command_offset $((number + 1))
    elif ((COMP_CWORD == number + 1)); then
        local value
        compopt -o filenames 2> /dev/null
        while IFS= read -r value; do COMPREPLY+=("$value"); done < <(compgen -c -- "${COMP_WORDS[COMP_CWORD]}" | sort -u)
    else
        local value
        compopt -o filenames 2> /dev/null
        while IFS= read -r value; do COMPREPLY+=("$value"); done < <(compgen -f -- "${COMP_WORDS[COMP_CWORD]}")
    fi
}

complete -F _autoexec autoexec
