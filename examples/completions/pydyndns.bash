# bash completion for pydyndns

_pydyndns() {
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
	COMPREPLY=()
	case $previous in
		-c | --config)
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "$current")
			return
			;;
	esac
	if [[ $current == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "-c --config -f --force -n --dry-run --status --json --unregister
			-v --verbose -h --help -V --version" -- "$current")
	else
		mapfile -t COMPREPLY < <(compgen -W "$(ls /sys/class/net)" -- "$current")
	fi
}

complete -F _pydyndns pydyndns
