#compdef pydyndns
# zsh completion for pydyndns

_arguments -s -S \
	'(-c --config)'{-c,--config}'[read this configuration file]:file:_files' \
	'(-f --force)'{-f,--force}'[wipe the cache first and send in any case]' \
	'(-n --dry-run)'{-n,--dry-run}'[print what would be sent]' \
	'(--unregister -f --force)--status[show what is registered, what is not and why]' \
	'--json[with --status, print one JSON object]' \
	'(--status)--unregister[remove the records and forget the cache]' \
	'(-v --verbose)'{-v,--verbose}'[also log everything to stderr]' \
	'(- *)'{-h,--help}'[print help]' \
	'(- *)'{-V,--version}'[print the version]' \
	'*:interface:_net_interfaces'
