import { ConnectionError } from '../../core/errors.js'

/** The connection was closed or destroyed. */
export function gone(): ConnectionError {
  return new ConnectionError('lost', 'the connection is closed', { connectionLost: true })
}

/** The engine itself has stopped: what runs in WebAssembly was torn down in the middle. */
export function stopped(cause: unknown): ConnectionError {
  return new ConnectionError('lost', 'PGlite has stopped', {
    cause, connectionLost: true, hint: 'the next connection starts it anew; what was only in memory is gone',
  })
}

/** The data folder cannot be what the URL says. */
export function noFolder(message: string, cause?: unknown): ConnectionError {
  return new ConnectionError('unknown-database', message, {
    cause, connectionLost: true, hint: 'pglite:./folder makes the folder itself, in one that exists and may be written to',
  })
}
