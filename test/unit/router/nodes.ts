import type { ConnectionError } from '../../../src/core/errors.js'
import type { Role } from '../../../src/core/observer.js'
import type { Pool } from '../../../src/pool/pool.js'
import { Node, type NodeSettings, type StateListener } from '../../../src/router/node.js'

/** A node without a server, for tests of pure decisions. */
export function node(name: string, role: Role, settings: Partial<NodeSettings> = {}, onState: StateListener = () => undefined): Node {
  const none = { lent: 0, waiting: 0, reset: () => Promise.resolve(), abandon: () => undefined, turnAway: () => undefined } as unknown as Pool
  return new Node({
    name, role, weight: 1, zone: undefined, failureThreshold: 2, maxLagMs: 1_000, maxLagBytes: undefined,
    connect: () => Promise.reject(new Error('no server')), ...settings,
  }, none, onState)
}

/** Marks a node as probed, so many milliseconds behind. */
export function probed(target: Node, lagMs = 0, lagBytes = 0): Node {
  target.probed({ role: target.role, position: '0/1', lagMs, timeline: 1, systemId: '1' }, lagBytes)
  return target
}

/** Makes a node `down`. */
export function down(target: Node, error: ConnectionError): Node {
  while (target.state !== 'down') target.failed(error)
  return target
}
