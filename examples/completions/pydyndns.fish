# fish completion for pydyndns

complete -c pydyndns -f -a '(__fish_print_interfaces)' -d Interface
complete -c pydyndns -s c -l config -r -F -d 'Read this configuration file'
complete -c pydyndns -s f -l force -d 'Wipe the cache first and send in any case'
complete -c pydyndns -s n -l dry-run -d 'Print what would be sent'
complete -c pydyndns -l status -d 'Show what is registered, what is not and why'
complete -c pydyndns -l json -d 'With --status, print one JSON object'
complete -c pydyndns -l unregister -d 'Remove the records and forget the cache'
complete -c pydyndns -s v -l verbose -d 'Also log everything to stderr'
complete -c pydyndns -s h -l help -d 'Print help'
complete -c pydyndns -s V -l version -d 'Print the version'
