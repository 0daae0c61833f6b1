import { fileURLToPath } from 'node:url'
import type { Holder, PoolStats } from './stats.js'

/** Holders named in one message. */
const NAMED_HOLDERS = 5
const TEXT_LENGTH = 60

/** This library's own folder, so that a stack line shows the caller's code. */
const OWN_FOLDER = fileURLToPath(new URL('..', import.meta.url))

/** What is known of a pool at one moment. */
export interface Evidence {
  readonly stats: PoolStats
  readonly holders: readonly Holder[]
  /** How long the longest waiter has been waiting; undefined when nobody waits. */
  readonly oldestWaitMs: number | undefined
  /** Holders whose transaction itself waits for a connection of this pool. */
  readonly entangled: number
  /** Connections that may exist at once, overflow included. */
  readonly limit: number
}

/** The pool's condition in lines for an error message: numbers first, then who holds connections, longest first. */
export function describe(evidence: Evidence): string {
  const { stats, holders, oldestWaitMs } = evidence
  const oldest = oldestWaitMs === undefined ? '' : ` (oldest ${seconds(oldestWaitMs)})`
  const checking = stats.checking > 0 ? `, ${stats.checking} being checked` : ''
  const lines = [
    `  pool: ${stats.inUse}/${stats.max} in use, ${stats.idle} idle${checking}, ${stats.connecting} connecting, ${stats.waiting} waiting${oldest}`,
  ]
  const longest = [...holders].sort((a, b) => b.ageMs - a.ageMs)
  for (const [index, holder] of longest.slice(0, NAMED_HOLDERS).entries()) {
    lines.push(`${index === 0 ? '  held longest: ' : ' '.repeat(16)}${describeHolder(holder)}`)
  }
  if (longest.length > NAMED_HOLDERS) lines.push(`${' '.repeat(16)}and ${longest.length - NAMED_HOLDERS} more`)
  return lines.join('\n')
}

/** One holder in one line. */
export function describeHolder(holder: Holder): string {
  const parts = [
    seconds(holder.ageMs).padStart(6),
    holder.transaction ? 'tx' : '– ',
    holder.label === undefined ? '(no label)' : `"${holder.label}"`,
    `last: ${holder.text === undefined ? 'nothing yet' : shorten(holder.text)}`,
    holder.state === 'running' ? `running ${seconds(holder.stateMs)}` : `${holder.state} ${seconds(holder.stateMs)}`,
  ]
  const line = callerLine(holder.stack)
  if (line) parts.push(line)
  return parts.join('  ')
}

/** What to do about a pool that gave nothing. */
export function advise(evidence: Evidence): string {
  const { stats, holders, entangled } = evidence
  if (entangled > 0) {
    return `${entangled} of ${holders.length} holders are transactions that are themselves waiting for a connection: pass \`tx\` to nested calls`
  }
  const inTransaction = holders.filter((holder) => holder.state === 'idle in transaction').length
  if (inTransaction > 0) {
    return `${inTransaction} of ${holders.length} holders are idle in a transaction: keep slow work (HTTP calls, waiting) out of transactions`
  }
  if (holders.length > 0 && holders.every((holder) => holder.state === 'running')) {
    return 'every holder is running a statement: look for slow ones, or raise pool.max within what the server allows'
  }
  if (stats.connecting > 0) return 'connections are still being opened: is the server overloaded, or connectTimeoutMs above pool.acquireTimeoutMs?'
  return 'look for loans that are not given back (pool.leakDetectionMs shows where they were taken), or raise pool.max'
}

/** One line, shortened. The text holds placeholders, never parameter values. */
function shorten(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length > TEXT_LENGTH ? `${line.slice(0, TEXT_LENGTH - 1)}…` : line
}

/** `0.3 s`, `41.2 s`. */
function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}

/** Where the caller's code is in a stack: the first `file:line` outside this library and Node. */
function callerLine(stack: string | undefined): string | undefined {
  const frames = stack?.split('\n').slice(1).filter((frame) => !frame.includes('node:')) ?? []
  const frame = frames.find((line) => !line.includes(OWN_FOLDER)) ?? frames[0]
  const location = frame && /([^\s(]+:\d+):\d+\)?$/.exec(frame)?.[1]
  return location?.replace(/^file:\/\//, '').replace(`${process.cwd()}/`, '')
}
