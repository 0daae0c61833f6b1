/** Names other libraries use, and what to write here. */
const FOREIGN: Readonly<Record<string, string>> = {
  connectionstring: 'primary',
  url: 'primary',
  uri: 'primary',
  host: 'primary: { host }',
  port: 'primary: { port }',
  user: 'primary: { user }',
  username: 'user',
  password: 'primary: { password }',
  database: 'primary: { database }',
  dbname: 'database',
  ssl: 'primary: { ssl }',
  sslmode: 'ssl',
  databases: 'options.databases.<name>: the file describes several databases, open one of them',
  master: 'primary',
  writer: 'primary',
  slaves: 'replicas',
  readers: 'replicas',
  readreplicas: 'replicas',
  rejectunauthorized: "mode: 'require' (no check) or 'verify-full'",
  connectiontimeoutmillis: 'connectTimeoutMs',
  connecttimeout: 'connectTimeoutMs',
  idletimeoutmillis: 'idleTimeoutMs',
  maxlifetimeseconds: 'maxLifetimeMs',
  acquiretimeoutmillis: 'acquireTimeoutMs',
  statement_timeout: 'statementTimeoutMs',
  querytimeout: 'statementTimeoutMs',
  connectionlimit: 'max',
  poolsize: 'pool.max',
  testonborrow: "validation: 'always'",
  ttl: 'ttlMs',
  size: 'max',
  interval: 'intervalMs',
  timeout: 'timeoutMs',
  balance: 'strategy',
  maxlag: 'maxReplicationLagMs',
  cron: 'schedule',
}

/** What the writer of an unknown name probably meant, as a sentence; the list of names when nothing is near. */
export function suggestName(wrong: string, known: readonly string[]): string {
  const near = nearest(wrong, known)
  if (near !== undefined) return `did you mean '${near}'?`
  const foreign = FOREIGN[wrong.toLowerCase()]
  if (foreign !== undefined && !known.includes(wrong)) return `write ${foreign}`
  return `known here: ${[...known].sort().join(', ')}`
}

/** The known name nearest to `wrong` in spelling (case, `_` and `-` ignored); undefined when none is near. */
export function nearest(wrong: string, known: readonly string[]): string | undefined {
  const plain = bare(wrong)
  const limit = plain.length <= 4 ? 1 : Math.max(2, Math.floor(plain.length / 3))
  let best: string | undefined
  let bestDistance = limit + 1
  for (const name of known) {
    const distance = editDistance(plain, bare(name))
    if (distance < bestDistance) [best, bestDistance] = [name, distance]
  }
  return best
}

function bare(name: string): string {
  return name.toLowerCase().replaceAll(/[_\-\s]/g, '')
}

/** Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment distance). */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1
      let best = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + cost)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, (beforeLast[j - 2] ?? 0) + 1)
      row.push(best)
    }
    [beforeLast, last] = [last, row]
  }
  return last[b.length] ?? 0
}
