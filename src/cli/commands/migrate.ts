import type { Invocation } from '../command.js'
import { UsageError } from '../exit.js'
import { actionNamed, refuseForeignOptions } from '../family.js'
import { interruptible } from '../interrupt.js'
import { ACTIONS, type Action } from '../migrate/actions.js'
import { exitCodeOf, refusalLines } from '../migrate/exit-codes.js'
import { openMigrations } from '../migrate/open.js'
import { MigrationProgress } from '../migrate/progress.js'
import { columnsOf, print, printError, type Output } from '../output.js'
import { flagOption } from '../values.js'

/** Options every action takes. */
const COMMON: ReadonlySet<string> = new Set(['config', 'database', 'dir', 'schema', 'lockTimeout', 'json', '--'])

/** `sluice migrate <action>`: results to stdout, how far it is to stderr; exit codes say why it refused. */
export async function migrate(invocation: Invocation, output: Output): Promise<number> {
  const [name = '', what, superfluous] = invocation.values
  const action = actionNamed('migrate', ACTIONS, name)
  if (action.what === 'needed' && what === undefined) throw new UsageError(`migrate ${action.name}: ${action.meaning} is missing`)
  if (superfluous !== undefined || (action.what === 'none' && what !== undefined)) throw new UsageError(`migrate ${action.name}: expected no '${String(superfluous ?? what)}'`)
  refuseForeignOptions('migrate', action, invocation, COMMON)
  const progress = new MigrationProgress(output)
  return interruptible((signal) => perform(action, invocation, output, progress, signal), () => {
    progress.end()
    print(output.err, 'interrupted: what runs is cancelled (Ctrl-C again to leave at once)')
  })
}

async function perform(action: Action, invocation: Invocation, output: Output, progress: MigrationProgress, signal: AbortSignal): Promise<number> {
  const json = flagOption(invocation, 'json')
  const { migrations, folder, close } = await openMigrations(invocation, output, progress)
  try {
    const columns = columnsOf(output.out)
    const result = await action.run({ migrations, folder, invocation, what: invocation.values[1], style: output.style, columns, signal })
    progress.end()
    if (json) print(output.out, JSON.stringify(result.json, null, 2))
    else print(output.out, ...result.lines)
    return result.exitCode ?? 0
  } catch (error) {
    progress.end()
    if (signal.aborted) throw signal.reason
    const exitCode = exitCodeOf(error)
    if (exitCode === undefined) throw error
    const refusal = refusalLines(error)
    if (json) print(output.out, JSON.stringify(refusal.json, null, 2))
    printError(output, refusal.lines)
    return exitCode
  } finally {
    progress.end()
    await close()
  }
}
