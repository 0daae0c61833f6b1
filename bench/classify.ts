/**
 * Cost of classifying a statement of 300 characters, remembered and for the first time, and of its fingerprint.
 *
 * Run: `npm run bench -- classify`.
 * Prints one JSON object: medians of interleaved rounds, in nanoseconds per operation, beside the targets.
 * What a reader must not conclude: that figures of two machines can be compared.
 */
import { performance } from 'node:perf_hooks'
import { postgresLexicon } from '../src/drivers/postgres/lexicon.js'
import { Classifier } from '../src/sql/classifier.js'
import { fingerprint } from '../src/sql/fingerprint.js'

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 15)
const CALLS = Number(process.env['BENCH_CALLS'] ?? 200_000)
const OPERATIONS = { remembered: CALLS, first: CALLS / 50, fingerprint: CALLS / 50 }
const TARGETS_NS = { remembered: 100, first: 20_000 }

const STATEMENT = `select o.id, o.total, c.name, coalesce(sum(l.quantity * l.price), 0)::numeric(12,2) as sum from orders o `
  + `join customers c on c.id = o.customer_id left join lines l on l.order_id = o.id `
  + `where o.created_at >= $1 and o.status in ('open', 'paid') and lower(c.name) like $2 `
  + `group by o.id, c.id order by o.id desc limit 50`

type Contender = keyof typeof OPERATIONS

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN
}

/** Keeps the results in use, so that the work is not optimised away. */
let sink = 0

const remembering = new Classifier(postgresLexicon)
const forgetting = new Classifier(postgresLexicon, { maxEntries: 0 })

const RUN: Readonly<Record<Contender, () => void>> = {
  remembered: () => { sink += remembering.classify(STATEMENT).statements },
  first: () => { sink += forgetting.classify(STATEMENT).statements },
  fingerprint: () => { sink += fingerprint(STATEMENT, postgresLexicon).length },
}

function nanosecondsPerOperation(contender: Contender): number {
  const operations = OPERATIONS[contender]
  const run = RUN[contender]
  const start = performance.now()
  for (let count = 0; count < operations; count++) run()
  return (performance.now() - start) * 1e6 / operations
}

const contenders: readonly Contender[] = ['remembered', 'first', 'fingerprint']
const rounds = new Map<Contender, number[]>(contenders.map((contender) => [contender, []]))
for (let round = 0; round < ROUNDS; round++) {
  for (const contender of contenders) rounds.get(contender)?.push(nanosecondsPerOperation(contender))
}
const results = contenders.map((contender) => {
  const values = rounds.get(contender) ?? []
  const [lowest, highest] = [Math.min(...values), Math.max(...values)]
  return { contender, medianNs: Math.round(median(values)), lowestNs: Math.round(lowest), highestNs: Math.round(highest) }
})
console.log(JSON.stringify({ bench: 'classify', characters: STATEMENT.length, targetsNs: TARGETS_NS, results, used: sink > 0 }, null, 2))
