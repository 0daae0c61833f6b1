import type { ServerCapacity, ServerSession } from '../../core/inspection.js'
import { normalize } from '../../sql/fingerprint.js'
import type { Invocation } from '../command.js'
import { EXIT } from '../exit.js'
import { inspected } from '../inspected.js'
import { withDatabase } from '../opened.js'
import { print, type Output } from '../output.js'
import { table, type Column } from '../table.js'
import { plural, seconds } from '../text.js'
import { flagOption } from '../values.js'

const QUERY_COLUMNS = 60

/**
 * `sluice connections`: the sessions on the primary, the oldest transaction first, and who waits for whom. Exit code 1 when
 * somebody waits for a lock.
 */
export async function connections(invocation: Invocation, output: Output): Promise<number> {
  return withDatabase(invocation, output, undefined, async (db, failure) => {
    if (failure) throw failure
    const facts = inspected(db)
    const [capacity, seen] = [await facts.capacity(), await facts.sessions()]
    const { lexicon } = db.assembly.driver.dialect
    // literals in other people's statements are not ours to show
    const sessions = seen.map((session) => ({ ...session, query: session.query && normalize(session.query, lexicon) }))
    const [node = ''] = db.stats().nodes.filter(({ role }) => role === 'primary').map(({ name }) => name)
    if (flagOption(invocation, 'json')) print(output.out, JSON.stringify({ node, ...capacity, byState: byState(sessions), sessions }, null, 2))
    else print(output.out, ...lines(node, capacity, sessions, output))
    return sessions.some(({ blockedBy }) => blockedBy.length > 0) ? EXIT.failed : EXIT.ok
  })
}

function lines(node: string, { max, used }: ServerCapacity, sessions: readonly ServerSession[], { style }: Output): string[] {
  const states = Object.entries(byState(sessions)).map(([state, number]) => `${String(number)} ${state}`).join(', ')
  const columns: Column[] = [
    { title: 'ID', align: 'right' }, { title: 'APPLICATION' }, { title: 'FROM' }, { title: 'STATE' }, { title: 'FOR', align: 'right' },
    { title: 'WAITS FOR' }, { title: 'STATEMENT' },
  ]
  const rows = sessions.map(({ id, application, address, state, ageMs, blockedBy, query }) => [
    String(id), application ?? '', address ?? '', state ?? '', ageMs === undefined ? '' : seconds(ageMs),
    blockedBy.length === 0 ? '' : style.red(blockedBy.join(', ')), shortened(query ?? ''),
  ])
  const summary = `${node}: ${String(used)} of ${plural(max, 'connection')} in use; of this database ${states === '' ? 'none' : states}`
  return [summary, '', ...table(columns, rows, style.dim)]
}

function byState(sessions: readonly ServerSession[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const { state = 'unknown' } of sessions) counts[state] = (counts[state] ?? 0) + 1
  return counts
}

function shortened(query: string): string { return query.length > QUERY_COLUMNS ? `${query.slice(0, QUERY_COLUMNS - 1)}…` : query }
