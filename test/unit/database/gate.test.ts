import { describe, expect, it } from 'vitest'
import { limitsFrom } from '../../../src/core/deadline.js'
import { ConflictGate } from '../../../src/database/gate.js'

const soon = () => new Promise<void>((resolve) => { setImmediate(resolve) })

describe('the conflict gate', () => {
  it('lets transactions of one name run side by side while they do not conflict', async () => {
    const gate = new ConflictGate()
    const leave = await Promise.all([gate.enter('t', 0), gate.enter('t', 1), gate.enter('t', 0)])
    expect(leave).toHaveLength(3)
  })

  it('lets one that keeps conflicting run alone, and the others after it', async () => {
    const gate = new ConflictGate()
    const order: string[] = []
    const first = await gate.enter('t', 0)
    const alone = gate.enter('t', 2).then((leave) => { order.push('alone'); return leave })
    const later = gate.enter('t', 0).then((leave) => { order.push('later'); return leave })
    await soon()
    expect(order).toEqual([])
    first()
    const leaveAlone = await alone
    await soon()
    expect(order).toEqual(['alone'])
    leaveAlone()
    ;(await later)()
    expect(order).toEqual(['alone', 'later'])
  })

  it('keeps different names apart', async () => {
    const gate = new ConflictGate()
    await gate.enter('a', 0)
    await expect(gate.enter('b', 5)).resolves.toBeTypeOf('function')
  })

  it('holds nobody beyond the limits of the call', async () => {
    const gate = new ConflictGate()
    const leave = await gate.enter('t', 0)
    const controller = new AbortController()
    const startedAt = performance.now()
    const timed = gate.enter('t', 2, limitsFrom(50))
    const aborted = gate.enter('t', 2, limitsFrom(undefined, controller.signal))
    setTimeout(() => { controller.abort() }, 50)
    for (const late of [await timed, await aborted, await gate.enter('t', 2, limitsFrom(undefined, controller.signal))]) late()
    expect(performance.now() - startedAt).toBeLessThan(1_000)
    leave()
  })

  it('loses patience rather than waiting for ever, and stays usable', async () => {
    const gate = new ConflictGate(100)
    const stuck = await gate.enter('t', 0)
    const leave = await gate.enter('t', 3)
    leave()
    stuck()
    const alone = await gate.enter('t', 3)
    let entered = false
    const next = gate.enter('t', 0).then((done) => { entered = true; return done })
    await soon()
    expect(entered).toBe(false)
    alone()
    ;(await next)()
  })
})
