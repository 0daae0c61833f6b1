import { backoffMs } from '../core/backoff.js'
import type { StreamOptions } from '../core/queryable.js'
import type { RetrySettings } from '../core/settings.js'
import type { Statement } from '../core/statement.js'
import { limitError } from '../pool/guarded.js'
import type { Decision } from '../router/router.js'
import { waitingTransactions } from './ambient.js'
import type { Causal } from './causal.js'
import type { Call } from './execute.js'
import type { FailoverParts } from './failing-over.js'
import { observedStream, type ObservedParts } from './observed.js'
import { pause } from './pause.js'
import { DEFAULT_BATCH_SIZE, OpenStream, perCall } from './open-stream.js'
import type { Patience } from './primary-line.js'
import { mayRepeat } from './retried.js'
import { outcomeOf } from './outcome.js'
import { pickFor, refusedByReplica, takeToPrimary } from './run.js'
import { Watch } from './watch.js'
import { mayStand, type Writes } from './writes.js'

/** What streaming on a pooled connection needs. */
export interface PooledStreamParts {
  readonly failover: FailoverParts
  readonly causal: Causal
  readonly retry: RetrySettings
  readonly observed: ObservedParts
  readonly writes: Writes
}

/**
 * Streams a statement on a pooled connection. Until the first batch has arrived it is repeated where a plain statement
 * would be; after that an error is the caller's, who has seen rows.
 */
export async function* pooledStream<Row>(
  statement: Statement, options: StreamOptions<Row>, call: Call, parts: PooledStreamParts,
): AsyncGenerator<Row[], void, undefined> {
  const batches = repeatedStream<Row>(statement, options, call, parts)
  if (call.classification.class === 'read') return yield* batches
  let stands = true
  try {
    yield* batches
  } catch (error) {
    stands = mayStand(error, call.classification)
    throw error
  } finally {
    if (stands) await parts.writes.committed(call.classification.tables)
  }
}

async function* repeatedStream<Row>(
  statement: Statement, options: StreamOptions<Row>, call: Call, parts: PooledStreamParts,
): AsyncGenerator<Row[], void, undefined> {
  const { failover: { router, line }, causal, retry, observed } = parts
  const batchSize = options.batchSize ?? DEFAULT_BATCH_SIZE
  const patience: Patience = { since: undefined }
  const pick = (): Promise<Decision> =>
    line.once(() => pickFor(router, causal, statement, call), call.limits, patience, call.classification.class === 'read')
  let decision = await pick()
  for (;;) {
    let started = false
    try {
      for await (const batch of streamOn<Row>(decision, statement, call, batchSize, parts)) {
        started = true
        yield batch
      }
      return
    } catch (error) {
      if (!started && refusedByReplica(error, decision)) {
        decision = takeToPrimary(router, decision.node, statement, error, observed.notifier)
      } else if (!started && call.attempt <= retry.reads && mayRepeat(error, call)) {
        if (!await pause(backoffMs(call.attempt - 1, retry), call.limits.signal)) throw error
        decision = await pick()
      } else {
        throw outcomeOf(error, statement, call.classification)
      }
      call.attempt++
    }
  }
}

async function* streamOn<Row>(
  { node, route }: Decision, statement: Statement, call: Call, batchSize: number, { observed, causal }: PooledStreamParts,
): AsyncGenerator<Row[], void, undefined> {
  const { limits, options } = call
  const question = causal.question(call.classification, node)
  const loan = await node.pool.acquire({ limits, label: options.label, text: statement.text, owner: undefined, owners: waitingTransactions() })
  let lent = true
  const release = (): void => {
    if (lent) loan.release()
    lent = false
  }
  const batches = observedStream(loan.stream<Row>(statement, limits, batchSize), statement, call, node, route, observed)
  const startedAt = performance.now()
  let reason: 'timeout' | 'abort' = 'abort'
  const stream = new OpenStream(batches, release, () =>
    limitError(reason, node.name, statement.text, limits, { ms: Math.round(performance.now() - startedAt) }))
  const watch = new Watch(perCall(limits))
  try {
    watch.start((why) => {
      reason = why
      // while a batch is on its way the limits are the loan's affair
      if (stream.suspended) void stream.cut()
    })
    yield* stream.read<Row>()
  } finally {
    watch.end()
    if (question) question.answered(lent ? await loan.ask(question.statement) : undefined)
    release()
  }
}
