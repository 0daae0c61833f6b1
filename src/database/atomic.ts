import type { Classification } from '../sql/classifier.js'

/** Statements that cannot commit in between; CALL, DO and maintenance can, and a text of several may hold one. */
const ATOMIC: ReadonlySet<string> = new Set(['SELECT', 'VALUES', 'TABLE', 'WITH', 'INSERT', 'UPDATE', 'DELETE', 'MERGE'])

/** Whether an error of the server leaves nothing of the statement behind. */
export function isUndoneWhole({ verb, statements }: Classification): boolean {
  return statements === 1 && ATOMIC.has(verb)
}
