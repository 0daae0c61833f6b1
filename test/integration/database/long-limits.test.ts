import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { freshDatabase } from '../../support/database.js'
import { errorOf, opener } from './open.js'

const server = await freshDatabase()
const open = opener(server)

/** The longest limit there is. */
const LONGEST_MS = 2 ** 31 - 1

describe('the longest limits', () => {
  it('do not end a transaction at once', async () => {
    const db = await open()
    await expect(db.transaction(async (tx) => {
      await tx.query('select pg_sleep(0.05)')
      return tx.value('select 1')
    }, { timeoutMs: LONGEST_MS })).resolves.toBe(1)
  })

  it('do not end a transaction opened by hand', async () => {
    const db = await open()
    const tx = await db.begin({ timeoutMs: LONGEST_MS })
    await tx.query('select pg_sleep(0.05)')
    expect(tx.state).toBe('open')
    await tx.commit()
  })
})

describe('a callback that aborts its own signal', () => {
  it('and throws at once: the caller hears of it, and no rejection is left behind', async () => {
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    onTestFinished(() => void process.off('unhandledRejection', unhandled))
    const db = await open()
    const controller = new AbortController()
    const error = await errorOf(db.transaction(() => {
      controller.abort()
      throw new Error('mine')
    }, { signal: controller.signal }))
    await new Promise((resolve) => setImmediate(resolve))
    expect((error as Error).message).toMatch(/mine|aborted/)
    expect(unhandled).not.toHaveBeenCalled()
  })
})
