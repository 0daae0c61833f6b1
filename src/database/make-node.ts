import type { ResolvedNode, ResolvedOptions } from '../config/resolved.js'
import type { Driver } from '../core/driver.js'
import { ConnectionError, type SluiceError } from '../core/errors.js'
import { errorFromFacts } from '../core/explain.js'
import type { Notifier } from '../core/notify.js'
import type { Role } from '../core/observer.js'
import { Lanes } from '../pool/lanes.js'
import { Pool } from '../pool/pool.js'
import { Node, type StateListener } from '../router/node.js'
import { connectSettings } from './connect-settings.js'
import { fittingLimits } from './pool-limits.js'

/** What nodes are made with. */
export interface NodeParts {
  readonly driver: Driver
  readonly options: ResolvedOptions
  readonly notifier: Notifier
  readonly onState: StateListener
}

/** Makes one node with its pool; opens nothing. Connections are opened for the role it has at that moment. */
export function makeNode(settings: ResolvedNode, role: Role, { driver, options, notifier, onState }: NodeParts): Node {
  driver.check?.(connectSettings(settings, role, options))
  const explain = (cause: unknown, context: object): ReturnType<typeof errorFromFacts> =>
    errorFromFacts(driver.dialect.describeError(cause), cause, { node: settings.name, ...context })
  const connect = async (signal: AbortSignal): ReturnType<Driver['connect']> => {
    try {
      return await driver.connect(connectSettings(settings, made.role, options), signal)
    } catch (cause) {
      throw explain(cause, { neverSent: true })
    }
  }
  const counted = async (signal: AbortSignal): ReturnType<Driver['connect']> => {
    const startedAt = performance.now()
    try {
      return await connect(signal)
    } catch (error) {
      if (!signal.aborted) made.failed(error as SluiceError, startedAt)
      throw error
    }
  }
  const silent = (startedAt: number): void => {
    const { name } = settings
    made.failed(new ConnectionError('timeout', `${name} does not answer on a connection that was idle`, { node: name, connectionLost: true }), startedAt)
  }
  const limits = fittingLimits(options.pool, role, driver.dialect.features, options.readOnly)
  const pool = new Pool(limits, { name: settings.name, connect: counted, explain, notifier, silent })
  const lanes = driver.dialect.features.pipelining
    ? new Lanes({ name: settings.name, pool, max: () => pool.settings.lanes, explain: (cause, sql) => explain(cause, { sql }) })
    : undefined
  const made = new Node({
    name: settings.name, weight: settings.weight, zone: settings.zone, role, connect,
    failureThreshold: options.health.failureThreshold,
    maxLagMs: options.routing.maxReplicationLagMs, maxLagBytes: options.routing.maxReplicationLagBytes,
  }, pool, onState, lanes)
  return made
}
