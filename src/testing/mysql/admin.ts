import { withTimeout } from '../../core/deadline.js'
import { TestClusterError } from '../errors.js'

/** How the superuser reaches a server: its socket, or a URL. */
export type MysqlAdmin = { readonly socketPath: string } | { readonly uri: string }

/** A row of an admin statement. */
export type AdminRow = Readonly<Record<string, unknown>>

/** Runs one statement in an admin session. */
export type AdminQuery = (sql: string) => Promise<readonly AdminRow[]>

const CONNECT_TIMEOUT_MS = 5_000
const QUERY_TIMEOUT_MS = 30_000
const END_TIMEOUT_MS = 1_000

/**
 * Opens one session for `work` and closes it, whatever happens. Deliberately not the library's own driver: what is
 * tested must not also be the measuring tool.
 *
 * @throws TestClusterError when the server cannot be reached or refuses a statement; the npm client's error is the cause
 */
export async function withAdmin<T>(target: MysqlAdmin, work: (query: AdminQuery) => Promise<T>): Promise<T> {
  const { createConnection } = await import('mysql2/promise')
  const where = 'uri' in target ? target : { ...target, user: 'root' }
  const connection = await createConnection({ ...where, connectTimeout: CONNECT_TIMEOUT_MS }).catch((cause: unknown) => {
    throw new TestClusterError(`no admin session on the test server: ${messageOf(cause)}`, { cause })
  })
  connection.on('error', () => {})
  const query: AdminQuery = async (sql) => {
    try {
      const late = (): Error => new TestClusterError(`the server did not answer in ${QUERY_TIMEOUT_MS} ms`)
      const [rows] = await withTimeout(connection.query(sql), QUERY_TIMEOUT_MS, late)
      return Array.isArray(rows) ? rows as readonly AdminRow[] : []
    } catch (cause) {
      throw new TestClusterError(`admin statement failed: ${messageOf(cause)}`, { cause, sql })
    }
  }
  try {
    return await work(query)
  } finally {
    // a frozen server never answers the goodbye
    await withTimeout(connection.end(), END_TIMEOUT_MS, () => new TestClusterError('no goodbye')).catch(() => { connection.destroy() })
  }
}

/** One statement in a session of its own. */
export async function adminQuery(target: MysqlAdmin, sql: string): Promise<readonly AdminRow[]> {
  return withAdmin(target, (query) => query(sql))
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
