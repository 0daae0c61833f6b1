/** Exit codes by the signals that end the work in order: 128 plus the signal's number, as shells have it. */
const EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const
type Signal = keyof typeof EXIT_CODES
const SIGNALS: readonly Signal[] = ['SIGHUP', 'SIGINT', 'SIGTERM']

/** Why the work ends early, and the exit code for it. */
export class Interrupted extends Error {
  readonly exitCode: number
  constructor(signal: Signal) {
    super(`interrupted by ${signal}`)
    this.name = 'Interrupted'
    this.exitCode = EXIT_CODES[signal]
  }
}

/**
 * Runs `work` with a signal that aborts on Ctrl-C, SIGTERM or when the terminal goes, so that it can clear away what it
 * made. The second of them ends the process at once.
 *
 * @param onInterrupt - told at the first one
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>, onInterrupt: () => void): Promise<T> {
  const controller = new AbortController()
  const stop = (name: Signal): void => {
    const reason = new Interrupted(name)
    if (controller.signal.aborted) process.exit(reason.exitCode)
    controller.abort(reason)
    onInterrupt()
  }
  for (const name of SIGNALS) process.on(name, stop)
  try {
    return await work(controller.signal)
  } finally {
    for (const name of SIGNALS) process.off(name, stop)
  }
}
