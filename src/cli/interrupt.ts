import { EXIT } from './exit.js'

/** Why the work ends early, and the exit code for it. */
export class Interrupted extends Error {
  readonly exitCode: number
  constructor(signal: 'SIGINT' | 'SIGTERM') {
    super(`interrupted by ${signal}`)
    this.name = 'Interrupted'
    this.exitCode = signal === 'SIGINT' ? EXIT.interrupted : EXIT.terminated
  }
}

/**
 * Runs `work` with a signal that aborts on Ctrl-C or SIGTERM, so that it can clear away what it made. A second Ctrl-C
 * ends the process at once.
 *
 * @param onInterrupt - told at the first one
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>, onInterrupt: () => void): Promise<T> {
  const controller = new AbortController()
  const stop = (name: 'SIGINT' | 'SIGTERM') => (): void => {
    const reason = new Interrupted(name)
    if (controller.signal.aborted) process.exit(reason.exitCode)
    controller.abort(reason)
    onInterrupt()
  }
  const [onSigint, onSigterm] = [stop('SIGINT'), stop('SIGTERM')]
  process.on('SIGINT', onSigint)
  process.on('SIGTERM', onSigterm)
  try {
    return await work(controller.signal)
  } finally {
    process.off('SIGINT', onSigint)
    process.off('SIGTERM', onSigterm)
  }
}
