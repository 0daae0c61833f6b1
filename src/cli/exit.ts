import { SluiceError } from '../core/errors.js'
import { redactUrl } from '../config/redact.js'

/** Exit codes of the binary; those of an interrupted one stand in interrupt.ts. */
export const EXIT = { ok: 0, failed: 1, usage: 2 } as const

/** The command line itself is wrong: exit code 2. */
export class UsageError extends Error {
  readonly hint: string | undefined
  constructor(message: string, hint?: string) {
    super(message)
    this.name = 'UsageError'
    this.hint = hint
  }
}

/**
 * An error for people: its message, then what can be done about it. Messages of this library hold no secret; those of
 * others may, so passwords in them are masked.
 */
export function errorLines(thrown: unknown): string[] {
  if (!(thrown instanceof SluiceError) && !(thrown instanceof UsageError)) {
    return redactUrl(thrown instanceof Error ? thrown.message : String(thrown)).split('\n')
  }
  const code = thrown instanceof SluiceError ? ` (${thrown.code})` : ''
  return [...`${thrown.message}${code}`.split('\n'), ...thrown.hint === undefined ? [] : [`hint: ${thrown.hint}`]]
}
