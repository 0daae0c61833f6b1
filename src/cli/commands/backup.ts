import { ACTIONS, type Action } from '../backup/actions.js'
import { openBackups } from '../backup/open.js'
import { ProgressLine } from '../backup/progress-line.js'
import type { Invocation } from '../command.js'
import { EXIT, UsageError } from '../exit.js'
import { interruptible } from '../interrupt.js'
import { print, type Output } from '../output.js'
import { listed } from '../text.js'
import { flagOption } from '../values.js'

/** Options every action takes. */
const COMMON: ReadonlySet<string> = new Set(['config', 'database', 'location', 'identityFile', 'json', '--'])

/** `sluice backup <action>`: results to stdout, how far it is to stderr. Exit code 0 only when the action did all it was to do. */
export async function backup(invocation: Invocation, output: Output): Promise<number> {
  const [name, ...values] = invocation.values
  const action = actionNamed(name ?? '')
  const [what, superfluous] = values
  if (action.what !== undefined && what === undefined) throw new UsageError(`backup ${action.name}: ${action.what} is missing`)
  if (action.what === undefined ? what !== undefined : superfluous !== undefined) throw new UsageError(`backup ${action.name}: expected no '${String(superfluous ?? what)}'`)
  checkOptions(action, invocation)
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

function actionNamed(name: string): Action {
  const found = ACTIONS.find((action) => action.name === name)
  if (found) return found
  throw new UsageError(`backup: expected one of ${listed(ACTIONS.map((action) => action.name))}, got '${name}'`, "'sluice help backup' shows what they take")
}

/** The options of one action mean nothing to another: nobody should believe that they did something. */
function checkOptions(action: Action, { options }: Invocation): void {
  for (const [name, value] of Object.entries(options)) {
    const untouched = value === undefined || (value === true && (name === 'owner' || name === 'privileges'))
    if (untouched || COMMON.has(name) || action.options.includes(name)) continue
    const flag = name === 'owner' || name === 'privileges' ? `no-${name}` : name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    throw new UsageError(`backup ${action.name}: --${flag} belongs to another action`, "'sluice help backup' shows what they take")
  }
}
