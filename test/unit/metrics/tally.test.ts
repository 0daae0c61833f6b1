import { describe, expect, it } from 'vitest'
import { METRICS } from '../../../src/metrics/catalog.js'
import { Recorder } from '../../../src/metrics/recorder.js'
import { Tally } from '../../../src/metrics/tally.js'
import type { QueryEvent } from '../../../src/core/observer.js'
import { NoReplicaError } from '../../../src/core/errors.js'

const QUERY: QueryEvent = {
  text: 'select 1', name: undefined, label: undefined, node: 'db1', role: 'primary', route: 'read', command: 'SELECT', rowCount: 1, durationMs: 2, attempt: 1,
  error: undefined,
}

describe('a tally', () => {
  it('counts by labels', () => {
    const tally = new Tally('sluice_query_errors_total')
    tally.add(1, 'a', 'X')
    tally.add(1, 'a', 'X')
    tally.add(1, 'b', 'X')
    expect(tally.samples()).toEqual([{ labels: { node: 'a', code: 'X' }, value: 2 }, { labels: { node: 'b', code: 'X' }, value: 1 }])
  })

  it('of a gauge keeps the last value', () => {
    const tally = new Tally('sluice_backup_last_success_timestamp_seconds')
    tally.add(5, 'backup')
    tally.add(7, 'backup')
    expect(tally.samples()).toEqual([{ labels: { operation: 'backup' }, value: 7 }])
  })

  it('of a histogram has cumulative buckets whose bounds are inclusive, the sum in seconds and the count', () => {
    const tally = new Tally('sluice_pool_use_duration_seconds')
    for (const ms of [0.1, 1, 1.5, 60_000]) tally.observe(ms, 'db1')
    const samples = tally.samples()
    const upTo = (le: string): number | undefined => samples.find(({ suffix, labels }) => suffix === '_bucket' && labels['le'] === le)?.value
    expect([upTo('0.0005'), upTo('0.001'), upTo('0.0025'), upTo('30'), upTo('+Inf')]).toEqual([1, 2, 3, 3, 4])
    expect(samples.find(({ suffix }) => suffix === '_sum')?.value).toBeCloseTo(60.0026, 6)
    expect(samples.find(({ suffix }) => suffix === '_count')?.value).toBe(4)
  })

  it('puts what goes beyond a thousand combinations of labels together', () => {
    const tally = new Tally('sluice_pool_acquire_timeouts_total')
    for (let node = 0; node < 5_000; node++) tally.add(1, `db${String(node)}`)
    const samples = tally.samples()
    expect(samples.length).toBe(1_001)
    expect(samples.find(({ labels }) => labels['node'] === 'other')?.value).toBe(4_000)
  })
})

describe('the recorder', () => {
  it('names operations from a bounded set, also of statements that failed', () => {
    const recorder = new Recorder(true)
    recorder.query?.(QUERY)
    recorder.query?.({ ...QUERY, command: 'VACUUM' })
    recorder.query?.({ ...QUERY, command: undefined, text: '  insert into t values (1)', error: new NoReplicaError('none') })
    const counted = recorder.samples('sluice_query_duration_seconds').filter(({ suffix }) => suffix === '_count')
    expect(counted.map(({ labels: { operation, outcome } }) => `${String(operation)} ${String(outcome)}`)).toEqual(['SELECT success', 'other success', 'INSERT error'])
    expect(recorder.samples('sluice_query_errors_total')).toEqual([{ labels: { node: 'db1', code: 'SLUICE_NO_REPLICA' }, value: 1 }])
  })

  it('does not listen to statements when they are not to be counted', () => {
    expect(new Recorder(false).query).toBeUndefined()
  })
})

describe('the names of metrics', () => {
  it('end as their type and unit want it', () => {
    const wrong = Object.entries(METRICS).filter(([name, { type }]) =>
      (type === 'counter') !== name.endsWith('_total') || (type === 'histogram' && !name.endsWith('_seconds')))
    expect(wrong).toEqual([])
  })

  it('use no label that a scrape adds itself', () => {
    const labels = Object.values(METRICS).flatMap(({ labels }): readonly string[] => labels)
    expect(labels.filter((label) => ['job', 'instance', 'le', 'database'].includes(label))).toEqual([])
  })
})
