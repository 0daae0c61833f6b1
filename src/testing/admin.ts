import { TestClusterError } from './errors.js'

/** How the superuser reaches a server: a socket folder or host with its port, or a whole URL. */
export type AdminTarget =
  | { readonly host: string, readonly port: number, readonly user: string, readonly password?: string | undefined, readonly database: string }
  | { readonly url: string }

/** A row of an admin statement. */
export type AdminRow = Readonly<Record<string, unknown>>

/** Runs one statement in an admin session. */
export type AdminQuery = (sql: string, values?: readonly unknown[]) => Promise<readonly AdminRow[]>

const CONNECT_TIMEOUT_MS = 5_000
const QUERY_TIMEOUT_MS = 30_000
const END_TIMEOUT_MS = 1_000

/**
 * Opens one session for `work` and closes it, whatever happens. Deliberately not the library's own driver: what is
 * tested must not also be the measuring tool.
 *
 * @throws TestClusterError when the server cannot be reached or refuses a statement; the npm client's error is the cause
 */
export async function withAdmin<T>(target: AdminTarget, work: (query: AdminQuery) => Promise<T>): Promise<T> {
  const { default: pg } = await import('pg')
  const where = 'url' in target ? { connectionString: target.url } : target
  const client = new pg.Client({
    ...where, application_name: 'sluice-testing', connectionTimeoutMillis: CONNECT_TIMEOUT_MS, query_timeout: QUERY_TIMEOUT_MS,
  })
  client.on('error', () => {})
  const query: AdminQuery = async (sql, values) => {
    try {
      return (await client.query<AdminRow>(sql, values ? [...values] : undefined)).rows
    } catch (cause) {
      throw new TestClusterError(`admin statement failed: ${messageOf(cause)}`, { cause, sql })
    }
  }
  try {
    await client.connect().catch((cause: unknown) => {
      throw new TestClusterError(`no admin session on the test server: ${messageOf(cause)}`, { cause })
    })
    return await work(query)
  } finally {
    await endOf(client)
  }
}

/** One statement in a session of its own. */
export async function adminQuery(target: AdminTarget, sql: string, values?: readonly unknown[]): Promise<readonly AdminRow[]> {
  return withAdmin(target, (query) => query(sql, values))
}

/** A frozen server never answers the goodbye: it is not waited for long. */
async function endOf(client: { end(): Promise<void> }): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const patience = new Promise<void>((resolve) => { timer = setTimeout(resolve, END_TIMEOUT_MS) })
  await Promise.race([client.end().catch(() => {}), patience])
  clearTimeout(timer)
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
