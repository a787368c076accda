# fish completion of pgsluice. The program itself says what may follow; names of tables are never evaluated here.

function __pgsluice_complete
    set -l words (commandline -opc)
    set -e words[1]
    set -l current (commandline -ct)
    set -l answer (command pgsluice complete -- $words "$current" 2> /dev/null)
    switch "$answer[1]"
        case files
            __fish_complete_path (string replace -r '^--[a-z0-9-]+=' '' -- "$current")
        case folders
            __fish_complete_directories (string replace -r '^--[a-z0-9-]+=' '' -- "$current") ''
    end
    set -e answer[1]
    for line in $answer
        echo $line
    end
end

complete -c pgsluice -f -k -a '(__pgsluice_complete)'
