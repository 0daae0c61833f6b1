import type { ResolvedNode, ResolvedOptions } from '../config/resolved.js'
import type { ConnectSettings } from '../core/driver.js'
import type { Role } from '../core/observer.js'

/** How connections to a node are opened: those to replicas read-only, so that a misrouted write is refused loudly. */
export function connectSettings(node: ResolvedNode, role: Role, options: ResolvedOptions): ConnectSettings {
  return {
    target: node.target,
    readOnly: options.readOnly || role === 'replica',
    connectTimeoutMs: node.connectTimeoutMs,
    statementTimeoutMs: options.statementTimeoutMs,
    maxPreparedStatements: options.maxPreparedStatements,
    types: options.types,
  }
}
