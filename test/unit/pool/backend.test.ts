import { describe, expect, it } from 'vitest'
import { GenericPoolBackend } from '../../../src/pool/backend.js'

describe('the ledger of slots kept by generic-pool', () => {
  it('gives every taker a slot of its own and counts from the moment of asking', async () => {
    const backend = new GenericPoolBackend()
    const taking = [backend.take(), backend.take(), backend.take()]
    expect(backend.taken).toBe(3)
    const slots = await Promise.all(taking)
    expect(new Set(slots).size).toBe(3)
    for (const slot of slots) backend.give(slot)
    expect(backend.taken).toBe(0)
  })

  it('refuses a slot that is given back twice, and lends it to one only', async () => {
    const backend = new GenericPoolBackend()
    const slot = await backend.take()
    backend.give(slot)
    expect(() => { backend.give(slot) }).toThrow('not taken')
    const [one, two] = await Promise.all([backend.take(), backend.take()])
    expect(one).not.toBe(two)
    expect(backend.taken).toBe(2)
  })

  it('never makes a taker wait for another', async () => {
    const backend = new GenericPoolBackend()
    const slots = await Promise.all(Array.from({ length: 1_000 }, () => backend.take()))
    expect(new Set(slots).size).toBe(1_000)
  })
})
