import type { Database } from '../facade/database.js'
import { jsonReply, textReply, type HttpReply } from './reply.js'

/**
 * `/health/live`: the process answers. Never asks the database: a liveness check that does restarts every service at
 * once when the database is away.
 */
export function liveReply(): HttpReply { return jsonReply(200, { status: 'ok' }) }

/**
 * `/health/ready`: whether this service can work, from what the health checks found last; opens and asks nothing. 200 or
 * 503. The loss of replicas alone does not make it unready.
 */
export function readyReply(db: Database): HttpReply {
  const ready = db.health.isHealthy()
  return jsonReply(ready ? 200 : 503, { status: ready ? 'ok' : 'unavailable', checks: { database: ready ? 'ok' : 'unavailable' } })
}

/** `/health/database`: every node with its role, state and lag. 503 when the database is down. */
export function databaseReply(db: Database): HttpReply {
  const { healthy, nodes } = db.health.status()
  return jsonReply(healthy ? 200 : 503, { status: healthy ? 'ok' : 'unavailable', engine: db.engine, nodes })
}

/** `/metrics`: the registry of `db.metrics`, which holds the caller's own metrics too when it is his. 404 while metrics are off. */
export async function metricsReply(db: Database): Promise<HttpReply> {
  if (!db.assembly.options.metrics.enabled) return jsonReply(404, { error: { message: 'metrics are off: open the database without metrics: false' } })
  return textReply(200, await db.metrics.metrics(), db.metrics.contentType)
}

/** `/metrics/database`: the snapshot of `db.stats()` as JSON. */
export function statsReply(db: Database): HttpReply { return jsonReply(200, db.stats()) }
