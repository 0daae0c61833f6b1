import type { Database } from '../../facade/database.js'
import type { Invocation } from '../command.js'
import { EXIT, errorLines } from '../exit.js'
import { inspected, type Inspected } from '../inspected.js'
import { withDatabase } from '../opened.js'
import { print, type Output } from '../output.js'
import { millis, seconds } from '../text.js'
import { flagOption } from '../values.js'

/** One thing that was looked at. */
interface Finding {
  readonly check: string
  readonly verdict: 'ok' | 'warning' | 'failure'
  readonly message: string
}

/** Clocks further apart make timestamps of two machines incomparable. */
const CLOCK_MS = 1_000
/** A transaction this old holds back clean-up, and locks. */
const OLD_TRANSACTION_MS = 300_000
/** The first Node.js line that is still maintained. */
const MAINTAINED_NODE = 22

/** `sluice doctor`: looks for what goes wrong in practice. Exit code 1 when something does not work, 0 with warnings. */
export async function doctor(invocation: Invocation, output: Output): Promise<number> {
  return withDatabase(invocation, output, undefined, async (db, failure) => {
    const findings = [runtime(), ...await nodes(db), ...failure === undefined ? await server(db) : [found('primary', 'failure', errorLines(failure).join('; '))]]
    const failed = findings.some(({ verdict }) => verdict === 'failure')
    if (flagOption(invocation, 'json')) print(output.out, JSON.stringify({ ok: !failed, findings }, null, 2))
    else print(output.out, ...findings.map((finding) => line(finding, output)))
    return failed ? EXIT.failed : EXIT.ok
  })
}

function line({ check, verdict, message }: Finding, { style }: Output): string {
  const { green, yellow, red, glyphs } = style
  const sign = verdict === 'ok' ? green(glyphs.done) : verdict === 'warning' ? yellow('!') : red(glyphs.failed)
  return `${sign} ${check}: ${message}`
}

function found(check: string, verdict: Finding['verdict'], message: string): Finding { return { check, verdict, message } }

function runtime(): Finding {
  const { node } = process.versions
  return Number(node.split('.')[0]) >= MAINTAINED_NODE ? found('runtime', 'ok', `Node.js ${node}`)
    : found('runtime', 'warning', `Node.js ${node} gets no security fixes any more: use ${String(MAINTAINED_NODE)} or later`)
}

async function nodes(db: Database): Promise<Finding[]> {
  const { nodes: seen } = await db.health.check()
  return seen.map(({ name, role, says, state, lagging, lagMs, fenced, lastError, version }) => {
    if (state !== 'up') return found(name, role === 'primary' ? 'failure' : 'warning', `${role}, ${state}${lastError === undefined ? '' : `: ${lastError}`}`)
    if (fenced !== undefined) return found(name, 'failure', `must not be used: ${fenced}`)
    if (says !== undefined && says !== role) return found(name, 'failure', `taken for a ${role}, and says it is a ${says}`)
    if (lagging) return found(name, 'warning', `replica, ${millis(lagMs ?? 0)} ms behind: it takes no reads`)
    return found(name, 'ok', `${role}, up${version === undefined ? '' : `, ${version}`}${role === 'replica' && lagMs !== undefined ? `, ${millis(lagMs)} ms behind` : ''}`)
  })
}

async function server(db: Database): Promise<Finding[]> {
  if (!db.assembly.driver.dialect.inspection) return []
  const facts = inspected(db)
  return [...await setup(db, facts), await capacity(db, facts), ...await sessions(facts)]
}

async function setup(db: Database, facts: Inspected): Promise<Finding[]> {
  const startedAt = Date.now()
  const { encrypted, clock, statementTimeoutMs, idleInTransactionTimeoutMs } = await facts.setup()
  const { options: { statementTimeoutMs: ours, primary } } = db.assembly
  const skewMs = clock === undefined ? 0 : Math.max(0, startedAt - clock, clock - Date.now())
  const local = primary.target.hosts.every(({ host }) => ['localhost', '127.0.0.1', '::1'].includes(host) || host.startsWith('/'))
  return [
    encrypted === false && !local
      ? found('encryption', 'warning', 'passwords and rows travel in the clear: sslmode=verify-full')
      : found('encryption', 'ok', encrypted === true ? 'the connection is encrypted' : 'not encrypted, on this machine'),
    skewMs > CLOCK_MS ? found('clock', 'warning', `the server's clock is ${seconds(skewMs)} off`) : found('clock', 'ok', 'agrees with the server\'s'),
    statementTimeoutMs === 0 && ours === 0
      ? found('statement timeout', 'warning', 'a statement may run for ever: set statementTimeoutMs') : found('statement timeout', 'ok', 'is set'),
    idleInTransactionTimeoutMs === 0
      ? found('idle transactions', 'warning', 'a client that dies silently holds its locks: set idle_in_transaction_session_timeout on the server')
      : found('idle transactions', 'ok', 'are ended by the server'),
  ]
}

async function capacity(db: Database, facts: Inspected): Promise<Finding> {
  const { max, used } = await facts.capacity()
  const { pool } = db.assembly.options
  // of its pool, and one of the probes
  const configured = pool.max + pool.maxOverflow + 1
  const message = `${String(used)} of ${String(max)} in use; one process of this configuration takes up to ${String(configured)}`
  if (configured > max) return found('connections', 'failure', `${message}: lower pool.max, or raise max_connections`)
  if (used > 0.8 * max) return found('connections', 'warning', message)
  return found('connections', 'ok', `${message}, so ${String(Math.floor(max / configured))} of them fit`)
}

async function sessions(facts: Inspected): Promise<Finding[]> {
  const all = await facts.sessions()
  const old = all.filter(({ state, ageMs }) => state?.startsWith('idle in transaction') === true && (ageMs ?? 0) > OLD_TRANSACTION_MS)
  const blocked = all.filter(({ blockedBy }) => blockedBy.length > 0)
  return [
    old.length === 0 ? found('old transactions', 'ok', 'none')
      : found('old transactions', 'warning', `idle for ${seconds(old[0]?.ageMs ?? 0)} and less: ${old.map(({ id }) => String(id)).join(', ')}`),
    blocked.length === 0 ? found('locks', 'ok', 'nobody waits for one')
      : found('locks', 'warning', blocked.map(({ id, blockedBy }) => `${String(id)} waits for ${blockedBy.join(', ')}`).join('; ')),
  ]
}
