import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Ticker } from '../../../src/core/ticker.js'

/** A job that ends when told to. */
function gate(): { job: () => Promise<void>, runs: () => number, open: () => void } {
  const waiting: (() => void)[] = []
  let runs = 0
  return {
    job: () => { runs++; return new Promise((resolve) => { waiting.push(resolve) }) },
    runs: () => runs,
    open: () => { for (const resolve of waiting.splice(0)) resolve() },
  }
}

describe('Ticker', () => {
  beforeEach(() => { vi.useFakeTimers() })
  afterEach(() => { vi.useRealTimers() })

  it('runs the job at the interval once it is started, not before', async () => {
    const job = vi.fn(async () => {})
    const ticker = new Ticker(job, () => 100)
    await vi.advanceTimersByTimeAsync(500)
    expect(job).not.toHaveBeenCalled()
    ticker.start()
    expect(ticker.started).toBe(true)
    await vi.advanceTimersByTimeAsync(350)
    expect(job).toHaveBeenCalledTimes(3)
    await ticker.stop()
  })

  it('asks for the interval anew each time', async () => {
    const job = vi.fn(async () => {})
    let intervalMs = 100
    const ticker = new Ticker(job, () => intervalMs)
    ticker.start()
    await vi.advanceTimersByTimeAsync(50)
    intervalMs = 1000
    await vi.advanceTimersByTimeAsync(50)
    expect(job).toHaveBeenCalledTimes(1)
    await vi.advanceTimersByTimeAsync(900)
    expect(job).toHaveBeenCalledTimes(1)
    await vi.advanceTimersByTimeAsync(100)
    expect(job).toHaveBeenCalledTimes(2)
    await ticker.stop()
  })

  it('never runs twice at once, however slow the job is', async () => {
    const slow = gate()
    const ticker = new Ticker(slow.job, () => 10)
    ticker.start()
    await vi.advanceTimersByTimeAsync(500)
    expect(slow.runs()).toBe(1)
    slow.open()
    await vi.advanceTimersByTimeAsync(15)
    expect(slow.runs()).toBe(2)
    slow.open()
    await ticker.stop()
  })

  it('joins a run in progress when asked to run now', async () => {
    const slow = gate()
    const ticker = new Ticker(slow.job, () => 10)
    const first = ticker.run()
    expect(ticker.run()).toBe(first)
    slow.open()
    await first
    expect(slow.runs()).toBe(1)
  })

  it('runs on request without being started, and then does not go on by itself', async () => {
    const job = vi.fn()
    const ticker = new Ticker(job, () => 10)
    await ticker.run()
    await vi.advanceTimersByTimeAsync(100)
    expect(job).toHaveBeenCalledTimes(1)
  })

  it('starts the interval over after a run on request', async () => {
    const job = vi.fn(async () => {})
    const ticker = new Ticker(job, () => 100)
    ticker.start()
    await vi.advanceTimersByTimeAsync(90)
    await ticker.run()
    await vi.advanceTimersByTimeAsync(90)
    expect(job).toHaveBeenCalledTimes(1)
    await vi.advanceTimersByTimeAsync(10)
    expect(job).toHaveBeenCalledTimes(2)
    await ticker.stop()
  })

  it('waits in stop for the run in progress and schedules nothing after it', async () => {
    const slow = gate()
    const ticker = new Ticker(slow.job, () => 10)
    ticker.start()
    await vi.advanceTimersByTimeAsync(10)
    let stopped = false
    const stopping = ticker.stop().then(() => { stopped = true })
    await vi.advanceTimersByTimeAsync(50)
    expect(stopped).toBe(false)
    slow.open()
    await stopping
    await vi.advanceTimersByTimeAsync(500)
    expect(slow.runs()).toBe(1)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is not put off by being started again', async () => {
    const job = vi.fn(async () => {})
    const ticker = new Ticker(job, () => 100)
    ticker.start()
    await vi.advanceTimersByTimeAsync(60)
    ticker.start()
    await vi.advanceTimersByTimeAsync(40)
    expect(job).toHaveBeenCalledTimes(1)
    await ticker.stop()
  })

  it('keeps one timer when started twice', async () => {
    const ticker = new Ticker(async () => {}, () => 100)
    ticker.start()
    ticker.start()
    expect(vi.getTimerCount()).toBe(1)
    await ticker.stop()
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('the timer of a Ticker', () => {
  it('does not keep the process alive', async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const before = timers()
    const ticker = new Ticker(async () => {}, () => 60_000)
    ticker.start()
    expect(timers()).toBe(before)
    await ticker.stop()
  })
})
