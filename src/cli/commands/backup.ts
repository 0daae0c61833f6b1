import { ACTIONS, type Action } from '../backup/actions.js'
import { openBackups } from '../backup/open.js'
import { ProgressLine } from '../backup/progress-line.js'
import type { Invocation } from '../command.js'
import { EXIT, UsageError } from '../exit.js'
import { actionNamed, refuseForeignOptions } from '../family.js'
import { interruptible } from '../interrupt.js'
import { print, type Output } from '../output.js'
import { flagOption } from '../values.js'

/** Options every action takes. */
const COMMON: ReadonlySet<string> = new Set(['config', 'database', 'location', 'identityFile', 'json', '--'])
/** On unless they are switched off. */
const NEGATED: ReadonlySet<string> = new Set(['owner', 'privileges'])

/** `sluice backup <action>`: results to stdout, how far it is to stderr. Exit code 0 only when the action did all it was to do. */
export async function backup(invocation: Invocation, output: Output): Promise<number> {
  const [name, ...values] = invocation.values
  const action = actionNamed('backup', ACTIONS, name ?? '')
  const [what, superfluous] = values
  if (action.what !== undefined && what === undefined) throw new UsageError(`backup ${action.name}: ${action.what} is missing`)
  if (action.what === undefined ? what !== undefined : superfluous !== undefined) throw new UsageError(`backup ${action.name}: expected no '${String(superfluous ?? what)}'`)
  refuseForeignOptions('backup', action, invocation, COMMON, NEGATED)
  const progress = new ProgressLine(output)
  return interruptible((signal) => perform(action, invocation, output, progress, signal), () => {
    progress.end()
    print(output.err, 'interrupted: clearing away (Ctrl-C again to leave at once)')
  })
}

async function perform(action: Action, invocation: Invocation, output: Output, progress: ProgressLine, signal: AbortSignal): Promise<number> {
  const { backups, close } = await openBackups(invocation, output)
  try {
    const { json, lines, wrong } = await action.run({
      backups, invocation, what: invocation.values[1] ?? '', style: output.style, signal, onProgress: (now) => { progress.show(now) },
      say: (line) => { print(output.err, line) },
    })
    progress.end()
    if (flagOption(invocation, 'json')) print(output.out, JSON.stringify(json, null, 2))
    else print(output.out, ...lines)
    return wrong === true ? EXIT.failed : EXIT.ok
  } catch (error) {
    // the job's own words for being cancelled are of no use to whoever pressed Ctrl-C
    throw signal.aborted ? signal.reason : error
  } finally {
    progress.end()
    await close()
  }
}
