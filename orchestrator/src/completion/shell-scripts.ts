export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** Words that a POSIX shell, and fish, read as they are. */
export function quoted(words: readonly string[]): string {
  return words
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(' ');
}

// The words are split anew: bash breaks them at `:` and `=` too, and replaces only the last part.
const bash = (weft: string) => `# weft completion for bash: source it, for example in ~/.bashrc
_weft() {
  local line="\${COMP_LINE:0:COMP_POINT}" word text prefix
  local part="\${COMP_WORDS[COMP_CWORD]}"
  local -a words
  read -ra words <<< "$line"
  [[ "$line" == *[[:space:]] ]] && words+=("")
  local current="\${words[\${#words[@]}-1]}"
  [[ "$part" == [:=] ]] && part=""
  prefix="\${current%"$part"}"
  COMPREPLY=()
  while IFS=$'\\t' read -r word text; do
    COMPREPLY+=("\${word#"$prefix"}")
  done < <(${weft} __complete -- "\${words[@]:1}" 2>/dev/null)
  [[ "\${COMPREPLY[0]-}" == *= ]] && compopt -o nospace 2>/dev/null
  return 0
}
complete -o default -F _weft weft`;

const zsh = (weft: string) => `#compdef weft
# weft completion for zsh: source it after compinit, or save it as _weft in a folder of $fpath
_weft() {
  local word text
  local -a found
  while IFS=$'\\t' read -r word text; do
    found+=("\${word//:/\\\\:}\${text:+:$text}")
  done < <(${weft} __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  if (( \${#found} )); then _describe weft found; else _files; fi
}
compdef _weft weft`;

const fish = (
  weft: string,
) => `# weft completion for fish: save it as ~/.config/fish/completions/weft.fish
function __weft_complete
  set -l words (commandline -opc) (commandline -ct)
  set -l found (${weft} __complete -- $words[2..-1] 2>/dev/null)
  if test (count $found) -gt 0
    printf '%s\\n' $found
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c weft -f -a '(__weft_complete)'`;

const scripts: Record<Shell, (weft: string) => string> = { bash, zsh, fish };

/**
 * What makes a shell complete the words of `weft`: it asks \`weft __complete\` at each tab.
 * @param weft the words that start this program
 */
export function shellScript(shell: Shell, weft: readonly string[]): string {
  return scripts[shell](quoted(weft));
}
