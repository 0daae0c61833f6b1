import { checkNamed, transactionOptionsBut, type Check } from '../database/call-check.js'

const TEXT: Check = ['a text', (value) => typeof value === 'string']
const FUNCTION: Check = ['a function', (value) => typeof value === 'function']
const ABOVE_ZERO: Check = ['a number above 0', (value) => typeof value === 'number' && value > 0]

const TABLES = {
  operations: new Map<string, Check>([['prefix', TEXT], ['authorize', FUNCTION]]),
  dashboard: new Map<string, Check>([['path', TEXT], ['authorize', FUNCTION], ['intervalMs', ABOVE_ZERO]]),
  transaction: new Map<string, Check>([
    ...transactionOptionsBut('signal', 'retries', 'ambient', 'idempotencyKey'),
    ['streams', ["one of 'reject', 'commit-first'", (value) => value === 'reject' || value === 'commit-first']], ['commitOn', FUNCTION],
  ]),
}

/**
 * Checks the options of what is mounted, when it is mounted. Above all a misspelled `authorize` must not leave routes
 * open to everyone.
 *
 * @throws {@link ConfigError} naming the option, what was expected and what came
 */
export function checkMounted(kind: keyof typeof TABLES, options: object): void { checkNamed(TABLES[kind], options) }
