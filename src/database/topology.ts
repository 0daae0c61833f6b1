import type { Driver } from '../core/driver.js'
import type { Notifier } from '../core/notify.js'
import type { Role, WarningEvent } from '../core/observer.js'
import type { ResolvedNode, ResolvedOptions } from '../config/resolved.js'
import type { Freshness } from '../router/freshness.js'
import type { Node, StateListener } from '../router/node.js'
import { Outliers } from '../router/outliers.js'
import { Roles } from '../router/roles.js'
import { Router } from '../router/router.js'
import type { CoreHooks } from './core-hooks.js'
import type { FailoverParts } from './failing-over.js'
import { Fleet } from './fleet.js'
import { makeNode } from './make-node.js'
import { PrimaryLine } from './primary-line.js'

/** What a topology is made of. */
export interface TopologyParts {
  readonly driver: Driver
  readonly options: ResolvedOptions
  readonly hooks: CoreHooks
  readonly notifier: Notifier
  readonly freshness: Freshness | undefined
  /** A primary was found after one had been lost. */
  readonly onFound: () => void
}

/** The servers, who of them is what, and the line of those who wait for a primary. */
export interface Topology {
  readonly fleet: Fleet
  readonly failover: FailoverParts
  readonly outliers: Outliers
  readonly roleOf: (node: string) => Role
}

/** Makes the nodes and wires them: what one of them says or suffers reaches the roles, and from there whoever waits. */
export function makeTopology({ driver, options, hooks, notifier, freshness, onFound }: TopologyParts): Topology {
  const onState: StateListener = (changed, from, reason) => {
    // a server that was lost may come back with less than it had
    if (changed.state !== 'up') freshness?.forget(changed)
    hooks.onNodeState(changed, from, reason)
    roles.judge()
    if (from === 'recovering' && changed.state === 'down') outliers.flapped(changed)
    if (changed.state === 'up') line.readsMayGo()
  }
  const node = (settings: ResolvedNode, role: Role): Node => makeNode(settings, role, { driver, options, notifier, onState })
  const fleet = new Fleet([node(options.primary, 'primary'), ...replicasOf(driver, options).map((replica) => node(replica, 'replica'))])
  const outliers = new Outliers(() => fleet.all, options.routing.ejection, (ejected, from, to, reason) => {
    notifier.notify('node', { node: ejected.name, role: ejected.role, from, to, reason })
  })
  const { failoverTimeoutMs } = options
  const roles = new Roles(() => fleet.all, {
    onStep: (event) => {
      if (event.step === 'found') onFound()
      notifier.notify('failover', event)
    },
    onChange: () => { line.changed() },
    onMisplaced: (misplaced) => { notifier.notify('warning', mismatch(misplaced)) },
  }, { patient: failoverTimeoutMs > 0, readOnly: options.readOnly, positions: driver.dialect.positions })
  const line = new PrimaryLine({ roles, failoverTimeoutMs, maxWaiting: options.pool.maxWaiting, seek: () => { hooks.seek() } })
  const router = new Router(() => fleet.all, options.routing, roles)
  return { fleet, outliers, failover: { router, line, ask: (name) => hooks.ask(name) }, roleOf: (name) => fleet.named(name)?.role ?? 'primary' }
}

/** The replicas of the options; where there are none, an embedded file's readers. */
function replicasOf(driver: Driver, { primary, replicas, readOnly }: ResolvedOptions): readonly ResolvedNode[] {
  if (replicas.length > 0 || readOnly || driver.readers?.(primary.target) !== true) return replicas
  return [{ ...primary, name: `${primary.name} (readers)` }]
}

function mismatch({ name, configuredRole, facts }: Node): WarningEvent {
  const message = `${name} is configured as ${configuredRole} and says it is a ${facts?.role ?? 'stranger'}`
  return { code: 'SLUICE_ROLE_MISMATCH', node: name, error: undefined, message }
}
