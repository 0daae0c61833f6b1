import { describe, expect, it } from 'vitest'
import { freshDatabase } from '../../support/database.js'
import { eventually } from '../../support/eventually.js'
import { opener, Told } from './open.js'

const server = await freshDatabase()
const open = opener(server)

describe('notifications', () => {
  it('arrive on the connection that listens, with channel and payload, and stop when asked', async () => {
    const db = await open()
    const heard: string[] = []
    await db.connection(async (connection) => {
      const stop = connection.onNotification(({ channel, payload }) => { heard.push(`${channel}: ${payload}`) })
      await connection.query('listen orders')
      await db.execute("select pg_notify('orders', 'one')", { ambient: false })
      await db.execute('notify orders', { ambient: false })
      await db.execute("select pg_notify('others', 'not for us')", { ambient: false })
      await eventually(() => Promise.resolve(heard.length === 2))
      stop()
      await db.execute("select pg_notify('orders', 'too late')", { ambient: false })
      await connection.query('select 1')
    })
    expect(heard).toEqual(['orders: one', 'orders: '])
  })

  it('end with the loan: the next borrower of the connection hears nothing', async () => {
    const db = await open({ replicas: [], pool: { max: 1 } })
    const heard: string[] = []
    const first = await db.connection(async (connection) => {
      connection.onNotification(({ payload }) => { heard.push(payload) })
      await connection.query('listen orders')
      return connection.id
    })
    await db.connection(async (connection) => {
      expect(connection.id).toBe(first)
      await connection.query('listen orders')
      await connection.query("select pg_notify('orders', 'mine')")
      await connection.query('select 1')
    })
    expect(heard).toEqual([])
  })

  it('survive a listener that throws, which is told as a warning', async () => {
    const told = new Told()
    const db = await open({ observers: [told] })
    const heard: string[] = []
    await db.connection(async (connection) => {
      connection.onNotification(() => { throw new Error('listener is broken') })
      connection.onNotification(({ payload }) => { heard.push(payload) })
      await connection.query('listen orders')
      await db.execute("select pg_notify('orders', 'hello')", { ambient: false })
      await eventually(() => Promise.resolve(heard.length === 1))
    })
    expect(told.warnings.map(({ code }) => code)).toEqual(['SLUICE_LISTENER_THREW'])
  })
})
