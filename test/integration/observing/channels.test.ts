import { tracingChannel } from 'node:diagnostics_channel'
import { AsyncLocalStorage } from 'node:async_hooks'
import { afterEach, expect, it } from 'vitest'
import type { Database, QueryTrace, TransactionTrace } from '../../../src/index.js'
import { freshDatabase } from '../../support/database.js'
import { errorOf, opener } from '../database/open.js'

const server = await freshDatabase()
const open = opener(server)
const request = new AsyncLocalStorage<string>()

interface Seen {
  readonly at: 'start' | 'asyncEnd' | 'error'
  readonly request: string | undefined
  readonly text: string | undefined
  readonly error: unknown
}

const stops: (() => void)[] = []
afterEach(() => { for (const stop of stops.splice(0)) stop() })

function watch(name: 'sluice:query' | 'sluice:transaction'): Seen[] {
  const seen: Seen[] = []
  const channel = tracingChannel<object, QueryTrace & TransactionTrace>(name)
  const tell = (at: Seen['at']) => (message: { text?: string, error?: unknown }): void => {
    seen.push({ at, request: request.getStore(), text: message.text, error: message.error })
  }
  const subscribers = { start: tell('start'), end: () => undefined, asyncStart: () => undefined, asyncEnd: tell('asyncEnd'), error: tell('error') }
  channel.subscribe(subscribers)
  stops.push(() => { channel.unsubscribe(subscribers) })
  return seen
}

const work = (db: Database): Promise<unknown> => request.run('one', () => db.transaction(async (tx) => tx.query('select $1::int', [42])))

it('statements and transactions are traced on node\'s own channels, in the caller\'s context, without values', async () => {
  const db = await open()
  const [queries, transactions] = [watch('sluice:query'), watch('sluice:transaction')]
  await work(db)
  const of = (text: string | undefined): object[] => [{ at: 'start', request: 'one', text, error: undefined }, { at: 'asyncEnd', request: 'one', text, error: undefined }]
  expect(queries).toEqual(of('select $1::int'))
  expect(transactions).toEqual(of(undefined))
  expect(JSON.stringify(queries)).not.toContain('42')
})

it('a failure is on the channel too; batches are one statement after the other', async () => {
  const db = await open()
  const queries = watch('sluice:query')
  const error = await errorOf(db.query('select 1 / 0'))
  expect(queries.map(({ at }) => at)).toEqual(['start', 'error', 'asyncEnd'])
  expect(queries[1]?.error).toBe(error)
  await db.batch(['select 1', 'select 2'])
  expect(queries.at(-1)).toMatchObject({ at: 'asyncEnd', text: 'select 1;\nselect 2' })
})

it('nobody listens: nothing is told later either', async () => {
  const db = await open()
  const queries = watch('sluice:query')
  stops.splice(0).forEach((stop) => { stop() })
  await db.query('select 1')
  expect(queries).toEqual([])
})
