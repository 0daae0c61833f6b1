import { describe, expect, it } from 'vitest'
import type { EjectionSettings } from '../../../src/core/settings.js'
import type { Node } from '../../../src/router/node.js'
import { Outliers } from '../../../src/router/outliers.js'
import { node, probed } from './nodes.js'

const SETTINGS: EjectionSettings = { latencyFactor: 5, minLatencyMs: 100, baseMs: 5_000, maxMs: 60_000, maxShare: 0.5 }

function world(replicas: number, settings: Partial<EjectionSettings> = {}) {
  const nodes = [probed(node('p', 'primary')), ...Array.from({ length: replicas }, (_, index) => probed(node(`r${String(index + 1)}`, 'replica')))]
  const told: string[] = []
  const outliers = new Outliers(() => nodes, { ...SETTINGS, ...settings }, (of, from, to, reason) => { told.push(`${of.name} ${from} -> ${to}: ${reason}`) }, () => 1)
  const answer = (ms: readonly number[], times = 20): void => {
    for (const [index, each] of ms.entries()) for (let n = 0; n < times; n++) nodes[index + 1]?.answered(each)
  }
  const ejected = (): string[] => nodes.filter((each: Node) => each.ejected !== undefined).map(({ name }) => name)
  return { nodes, told, outliers, answer, ejected }
}

describe('a replica that is far slower than the others', () => {
  it('is ejected, comes back on trial, and is ejected for longer the next time', () => {
    const { nodes, told, outliers, answer, ejected } = world(2)
    const start = performance.now()
    answer([10, 400])
    outliers.judge(start)
    expect(ejected()).toEqual(['r2'])
    outliers.judge(start + 5_001)
    expect(nodes[2]?.state).toBe('recovering')
    nodes[2]?.probed({ role: 'replica', position: '0/1', lagMs: 0, timeline: 1, systemId: '1' }, 0)
    expect(told).toEqual(['r2 up -> ejected: it answers in 400 ms, the others in 10 ms; no reads for 5.0 s', 'r2 ejected -> recovering: its ejection is over'])
  })

  it.each([
    ['all of them are slow', [400, 400], 20],
    ['it is not much slower in all', [1, 60], 20],
    ['it is not many times slower', [300, 500], 20],
    ['too little was asked to tell', [10, 400], 5],
  ] as const)('but not when %s', (_what, ms, times) => {
    const { outliers, answer, ejected } = world(2)
    answer(ms, times)
    outliers.judge()
    expect(ejected()).toEqual([])
  })

  it('is judged by what it did since the last look', () => {
    const { outliers, answer, ejected } = world(3)
    answer([10, 10, 10], 1_000)
    outliers.judge()
    answer([10, 10, 700])
    outliers.judge()
    expect(ejected()).toEqual(['r3'])
  })

  it('stays where more than the share would be ejected, and where it is the only one', () => {
    const three = world(3)
    three.answer([10, 700, 700])
    three.outliers.judge()
    expect(three.ejected()).toEqual([])
    three.answer([10, 11, 700])
    three.outliers.judge()
    three.answer([10, 700])
    three.outliers.judge()
    expect(three.ejected()).toEqual(['r3'])
    const one = world(1)
    one.answer([700])
    one.outliers.judge()
    expect(one.ejected()).toEqual([])
    const off = world(2, { maxShare: 0 })
    off.answer([10, 700])
    off.outliers.judge()
    expect(off.ejected()).toEqual([])
  })
})

describe('a replica that fails as soon as it is given work', () => {
  it('may do so once; then it is ejected, longer each time, and forgiven when it has been good', () => {
    const { nodes, told, outliers, ejected } = world(2)
    const now = performance.now()
    const r1 = nodes[1]!
    outliers.flapped(r1, now)
    expect(ejected()).toEqual([])
    outliers.flapped(r1, now)
    outliers.flapped(r1, now + 6_000)
    expect(told.map((line) => line.replace(/.*no reads for /, ''))).toEqual(['5.0 s', '10.0 s'])
    outliers.flapped(r1, now + 200_000)
    expect(told).toHaveLength(2)
  })
})
