import type { Invocation } from './command.js'
import { UsageError } from './exit.js'
import { listed } from './text.js'

/** One of the things that a command with several actions does. */
export interface NamedAction {
  readonly name: string
  /** Options of its own, in camelCase. */
  readonly options: readonly string[]
}

/** @throws {@link UsageError} the command has no such action */
export function actionNamed<Action extends NamedAction>(command: string, actions: readonly Action[], name: string): Action {
  const found = actions.find((action) => action.name === name)
  if (found) return found
  throw new UsageError(`${command}: expected one of ${listed(actions.map((action) => action.name))}, got '${name}'`, `'sluice help ${command}' shows what they take`)
}

/**
 * The options of one action mean nothing to another: nobody should believe that they did something.
 *
 * @param common - options of every action
 * @param negated - options that are true unless `--no-…` was said
 * @throws {@link UsageError} naming the option
 */
export function refuseForeignOptions(
  command: string, action: NamedAction, { options }: Invocation, common: ReadonlySet<string>, negated: ReadonlySet<string> = new Set(),
): void {
  for (const [name, value] of Object.entries(options)) {
    const untouched = value === undefined || (value === true && negated.has(name))
    if (untouched || common.has(name) || action.options.includes(name)) continue
    const flag = negated.has(name) ? `no-${name}` : name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    throw new UsageError(`${command} ${action.name}: --${flag} belongs to another action`, `'sluice help ${command}' shows what they take`)
  }
}
