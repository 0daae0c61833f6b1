import { COMMANDS } from './commands.js'
import { UsageError } from './exit.js'

/** A command with what may stand behind it. */
interface Completed {
  readonly name: string
  readonly summary: string
  readonly actions: readonly string[]
  /** Flag and meaning: `--json`. */
  readonly options: readonly (readonly [flag: string, meaning: string])[]
}

type Shell = 'bash' | 'zsh' | 'fish'

const SCRIPTS: Readonly<Record<Shell, (commands: readonly Completed[]) => string>> = { bash, zsh, fish }

/**
 * A script for a shell that completes commands, their actions and options; `eval` it, or put it where the shell looks.
 *
 * @throws {@link UsageError} another shell
 */
export async function completionScript(shell: string | undefined): Promise<string> {
  if (shell !== undefined && Object.hasOwn(SCRIPTS, shell)) return SCRIPTS[shell as Shell](await everything())
  throw new UsageError(`completion: expected bash, zsh or fish, got ${shell === undefined ? 'nothing' : `'${shell}'`}`, 'try: eval "$(sluice completion bash)"')
}

async function everything(): Promise<Completed[]> {
  const [migrate, backup] = await Promise.all([import('./migrate/actions.js'), import('./backup/actions.js')])
  const actions: Readonly<Record<string, readonly { readonly name: string }[]>> = { migrate: migrate.ACTIONS, backup: backup.ACTIONS }
  const commands = COMMANDS.map(({ name, summary, options }) => ({
    name, summary, actions: (actions[name] ?? []).map((action) => action.name),
    options: [...options.map(([flag, meaning]) => [flag.split(' ')[0] ?? flag, meaning] as const), ['--help', 'Show what it takes'] as const],
  }))
  return [
    ...commands,
    { name: 'completion', summary: 'Print a script that completes command lines', actions: Object.keys(SCRIPTS), options: [] },
    { name: 'help', summary: 'Show what a command takes', actions: commands.map(({ name }) => name), options: [] },
  ]
}

const words = ({ actions, options }: Completed): string => [...actions, ...options.map(([flag]) => flag)].join(' ')
const flags = ({ options }: Completed): string => options.map(([flag]) => flag).join(' ')

function bash(commands: readonly Completed[]): string {
  return `_sluice() {
  local current=\${COMP_WORDS[COMP_CWORD]} choices
  if [ "$COMP_CWORD" -eq 1 ]; then choices='${commands.map(({ name }) => name).join(' ')} --help --version'
  elif [ "$COMP_CWORD" -eq 2 ]; then
    case "\${COMP_WORDS[1]}" in
${commands.map((command) => `      ${command.name}) choices='${words(command)}' ;;`).join('\n')}
    esac
  else
    case "\${COMP_WORDS[1]}" in
${commands.map((command) => `      ${command.name}) choices='${flags(command)}' ;;`).join('\n')}
    esac
  fi
  COMPREPLY=($(compgen -W "$choices" -- "$current"))
}
complete -o default -F _sluice sluice`
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

function zsh(commands: readonly Completed[]): string {
  const described = (name: string, meaning: string): string => quoted(`${name.replaceAll(':', '\\:')}:${meaning.replaceAll(':', '\\:')}`)
  const list = (pairs: readonly (readonly [string, string])[]): string => pairs.map(([name, meaning]) => described(name, meaning)).join(' ')
  return `#compdef sluice
_sluice() {
  local -a choices
  if (( CURRENT == 2 )); then choices=(${list(commands.map(({ name, summary }) => [name, summary]))})
  else
    case "\${words[2]}" in
${commands.map(({ name, options, actions }) => `      ${name}) choices=(${list(options)}); (( CURRENT == 3 )) && choices+=(${actions.map(quoted).join(' ')}) ;;`).join('\n')}
    esac
  fi
  _describe 'sluice' choices || _files
}
compdef _sluice sluice`
}

/** fish has two escapes in quotes: of the quote and of the backslash. */
function fish(commands: readonly Completed[]): string {
  const text = (meaning: string): string => `'${meaning.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
  return commands.flatMap(({ name, summary, actions, options }) => [
    `complete -c sluice -n __fish_use_subcommand -f -a ${name} -d ${text(summary)}`,
    ...actions.length > 0 ? [`complete -c sluice -n '__fish_seen_subcommand_from ${name}; and test (count (commandline -opc)) -eq 2' -f -a '${actions.join(' ')}'`] : [],
    ...options.map(([flag, meaning]) => `complete -c sluice -n '__fish_seen_subcommand_from ${name}' -l ${flag.replace(/^--/, '')} -d ${text(meaning)}`),
  ]).join('\n')
}
