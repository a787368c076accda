# bash completion of pgsluice. The program itself says what may follow; names of tables are never evaluated here.

_pgsluice() {
  COMPREPLY=()
  local program=pgsluice
  if ! type -P pgsluice > /dev/null; then program=${COMP_WORDS[0]}; fi

  # bash breaks words at = and :, which stand within ours (--output=json, s3://bucket): what has no blank between is one.
  local rest=${COMP_LINE:0:COMP_POINT} word i
  local -a words=()
  for ((i = 0; i <= COMP_CWORD; i++)); do
    local is_new=
    if ((i == 0)) || [[ $rest == [[:blank:]]* ]]; then is_new=1; fi
    rest=${rest#"${rest%%[![:blank:]]*}"}
    word=${COMP_WORDS[i]}
    if ((i == COMP_CWORD)); then word=$rest; fi
    rest=${rest#"$word"}
    if [[ -n $is_new ]]; then words+=("$word"); else words[${#words[@]} - 1]+=$word; fi
  done

  # What is typed, without its quotes; and what of it stays in front of what is put in.
  local last=${words[${#words[@]} - 1]} quote= kept=
  if [[ $last == [\"\']* ]]; then
    quote=${last:0:1}
  elif [[ $COMP_WORDBREAKS == *=* && $last == *=* || $COMP_WORDBREAKS == *:* && $last == *:* ]]; then
    kept=${last%"${last##*[=:]}"}
  fi
  for ((i = 1; i < ${#words[@]}; i++)); do
    word=${words[i]}
    word=${word#[\"\']}
    if ((i < ${#words[@]} - 1)); then word=${word%[\"\']}; fi
    words[i]=${word//\\/}
  done
  last=${words[${#words[@]} - 1]}

  local -a answer=()
  mapfile -t answer < <("$program" complete -- "${words[@]:1}" 2> /dev/null)
  local kind=${answer[0]-} one
  for one in "${answer[@]:1}"; do
    one=${one%%$'\t'*}
    one=${one#"$kept"}
    case $quote in
      \") if [[ $one == *[\"\$\`\\!]* ]]; then continue; fi ;;
      \') if [[ $one == *\'* ]]; then continue; fi ;;
      *) if [[ $kind == words ]]; then printf -v one %q "$one"; fi ;;
    esac
    COMPREPLY+=("$one")
  done
  if ((${#COMPREPLY[@]} == 1)) && [[ ${COMPREPLY[0]} == *: ]]; then compopt -o nospace 2> /dev/null; fi
  if [[ $kind == files || $kind == folders ]]; then
    local -a found=()
    local action=-f
    if [[ $kind == folders ]]; then action=-d; fi
    mapfile -t found < <(compgen "$action" -- "${last#"$kept"}")
    COMPREPLY+=("${found[@]}")
    compopt -o filenames 2> /dev/null
  fi
}

complete -F _pgsluice pgsluice
