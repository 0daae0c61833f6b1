import type { QueryResult } from '../core/result.js'
import type { Statement } from '../core/statement.js'
import type { Call, Execute } from './execute.js'
import { mayStand, type Writes } from './writes.js'

/** Announces what single statements have changed, once per call: outside retry, inside the cache. */
export function announced(next: Execute, writes: Writes): Execute {
  return function announce<Row>(statement: Statement, call: Call): Promise<QueryResult<Row>> {
    const answer = next<Row>(statement, call)
    return call.classification.class === 'read' ? answer : whenSettled(answer, call, writes)
  }
}

async function whenSettled<Row>(answer: Promise<QueryResult<Row>>, { classification }: Call, writes: Writes): Promise<QueryResult<Row>> {
  try {
    const result = await answer
    await writes.committed(classification.tables)
    return result
  } catch (error) {
    if (mayStand(error, classification)) await writes.committed(classification.tables)
    throw error
  }
}
