import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import type { Database } from '../../../src/index.js'
import { operationsListener } from '../../../src/http/index.js'
import { METRICS } from '../../../src/metrics/catalog.js'
import { freshDatabase } from '../../support/database.js'
import { errorOf, opener } from '../database/open.js'
import { call, listen } from '../http/support.js'

const server = await freshDatabase()
const open = opener(server)
await server.admin('create table item (id int primary key, v text)')
await server.admin('grant all on item to public')
await server.waitForReplay()

interface Line { readonly name: string; readonly labels: Readonly<Record<string, string>>; readonly value: number }

async function scraped(source: Database | Registry): Promise<Line[]> {
  const text = await (source instanceof Registry ? source : source.metrics).metrics()
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).map((line) => {
    const [, name = '', labels = '', value = ''] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [line]
    return { name, labels: Object.fromEntries([...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, label = '', text = '']) => [label, text])), value: Number(value) }
  })
}

function total(lines: readonly Line[], name: string, labels: Readonly<Record<string, string>> = {}): number {
  const wanted = lines.filter((line) => line.name === name && Object.entries(labels).every(([label, value]) => line.labels[label] === value))
  return wanted.reduce((sum, { value }) => sum + value, 0)
}

describe('db.metrics', () => {
  it('counts what was run, where and how it ended', async () => {
    const db = await open()
    const [primary] = db.stats().nodes
    const node = primary?.name ?? ''
    for (let at = 0; at < 10; at++) await db.query('select 1')
    await db.execute('insert into item values (1, $1)', ['a'])
    await errorOf(db.execute('insert into item values (1, $1)', ['b']))
    await db.transaction((tx) => tx.query('select 1'))
    await errorOf(db.transaction(() => { throw new Error('no') }))
    const lines = await scraped(db)
    const queries = 'sluice_query_duration_seconds_count'
    expect(total(lines, queries, { operation: 'SELECT', role: 'replica', route: 'read', outcome: 'success' })).toBe(10)
    expect(total(lines, queries, { operation: 'INSERT', node, route: 'forced', outcome: 'success' })).toBe(1)
    expect(total(lines, queries, { operation: 'INSERT', outcome: 'error' })).toBe(1)
    expect(total(lines, 'sluice_query_errors_total')).toBe(1)
    expect(total(lines, 'sluice_transactions_total', { outcome: 'committed', node })).toBe(1)
    expect(total(lines, 'sluice_transactions_total', { outcome: 'rolled-back' })).toBe(1)
    expect(total(lines, 'sluice_transaction_duration_seconds_count')).toBe(2)
    expect(total(lines, 'sluice_info', { engine: 'postgres' })).toBe(1)
  })

  it('says of pools and nodes what db.stats() says', async () => {
    const db = await open({ pool: { max: 3 } })
    await db.query('select 1', [], { target: 'primary' })
    await db.connection(async (held) => {
      await held.query('select 1')
      const [primary, ...replicas] = db.stats().nodes
      const lines = await scraped(db)
      const node = primary?.name ?? ''
      expect(total(lines, 'sluice_pool_connections', { node, state: 'in_use' })).toBe(primary?.inUse)
      expect(total(lines, 'sluice_pool_connections', { node })).toBe((primary?.openConnections ?? 0) + (primary?.connecting ?? 0))
      expect(total(lines, 'sluice_pool_connections_max')).toBe(9)
      expect(total(lines, 'sluice_node_up')).toBe(3)
      expect(total(lines, 'sluice_primary_available')).toBe(1)
      expect(lines.filter(({ name }) => name === 'sluice_replica_lag_seconds').map(({ labels }) => labels['node']).sort())
        .toEqual(replicas.filter(({ lagMs }) => lagMs !== undefined).map(({ name }) => name).sort())
    })
    const lines = await scraped(db)
    expect(total(lines, 'sluice_pool_use_duration_seconds_count')).toBeGreaterThan(0)
    expect(total(lines, 'sluice_pool_acquire_duration_seconds_count', { outcome: 'success' })).toBeGreaterThan(0)
    expect(total(lines, 'sluice_pool_connect_duration_seconds_count', { outcome: 'success' })).toBeGreaterThan(0)
  })

  it('counts how calls of the cache were answered', async () => {
    const db = await open()
    for (let at = 0; at < 3; at++) await db.query('select v from item', [], { cache: true })
    const lines = await scraped(db)
    expect([total(lines, 'sluice_cache_requests_total', { result: 'miss' }), total(lines, 'sluice_cache_requests_total', { result: 'hit' })]).toEqual([1, 2])
    expect(total(lines, 'sluice_cache_entries')).toBe(1)
  })

  it('describes every metric of the list, and no other', async () => {
    const db = await open()
    const described = [...(await db.metrics.metrics()).matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name, type]) => [name, type])
    expect(described).toEqual(Object.entries(METRICS).map(([name, { type }]) => [name, type]))
  })

  it('holds neither statements nor values nor secrets', async () => {
    const db = await open()
    await db.query("select 'in the text' as v, $1::text as w", ['a parameter'])
    await errorOf(db.query('select nothing_of_the_kind', []))
    const text = await db.metrics.metrics()
    for (const secret of ['in the text', 'a parameter', 'nothing_of_the_kind', new URL(server.primaryUrl).password]) expect(text).not.toContain(secret)
  })

  it('counts no single statements with collectQueryStats: false', async () => {
    const db = await open({ metrics: { collectQueryStats: false } })
    await db.query('select 1')
    const lines = await scraped(db)
    expect(total(lines, 'sluice_query_duration_seconds_count')).toBe(0)
    expect(total(lines, 'sluice_pool_connections')).toBeGreaterThan(0)
  })

  it('is an empty registry with metrics: false', async () => {
    const db = await open({ metrics: false })
    await db.query('select 1')
    expect(await db.metrics.getMetricsAsJSON()).toEqual([])
  })
})

describe('a registry of the caller', () => {
  it('is shared by databases, each under its own name, until they are closed', async () => {
    const registry = new Registry()
    const [one, two] = [await open({ metrics: { registry } }), await open({ metrics: { registry } })]
    expect(one.metrics).toBe(registry)
    await one.query('select 1')
    const names = [server.name, `${server.name}#2`]
    expect((await scraped(registry)).filter(({ name }) => name === 'sluice_info').map(({ labels }) => labels['database'])).toEqual(names)
    expect(total(await scraped(registry), 'sluice_query_duration_seconds_count', { database: server.name })).toBe(1)
    await one.close()
    expect((await scraped(registry)).filter(({ name }) => name === 'sluice_info').map(({ labels }) => labels['database'])).toEqual([names[1]])
    await two.close()
    expect(registry.getMetricsAsArray()).toEqual([])
  })

  it('may be one for OpenMetrics', async () => {
    const registry = new Registry()
    registry.setContentType('application/openmetrics-text; version=1.0.0; charset=utf-8' as never)
    const db = await open({ metrics: { registry } })
    await db.transaction((tx) => tx.query('select 1'))
    const text = await db.metrics.metrics()
    expect(text).toMatch(/^# TYPE sluice_transactions counter$/m)
    expect(text).toMatch(/^sluice_transactions_total\{.*outcome="committed"\} 1$/m)
    expect(await db.metrics.metrics()).toMatch(/^sluice_transactions_total\{/m)
  })
})

describe('/metrics', () => {
  it('answers what Prometheus reads, to those who may ask, and 404 while metrics are off', async () => {
    const [db, off] = [await open(), await open({ metrics: false })]
    const { server: http, port } = await listen(operationsListener(db, { authorize: ({ headers }) => headers['x-key'] === 'right' }))
    const without = await listen(operationsListener(off))
    try {
      const answer = await call(port, '/metrics', { method: 'GET', headers: { 'x-key': 'right' } })
      expect(answer).toMatchObject({ status: 200, headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' } })
      expect(answer.body).toContain('sluice_pool_connections{')
      expect(await call(port, '/metrics', { method: 'GET' })).toMatchObject({ status: 403 })
      expect(await call(without.port, '/metrics', { method: 'GET' })).toMatchObject({ status: 404 })
    } finally {
      for (const each of [http, without.server]) each.close()
    }
  })
})
