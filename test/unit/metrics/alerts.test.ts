import { describe, expect, it } from 'vitest'
import type { Alert, AlertSettings } from '../../../src/index.js'
import type { DatabaseStats, NodeStats } from '../../../src/database/snapshot.js'
import { AlertWatch } from '../../../src/metrics/alerts.js'

interface World { inUse: number, lagMs: number | undefined, primary: boolean, queries: number, totalLatencyMs: number }

function watch(settings: Partial<AlertSettings> = {}): { world: World, alerts: Alert[], warned: string[], failures: string[], check(): void } {
  const world: World = { inUse: 0, lagMs: 0, primary: true, queries: 0, totalLatencyMs: 0 }
  const [alerts, warned, failures]: [Alert[], string[], string[]] = [[], [], []]
  const stats = (): DatabaseStats => ({
    nodes: [{ name: 'db2', role: 'replica', inUse: world.inUse, max: 10, waiting: 0, lagMs: world.lagMs } as NodeStats],
    primaryQueries: world.queries, replicaQueries: 0, errors: 0, slowQueries: 0, totalLatencyMs: world.totalLatencyMs, latency: { p50: 0, p95: 0, p99: 0 },
  })
  const made = new AlertWatch({
    settings: { connectionThreshold: 0.8, queryLatencyMs: 100, onAlert: (alert) => { alerts.push(alert) }, ...settings }, intervalMs: 10_000, stats,
    primaryAvailable: () => world.primary, maxLagMs: 1_000, onRaised: ({ message }) => { warned.push(message) },
    onFailure: ({ message }) => { failures.push(message) },
  })
  return { world, alerts, warned, failures, check: () => { made.check() } }
}

describe('alerts', () => {
  it('are raised once, when two checks in a row agree, and are over well below the threshold only', () => {
    const { world, alerts, warned, check } = watch()
    world.inUse = 8
    check()
    expect(alerts).toEqual([])
    for (let at = 0; at < 3; at++) check()
    expect(alerts).toMatchObject([{ kind: 'connections', state: 'raised', node: 'db2', value: 0.8, threshold: 0.8 }])
    world.inUse = 7.5
    check()
    expect(alerts).toHaveLength(1)
    world.inUse = 7
    check()
    expect(alerts.slice(1)).toMatchObject([{ kind: 'connections', state: 'cleared', value: 0.7 }])
    expect(warned).toEqual(['8 of 10 connections to db2 are in use, 0 callers wait'])
  })

  it('are not raised by what passes', () => {
    const { world, alerts, check } = watch()
    for (let at = 0; at < 6; at++) {
      world.inUse = at % 2 === 0 ? 10 : 0
      check()
    }
    expect(alerts).toEqual([])
  })

  it('know latency of late, lag, and a missing primary', () => {
    const { world, alerts, check } = watch()
    Object.assign(world, { queries: 1_000, totalLatencyMs: 1_000 })
    check()
    Object.assign(world, { lagMs: 1_500, primary: false })
    for (let at = 0; at < 2; at++) {
      world.queries += 10
      world.totalLatencyMs += 2_000
      check()
    }
    expect(alerts.map(({ kind, node, value }) => [kind, node, value])).toEqual([
      ['no-primary', undefined, 1], ['query-latency', undefined, 200], ['replication-lag', 'db2', 1_500],
    ])
    Object.assign(world, { lagMs: 0, primary: true })
    check()
    expect(alerts.slice(3).map(({ kind, state }) => `${kind} ${state}`)).toEqual(['no-primary cleared', 'query-latency cleared', 'replication-lag cleared'])
  })

  it('go on when the callback throws', () => {
    const { world, warned, failures, check } = watch({ onAlert: () => { throw new Error('no bell') } })
    world.primary = false
    for (let at = 0; at < 2; at++) check()
    expect([warned, failures]).toEqual([['there is no primary: writes wait'], ['no bell']])
  })
})
