import { describe, expect, it } from 'vitest'
import { judge, type Findings } from '../../../src/cli/demo/claims.js'
import type { Evidence } from '../../../src/cli/demo/evidence.js'
import { drawFrame, drawLine } from '../../../src/cli/demo/frame.js'
import type { KillReport } from '../../../src/cli/demo/kill.js'
import { Ledger } from '../../../src/cli/demo/ledger.js'
import { makePresenter } from '../../../src/cli/demo/presenter.js'
import { postgresDemo } from '../../../src/cli/demo/postgres.js'
import { summaryLines } from '../../../src/cli/demo/summary.js'
import type { NodeView, View } from '../../../src/cli/demo/view.js'
import { makeStyle, PLAIN_STYLE } from '../../../src/cli/style.js'
import { width } from '../../../src/cli/text.js'
import { captured } from './capture.js'

/** What is different from: three orders with the ids 1 to 3, four reads on each replica, two of those of replica-2 before it was killed. */
interface Change {
  readonly server?: Partial<Evidence> & { readonly name: string }
  readonly kill?: Partial<KillReport>
  readonly ledger?: (ledger: Ledger) => void
}

function findings(change: Change = {}): Findings {
  const ledger = new Ledger(['primary', 'replica-1', 'replica-2'])
  for (const transaction of [false, true, false]) ledger.wrote('primary', ledger.nextId(), 1, transaction)
  for (const node of ['replica-1', 'replica-2']) for (let read = 0; read < 4; read++) ledger.read(node, 1, true)
  change.ledger?.(ledger)
  const held = { rows: 3, distinctIds: 3, idSum: 6, balance: 100_000 }
  const servers: Evidence[] = [
    { name: 'primary', role: 'primary', ...held, replica: false, reads: 0, inserts: 3, changes: 5 },
    { name: 'replica-1', role: 'replica', ...held, replica: true, reads: 4, inserts: 0, changes: 0 },
    { name: 'replica-2', role: 'replica', ...held, replica: true, reads: 2, inserts: 0, changes: 0 },
  ]
  return {
    ledger, servers: servers.map((server) => server.name === change.server?.name ? { ...server, ...change.server } : server),
    kill: { victim: 'replica-2', deadMs: 4_000, readsMeanwhile: 3, readsBefore: 2, backAfterMs: 900, ...change.kill },
  }
}

const broken = (found: Findings): string[] => judge(found).filter(({ held }) => !held).map(({ claim }) => claim)

describe('the claims of the demo', () => {
  it('all hold when the servers say what we say', () => {
    expect(judge(findings())).toHaveLength(9)
    expect(broken(findings())).toEqual([])
  })

  it.each<[string, Findings, string[]]>([
    ['a lost row', findings({ server: { name: 'primary', rows: 2, distinctIds: 2, idSum: 3 } }), ['no write lost, none doubled']],
    ['a doubled row', findings({ server: { name: 'primary', rows: 4 } }), ['no write lost, none doubled']],
    ['one row lost and another doubled', findings({ server: { name: 'primary', distinctIds: 2, idSum: 5 } }), ['no write lost, none doubled']],
    ['an order under another id', findings({ server: { name: 'primary', idSum: 7 } }), ['no write lost, none doubled']],
    ['an insert that was run twice', findings({ server: { name: 'primary', inserts: 4 } }), ['no write lost, none doubled']],
    ['a replica that misses a row', findings({ server: { name: 'replica-1', rows: 2 } }), ['every replica holds the same']],
    ['half a transaction', findings({ server: { name: 'replica-2', balance: 99_991 } }), ['no transaction half done']],
    ['a read the server did not see', findings({ server: { name: 'replica-1', reads: 3 } }), ['the servers counted the same reads']],
    ['a read we do not know of', findings({ server: { name: 'primary', reads: 1 } }), ['the servers counted the same reads']],
    ['a row changed on a replica', findings({ server: { name: 'replica-1', changes: 1 } }), ['no write ran on a replica']],
    ['a replica that is a primary', findings({ server: { name: 'replica-1', replica: false } }), ['no write ran on a replica']],
    ['a failed read', findings({ ledger: (ledger) => { ledger.failed('read', new Error('gone')) } }), ['no read failed']],
    ['a wrong answer', findings({ ledger: (ledger) => { ledger.wrongAnswers = 1 } }), ['no read failed']],
    ['a failed write', findings({ ledger: (ledger) => { ledger.failed('write', new Error('gone')) } }), ['no write failed']],
    ['reads that stood still', findings({ kill: { readsMeanwhile: 0 } }), ['reads went on while it was dead']],
    ['a server that was given no read again', findings({ kill: { readsBefore: 4, backAfterMs: undefined }, server: { name: 'replica-2', reads: 0 } }), ['it takes reads again']],
  ])('do not hold with %s', (_, found, claims) => {
    expect(broken(found)).toEqual(claims)
  })

  it('allow for reads that were sent again off a stuck connection, and for no more of them', () => {
    const twice = (reads: number): Findings =>
      findings({ server: { name: 'replica-1', reads }, ledger: (ledger) => { ledger.node('replica-1').sentTwice = 1 } })
    const { reads = 0 } = findings().servers.find(({ name }) => name === 'replica-1')!
    expect(broken(twice(reads + 1))).toEqual([])
    expect(judge(twice(reads + 1)).find(({ claim }) => claim === 'the servers counted the same reads')?.evidence).toContain('1 of them twice')
    expect(broken(twice(reads + 2))).toEqual(['the servers counted the same reads'])
  })

  it('say in words what was found instead', () => {
    const found = findings({ server: { name: 'replica-1', rows: 2, distinctIds: 2, idSum: 3 }, ledger: (ledger) => { ledger.failed('read', new Error('gone')) } })
    const text = summaryLines(found, judge(found), PLAIN_STYLE).join('\n')
    expect(text).toContain('x  every replica holds the same        acknowledged were 3 ids, their sum 6; replica-1 has 2 rows, 2 different ids, their sum 3')
    expect(text).toContain('1 failed, the first with: gone')
    expect(text).toContain('2 of 9 claims did not hold: no read failed; every replica holds the same.')
  })

  it('are judged without the kill where nobody may be killed', () => {
    const { ledger, servers } = findings()
    const counted = servers.map((server) => server.name === 'replica-2' ? { ...server, reads: 4 } : server)
    expect(judge({ ledger, servers: counted, kill: undefined }).map(({ held }) => held)).toEqual(Array.from({ length: 7 }, () => true))
  })
})

describe('the summary', () => {
  it.each([80, 100])('has no line wider than %i columns, with figures as they come', (columns) => {
    const found = findings({ server: { name: 'primary', rows: 123_456, distinctIds: 123_456, reads: 1_234_567, changes: 234_567 } })
    const lines = summaryLines(found, [], PLAIN_STYLE, columns)
    expect(Math.max(...lines.map((line) => width(line)))).toBeLessThanOrEqual(columns)
    expect(lines.find((line) => line.startsWith(' primary'))).toMatch(/123,456 +123,456 +100,000 +1,234,567 +0 +234,567$/)
  })

  it('leaves columns out rather than wrap when the names are long', () => {
    const name = 'primary.db.example.com:5432'
    const { servers } = findings()
    const renamed = servers.map((server, index) => index === 0 ? { ...server, name } : server)
    const lines = summaryLines({ ledger: new Ledger([name, 'replica-1', 'replica-2']), servers: renamed, kill: undefined }, [], PLAIN_STYLE, 80)
    expect(Math.max(...lines.map((line) => width(line)))).toBeLessThanOrEqual(80)
    expect(lines.join('\n')).not.toContain('BALANCE')
  })

  it.each([80, 100, 120])('has no claim wider than %i columns', (columns) => {
    const lines = summaryLines(findings(), judge(findings()), makeStyle({ color: true, unicode: true }), columns)
    const claims = lines.slice(lines.findIndex((line) => line.includes('no read failed')))
    expect(Math.max(...claims.map((line) => width(line)))).toBeLessThanOrEqual(columns)
  })
})

const node = (change: Partial<NodeView>): NodeView => ({
  name: 'replica-1', role: 'replica', state: 'up', lagMs: 3, open: 10, inUse: 8, waiting: 0, perSecond: 4_321, p50: 0.8, p99: 12, reads: 61_002, writes: 0, ...change,
})
const view: View = {
  title: 'sluice demo  PostgreSQL 15, 1 primary + 2 replicas (local)', elapsedMs: 10_000, durationMs: 20_000,
  nodes: [node({ name: 'primary', role: 'primary', lagMs: 0, writes: 1_000, reads: 0 }), node({}), node({ name: 'replica-2', state: 'down', perSecond: 0, p50: undefined, p99: undefined })],
  reads: 122_004, writes: 1_000, failedReads: 0, failedWrites: 0, repeatedReads: 8, now: 'replica-2 is dead; its reads go elsewhere',
  events: Array.from({ length: 9 }, (_, index) => ({ atMs: index * 1_000, text: `event ${String(index)}` })),
}

describe('the live table', () => {
  it.each([80, 100, 120])('fits into %i columns but for what is cut on purpose', (columns) => {
    const lines = drawFrame(view, makeStyle({ color: true, unicode: true }), columns)
    expect(Math.max(...lines.map((line) => width(line)))).toBeLessThan(columns)
  })

  it('keeps its height, so that redrawing never scrolls', () => {
    const few = drawFrame({ ...view, events: [] }, PLAIN_STYLE, 120)
    expect(drawFrame(view, PLAIN_STYLE, 120)).toHaveLength(few.length)
  })

  it('shows each server, what fails and what is happening', () => {
    const text = drawFrame(view, PLAIN_STYLE, 120).join('\n')
    expect(text).toMatch(/^ SERVER +ROLE +STATE +LAG +OPEN +BUSY +WAIT +CALLS\/S +P50 MS +P99 MS +READS +WRITES$/m)
    expect(text).toMatch(/^ replica-1 +replica +up +3 ms +10 +8 +0 +4,321 +0\.80 +12 +61,002 +0 +#{18}$/m)
    expect(text).toMatch(/^ replica-2 +replica +down +- +10 +8 +0 +- +- +- +61,002 +0$/m)
    expect(text).toContain('122,004 reads, 0 failed, 8 asked again elsewhere')
    expect(text).toContain('> replica-2 is dead; its reads go elsewhere')
    expect(text).toContain('8.0 s  event 8')
    expect(text).not.toContain('event 2')
  })

  it('is one line in a log', () => {
    expect(drawLine(view)).toBe(' 10.0 s  primary up 4,321/s p50 0.80 p99 12 ms | replica-1 up 4,321/s p50 0.80 p99 12 ms | replica-2 down 0/s'
      + ' | reads 122,004 (0 failed), writes 1,000 (0 failed)')
  })
})

describe('the demo shows itself', () => {
  const options = { engine: postgresDemo, durationMs: 20_000, replicas: 2, plain: false, json: false }

  it('as a table redrawn in place on a terminal', () => {
    const { output, out } = captured({ LANG: 'C.UTF-8' }, true)
    const presenter = makePresenter(options, output)
    presenter.show(view)
    presenter.end()
    expect(out().startsWith('\u001B[?25l')).toBe(true)
    expect(out().endsWith('\u001B[J\u001B[?25h')).toBe(true)
  })

  it.each([
    ['without a terminal', options, false, {}], ['with --plain', { ...options, plain: true }, true, { NO_COLOR: '1' }],
    ['on a dumb terminal', options, true, { TERM: 'dumb' }],
  ])('as lines %s', (_, given, isTTY, env) => {
    const { output, out } = captured(env, isTTY)
    const presenter = makePresenter(given, output)
    presenter.progress('starting')
    presenter.event({ atMs: 1_000, text: 'something' })
    presenter.show(view)
    presenter.end()
    expect(out()).toBe(`starting\n  1.0 s  * something\n${drawLine(view)}\n`)
  })

  it('on stderr with --json, for stdout is the result\'s', () => {
    const { output, out, err } = captured()
    makePresenter({ ...options, json: true }, output).show(view)
    expect(out()).toBe('')
    expect(err()).toBe(`${drawLine(view)}\n`)
  })
})
