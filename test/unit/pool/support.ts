import { vi } from 'vitest'
import { UNLIMITED, type Limits } from '../../../src/core/deadline.js'
import { errorFromFacts } from '../../../src/core/explain.js'
import { Notifier } from '../../../src/core/notify.js'
import type { AcquireEvent, ConnectEvent, WarningEvent } from '../../../src/core/observer.js'
import type { PoolSettings } from '../../../src/core/settings.js'
import { Pool, type AcquireRequest, type PoolParts } from '../../../src/pool/pool.js'
import { FakeConnection, FakeServer } from '../../../src/testing/fake-driver.js'

/** Limits that stay out of a test's way unless it sets them. */
const SETTINGS: PoolSettings = {
  min: 0, max: 2, maxIdle: undefined, acquireTimeoutMs: 2_000, idleTimeoutMs: 0, maxLifetimeMs: 0, maxLifetimeJitterMs: 0,
  maxUses: 0, validation: 'never', validationQuery: undefined, leakDetectionMs: 0, maxWaiting: 0, maxOverflow: 0, lanes: 0,
}

/** A pool over a fake server, with everything it told its observers. */
export interface Rig {
  readonly server: FakeServer
  readonly pool: Pool
  readonly warnings: WarningEvent[]
  readonly connects: ConnectEvent[]
  readonly acquires: AcquireEvent[]
}

export function rig(settings: Partial<PoolSettings> = {}, parts: Partial<PoolParts> = {}): Rig {
  const server = new FakeServer()
  const warnings: WarningEvent[] = []
  const connects: ConnectEvent[] = []
  const acquires: AcquireEvent[] = []
  const pool = new Pool({ ...SETTINGS, ...settings }, {
    name: 'primary',
    connect: (signal) => server.connect(signal),
    explain: (cause, context) => errorFromFacts(server.driver.dialect.describeError(cause), cause, context),
    notifier: new Notifier([{
      warning: (event) => { warnings.push(event) },
      connect: (event) => { connects.push(event) },
      acquire: (event) => { acquires.push(event) },
    }]),
    ...parts,
  })
  return { server, pool, warnings, connects, acquires }
}

export function request(more: Partial<AcquireRequest> = {}): AcquireRequest {
  return { limits: UNLIMITED, label: undefined, text: undefined, owner: undefined, ...more }
}

export function within(ms: number, signal?: AbortSignal): Limits {
  return { expiresAt: performance.now() + ms, signal }
}

export function until(signal: AbortSignal): Limits {
  return { expiresAt: Infinity, signal }
}

/** The error a promise rejects with; fails when it does not reject with one of this class. */
export async function rejection<E extends Error>(promise: Promise<unknown>, kind: abstract new (...args: never[]) => E): Promise<E> {
  try {
    await promise
  } catch (error) {
    if (error instanceof kind) return error
    throw new Error(`expected a ${kind.name}, got ${String(error)}`, { cause: error })
  }
  throw new Error(`expected a ${kind.name}, but it was fulfilled`)
}

/** Whether the promise has settled by now, microtasks included. */
export async function settled(promise: Promise<unknown>): Promise<boolean> {
  let done = false
  const mark = (): void => { done = true }
  promise.then(mark, mark)
  await turn()
  return done
}

/** Lets everything that is ready run. */
export function turn(): Promise<void> {
  return new Promise((resolve) => { setImmediate(resolve) })
}

/** A promise and its key. */
export function gate(): { readonly promise: Promise<void>; readonly open: () => void } {
  let open = (): void => undefined
  const promise = new Promise<void>((resolve) => { open = resolve })
  return { promise, open }
}

/** The connection of a loan as the fake it is. */
export function fake(connection: unknown): FakeConnection {
  if (connection instanceof FakeConnection) return connection
  throw new Error('not a fake connection')
}

/** Waits until the expectation holds, on a busy machine too. */
export async function eventually(expectation: () => void): Promise<void> {
  await vi.waitFor(expectation, { timeout: 15_000, interval: 2 })
}
