import { describe, expect, it, vi } from 'vitest'
import { Notifier } from '../../../src/core/notify.js'
import type { AcquireEvent, WarningEvent } from '../../../src/core/observer.js'

const acquired: AcquireEvent = { node: 'db1:5432', waitMs: 2, error: undefined }

describe('Notifier', () => {
  it('knows which hooks anybody listens to', () => {
    const notifier = new Notifier([{}, { acquire: () => {} }])
    expect(notifier.listens('acquire')).toBe(true)
    expect(notifier.listens('query')).toBe(false)
    expect(new Notifier([]).listens('acquire')).toBe(false)
  })

  it('tells every observer, in order, the same event', () => {
    const told: [string, AcquireEvent][] = []
    const notifier = new Notifier([
      { acquire: (event) => { told.push(['first', event]) } },
      {},
      { acquire: (event) => { told.push(['second', event]) } },
    ])
    notifier.notify('acquire', acquired)
    expect(told).toEqual([['first', acquired], ['second', acquired]])
    expect(told[0]![1]).toBe(told[1]![1])
  })

  it('calls a hook as a method of its observer', () => {
    class Counter {
      count = 0
      acquire(): void { this.count++ }
    }
    const counter = new Counter()
    new Notifier([counter]).notify('acquire', acquired)
    expect(counter.count).toBe(1)
  })

  it('is not disturbed by an observer that throws, and tells the others once', () => {
    const warnings: WarningEvent[] = []
    const heard = vi.fn()
    const ownWarning = vi.fn()
    const notifier = new Notifier([
      { acquire: () => { throw new Error('disk full') }, warning: ownWarning },
      { acquire: heard, warning: (event) => { warnings.push(event) } },
    ])
    notifier.notify('acquire', acquired)
    notifier.notify('acquire', acquired)
    expect(heard).toHaveBeenCalledTimes(2)
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toMatchObject({ code: 'SLUICE_OBSERVER_THREW', message: 'an observer\'s acquire hook threw: disk full' })
    expect(warnings[0]!.error).toBeInstanceOf(Error)
    expect(ownWarning).not.toHaveBeenCalled()
  })

  it('takes the rejection of an async hook for a throw, and leaves none behind', async () => {
    const warning = vi.fn<(event: WarningEvent) => void>()
    const acquire = vi.fn().mockImplementation(() => Promise.reject(new Error('disk full')))
    const notifier = new Notifier([{ acquire }, { warning }])
    notifier.notify('acquire', acquired)
    notifier.notify('acquire', acquired)
    await vi.waitFor(() => { expect(warning).toHaveBeenCalledOnce() })
    expect(warning.mock.calls[0]![0]).toMatchObject({ code: 'SLUICE_OBSERVER_THREW', message: 'an observer\'s acquire hook threw: disk full' })
  })

  it('ends when every observer throws, also from its warning hook', () => {
    const bad = { acquire: () => { throw new Error('a') }, warning: () => { throw new Error('b') } }
    const notifier = new Notifier([{ ...bad }, { ...bad }])
    expect(() => { notifier.notify('acquire', acquired) }).not.toThrow()
  })

  it('takes a thrown value that is no error', () => {
    const warning = vi.fn<(event: WarningEvent) => void>()
    const thrower = { acquire: vi.fn().mockImplementation(() => { throw 'text' as unknown as Error }) }
    new Notifier([thrower, { warning }]).notify('acquire', acquired)
    expect(warning.mock.calls[0]![0].error).toMatchObject({ message: 'text' })
  })
})
