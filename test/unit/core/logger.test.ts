import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import type { Logger } from '../../../src/core/logger.js'

describe('Logger', () => {
  it('is what a pino logger is, child loggers included', () => {
    const lines: string[] = []
    const sink = pino({ level: 'debug' }, { write: (line: string) => { lines.push(line) } })
    const loggers: Logger[] = [sink, sink.child({ part: 'sluice' })]
    for (const logger of loggers) {
      logger.debug({ node: 'db1' }, 'd')
      logger.info({ node: 'db1' }, 'i')
      logger.warn({ node: 'db1' }, 'w')
      logger.error({ node: 'db1' }, 'e')
    }
    expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual(['d', 'i', 'w', 'e', 'd', 'i', 'w', 'e'])
    expect(JSON.parse(lines[0]!)).toMatchObject({ node: 'db1' })
  })

  it('is what the console is', () => {
    const logger: Logger = console
    expect(logger).toBe(console)
  })
})
