import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { TransactionClosedError } from '../../../src/index.js'
import { freshDatabase } from '../../support/database.js'
import { errorOf, opener, Told } from './open.js'

const server = await freshDatabase()
const open = opener(server)
const insert = 'insert into entry (id) values ($1)'

beforeAll(async () => {
  await server.admin('create table entry (id int primary key)')
  await server.admin('grant all on all tables in schema public to public')
})
beforeEach(async () => { await server.admin('truncate entry') })

const ids = async (): Promise<unknown[]> => (await server.admin('select id from entry order by id')).map(({ id }) => id)

describe('a transaction inside a transaction', () => {
  it('undoes only its own changes when it fails', async () => {
    const db = await open()
    await db.transaction(async (tx) => {
      await tx.execute(insert, [1])
      const inner = tx.transaction(async (inside) => {
        await inside.execute(insert, [2])
        await inside.execute(insert, [1])
      })
      await expect(inner).rejects.toMatchObject({ code: 'SLUICE_CONSTRAINT' })
      await tx.transaction((inside) => inside.execute(insert, [3]))
    })
    expect(await ids()).toEqual([1, 3])
  })

  it('is undone with the one around it', async () => {
    const db = await open()
    await errorOf(db.transaction(async (tx) => {
      await tx.transaction((inner) => inner.execute(insert, [1]))
      throw new Error('undo')
    }))
    expect(await ids()).toEqual([])
  })

  it('is made by db.transaction as well, at any depth', async () => {
    const db = await open({ pool: { max: 1 } })
    await db.transaction(async () => {
      await db.execute(insert, [1])
      await db.transaction(async () => {
        await db.execute(insert, [2])
        await errorOf(db.transaction(async () => {
          await db.execute(insert, [3])
          throw new Error('only the innermost')
        }))
        await db.transaction(() => db.execute(insert, [4]))
      })
    })
    expect(await ids()).toEqual([1, 2, 4])
  })

  it('runs after its sibling when both are asked for at once, and each keeps its own fate', async () => {
    const db = await open()
    const order: string[] = []
    await db.transaction(async (tx) => {
      const inner = (id: number, fails: boolean) => tx.transaction(async (inside) => {
        order.push(`enter ${String(id)}`)
        await inside.execute(insert, [id])
        await inside.query('select pg_sleep(0.02)')
        order.push(`leave ${String(id)}`)
        if (fails) throw new Error(`undo ${String(id)}`)
      })
      const results = await Promise.allSettled([inner(1, false), inner(2, true), inner(3, false)])
      expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    })
    expect(order).toEqual(['enter 1', 'leave 1', 'enter 2', 'leave 2', 'enter 3', 'leave 3'])
    expect(await ids()).toEqual([1, 3])
  })

  it('fails where a swallowed error had aborted it, and the one around it goes on', async () => {
    const db = await open()
    await db.transaction(async (tx) => {
      await tx.execute(insert, [1])
      const inner = tx.transaction(async (inside) => { await inside.execute(insert, [1]).catch(() => undefined) })
      await expect(inner).rejects.toMatchObject({ code: 'SLUICE_TRANSACTION_ROLLED_BACK' })
      await tx.execute(insert, [2])
    })
    expect(await ids()).toEqual([1, 2])
  })

  it('that fails while the one around it commits sends nothing any more', async () => {
    const told = new Told()
    const db = await open({ replicas: [], pool: { max: 1 }, observers: [told] })
    for (let turn = 0; turn < 20; turn++) {
      let inner: Promise<unknown> | undefined
      await db.transaction(async (tx) => {
        await tx.execute(insert, [turn])
        let entered: () => void = () => undefined
        const inside = new Promise<void>((resolve) => { entered = resolve })
        inner = errorOf(tx.transaction(async () => {
          entered()
          await new Promise((resolve) => { setImmediate(resolve) })
          throw new Error('too late')
        }))
        await inside
      })
      await inner
    }
    await expect(db.value('select 1')).resolves.toBe(1)
    expect(told.warnings).toEqual([])
    expect(db.stats().nodes[0]).toMatchObject({ opened: 1, brokenClosed: 0 })
  })

  it('that outlives the one around it is closed with it and disturbs nobody', async () => {
    const told = new Told()
    const db = await open({ replicas: [], pool: { max: 1 }, observers: [told] })
    let go: () => void = () => undefined
    const gate = new Promise<void>((resolve) => { go = resolve })
    let inner: Promise<unknown> | undefined
    let entered: () => void = () => undefined
    const inside = new Promise<void>((resolve) => { entered = resolve })
    await db.transaction(async (tx) => {
      inner = errorOf(tx.transaction(async (savepoint) => {
        entered()
        await gate
        await savepoint.execute(insert, [9])
      }))
      await inside
    })
    go()
    expect(await inner).toBeInstanceOf(TransactionClosedError)
    await expect(db.value('select 1')).resolves.toBe(1)
    expect(told.warnings).toEqual([])
    expect(db.stats().nodes[0]).toMatchObject({ opened: 1, brokenClosed: 0 })
  })
})

describe('hooks', () => {
  it('afterCommit runs after the commit, in order, awaited, and outside the transaction', async () => {
    const db = await open({ replicas: [], pool: { max: 1 } })
    const order: unknown[] = []
    await db.transaction(async (tx) => {
      await tx.execute(insert, [1])
      tx.afterCommit(async () => {
        order.push(await db.value('select count(*)::int from entry'))
        await db.transaction((own) => own.execute(insert, [2]))
      })
      tx.afterCommit(() => { order.push('second') })
      tx.afterRollback(() => { order.push('never') })
      order.push('body')
    })
    expect(order).toEqual(['body', 1, 'second'])
    expect(await ids()).toEqual([1, 2])
  })

  it('a hook is outside the transaction also when that was ended inside its callback', async () => {
    const told = new Told()
    const db = await open({ observers: [told] })
    const order: unknown[] = []
    await db.transaction(async (tx) => {
      await tx.execute(insert, [1])
      tx.afterCommit(async () => { order.push(await db.primary.value('select count(*)::int from entry')) })
      await tx.commit()
      order.push('body goes on')
    })
    expect(order).toEqual([1, 'body goes on'])
    expect(told.warnings).toEqual([])
  })

  it('afterRollback runs after the rollback, whatever caused it', async () => {
    const db = await open()
    const order: string[] = []
    await errorOf(db.transaction((tx) => {
      tx.afterCommit(() => { order.push('never') })
      tx.afterRollback(() => { order.push('rolled back') })
      throw new Error('undo')
    }))
    const manual = await db.begin()
    manual.afterRollback(() => { order.push('by hand') })
    await manual.rollback()
    expect(order).toEqual(['rolled back', 'by hand'])
  })

  it("a savepoint's hooks wait for the outermost transaction", async () => {
    const db = await open()
    const order: string[] = []
    await db.transaction(async (tx) => {
      await tx.transaction((inner) => { inner.afterCommit(() => { order.push('inner') }) })
      await errorOf(tx.transaction((inner) => {
        inner.afterCommit(() => { order.push('never') })
        inner.afterRollback(() => { order.push('inner undone') })
        throw new Error('undo')
      }))
      tx.afterCommit(() => { order.push('outer') })
      order.push('body')
    })
    expect(order).toEqual(['inner undone', 'body', 'inner', 'outer'])
    order.length = 0
    await errorOf(db.transaction(async (tx) => {
      await tx.transaction((inner) => { inner.afterRollback(() => { order.push('inner') }) })
      throw new Error('undo')
    }))
    expect(order).toEqual(['inner'])
  })

  it('a hook that throws is a warning and nothing else', async () => {
    const told = new Told()
    const db = await open({ observers: [told] })
    const order: string[] = []
    await db.transaction(async (tx) => {
      await tx.execute(insert, [1])
      tx.afterCommit(() => { throw new Error('mail server down') })
      tx.afterCommit(() => { order.push('still called') })
    })
    expect(order).toEqual(['still called'])
    expect(await ids()).toEqual([1])
    expect(told.warnings).toMatchObject([{ code: 'SLUICE_HOOK_THREW', message: expect.stringContaining('mail server down') as unknown }])
  })
})
