import { randomBytes } from 'node:crypto'
import type { Observer } from '../../core/observer.js'
import { asError, sleep } from '../../core/deadline.js'
import { Database } from '../../facade/database.js'
import { countableReads, judge, type Claim, type Findings } from './claims.js'
import { ACCOUNTS, PRODUCTS, type Activity, type DemoEngine } from './engine.js'
import { countedBefore, gatherEvidence, waitForReplicas } from './evidence.js'
import { failover, type FailoverReport } from './failover.js'
import { failoverClaims } from './failover-claims.js'
import { killAndRevive, type KillReport } from './kill.js'
import { Ledger } from './ledger.js'
import { Load } from './load.js'
import { exampleSources, migrateExample } from './migrating.js'
import type { DemoOptions } from './options.js'
import type { Presenter } from './presenter.js'
import type { DemoServer, DemoServers } from './servers.js'
import { Story, type StoryEvent } from './story.js'
import { takeView } from './view.js'

/** What the demo found. */
export interface Outcome {
  readonly findings: Findings
  /** undefined = the primary was not replaced. */
  readonly failover: FailoverReport | undefined
  readonly claims: readonly Claim[]
  readonly events: readonly StoryEvent[]
  readonly serverVersion: string
}

/** What the parts of the demo share. */
interface Stage {
  readonly options: DemoOptions
  readonly servers: DemoServers
  readonly presenter: Presenter
  readonly signal: AbortSignal
  readonly schema: string
  readonly ledger: Ledger
  readonly title: string
}

/** Rows that are there before the load. */
const FIRST_ROWS = PRODUCTS + ACCOUNTS
/** The server that came back is watched at least so long. */
const ENCORE_MS = 1_500
const WINDOW_MS = 500

/** Makes the tables, applies the load, and asks the servers what came of it. Leaves nothing in them. */
export async function show(options: DemoOptions, servers: DemoServers, presenter: Presenter, signal: AbortSignal): Promise<Outcome> {
  const { engine } = options
  const [primary] = servers.all
  if (primary === undefined) throw new Error('the demo has no server')
  const serverVersion = await engine.version(primary.ask)
  const replicas = servers.all.filter(({ role, implied }) => role === 'replica' && implied !== true).length
  const title = `sluice demo  ${engine.label} ${serverVersion}, 1 primary + ${replicas} replica${replicas === 1 ? '' : 's'} (${servers.origin})`
  const schema = `sluice_demo_${randomBytes(5).toString('hex')}`
  const ledger = new Ledger(servers.all.map(({ name }) => name))
  const stage: Stage = { options, servers, presenter, signal, schema, ledger, title }
  presenter.progress(`making tables in the schema ${schema}`)
  try {
    for (const text of engine.setUp(schema)) await primary.ask(text)
    await waitForReplicas(engine, servers.all, signal)
    const before = await countedBefore(engine, primary, schema, FIRST_ROWS, signal)
    const migrated = await migrate(stage, primary)
    const { claims, ...outcome } = await perform(stage, before)
    return { ...outcome, claims: [...migrated, ...claims], serverVersion }
  } finally {
    // servers whose primary may die are the demo's own: they go, with everything in them
    if (typeof servers.succession === 'string') {
      await dropTables(engine, primary, schema).catch((error: unknown) => {
        presenter.progress(`the schema ${schema} could not be dropped: ${asError(error).message}`)
      })
    }
  }
}

/** The first act: programs that start at once, with the migrations of the example. */
async function migrate({ options: { engine }, servers, presenter, signal }: Stage, { url }: DemoServer): Promise<readonly Claim[]> {
  if (!engine.example || !servers.own) {
    presenter.progress(`the example is not migrated: ${servers.own ? 'it is not written for this engine' : 'the database is yours'}`)
    return []
  }
  presenter.progress('three programs start at once and migrate the example, credits among it')
  const claims = await migrateExample(url, exampleSources(engine.example))
  await waitForReplicas(engine, servers.all, signal)
  return claims
}

async function dropTables(engine: DemoEngine, { ask }: DemoServer, schema: string): Promise<void> {
  for (const text of engine.tearDown(schema)) await ask(text)
}

async function perform(stage: Stage, before: Activity | undefined): Promise<Omit<Outcome, 'serverVersion'>> {
  const { options, servers, presenter, signal, schema, ledger } = stage
  const story = new Story((event) => { presenter.event(event) })
  const kill = await loadAndKill(stage, story)
  presenter.progress('asking each server what it holds and what it has counted')
  const expected = (name: string): { reads: number; inserts: number } =>
    ({ reads: countableReads({ ledger, kill }, name), inserts: ledger.node(name).writes })
  const evidence = await gatherEvidence(options.engine, servers.all, schema, before, expected, signal)
  const findings = { ledger, servers: evidence, kill }
  const succeeded = await replacePrimary(stage)
  return { findings, failover: succeeded?.report, claims: [...judge(findings), ...succeeded?.claims ?? []], events: story.events }
}

/**
 * The last act, when everything of the others has been judged: the counters of a primary that is killed die with it. A
 * database of its own, so that the pace of its probes is its own.
 */
async function replacePrimary({ options: { engine }, servers, presenter, signal, schema, ledger }: Stage): Promise<Succeeded | undefined> {
  const { succession, all } = servers
  if (typeof succession === 'string') {
    presenter.progress(`the primary is not replaced: ${succession}`)
    return undefined
  }
  presenter.progress('the primary is to die: from now on a commit waits until a replica has it, too')
  await succession.synchronize()
  const [primary, ...replicas] = all.map(({ name, url }) => ({ name, url }))
  const db = await Database.open({ primary, replicas, idempotency: { table: `${schema}.keys` } })
  try {
    const first = ledger.nextId()
    const nextId = (): number => ledger.nextId()
    const report = await failover({
      db, succession, statements: engine.statements(schema), nextId, signal, tell: (text) => { presenter.progress(text) },
    })
    const promoted = all.find(({ name }) => name === report.promoted)
    const stored = promoted === undefined ? [] : await engine.ordersFrom(promoted.ask, schema, first)
    return { report, claims: failoverClaims(report, stored) }
  } finally {
    await db.close()
  }
}

/** The failover, and what it is judged to have shown. */
interface Succeeded {
  readonly report: FailoverReport
  readonly claims: readonly Claim[]
}

/** The load, from the opening of the database to its close: then every session has ended and delivered its counts. */
async function loadAndKill(stage: Stage, story: Story): Promise<KillReport | undefined> {
  const { options, servers, presenter, ledger, title } = stage
  const [primary, ...replicas] = servers.all.filter(({ implied }) => implied !== true).map(({ name, url }) => ({ name, url }))
  const db = await Database.open({
    primary, replicas, observers: [watcher(ledger, story)],
  })
  const load = new Load(db, options.engine.statements(stage.schema), ledger)
  const viewed = { title, durationMs: options.durationMs, stats: () => db.stats(), ledger, story }
  const stopWindows = every(WINDOW_MS, (passedMs) => { for (const { name } of servers.all) ledger.node(name).meter.roll(passedMs) })
  const stopShowing = every(presenter.intervalMs, () => { presenter.show(takeView(viewed)) })
  try {
    story.now = 'reads go to the replicas, writes and transactions to the primary'
    load.start()
    const kill = await act(stage, story, db)
    await sleep(Math.max(0, options.durationMs - story.elapsedMs), stage.signal)
    await load.stop()
    for (const { name, movedFromLanes } of db.stats().nodes) ledger.node(name).sentTwice = movedFromLanes
    story.now = 'done'
    presenter.show(takeView(viewed))
    return kill
  } finally {
    stopShowing()
    stopWindows()
    presenter.end()
    await load.stop()
    await db.close()
  }
}

/** The act with a kill, where there is a server to kill. */
async function act(stage: Stage, story: Story, db: Database): Promise<KillReport | undefined> {
  const { servers: { victim }, ledger, options: { durationMs }, signal } = stage
  if (typeof victim === 'string') {
    story.tell(`no server is killed: ${victim}`)
    return undefined
  }
  const stateOf = (name: string): string => db.stats().nodes.find((candidate) => candidate.name === name)?.state ?? 'unknown'
  const report = await killAndRevive({ victim, ledger, story, durationMs, signal, stateOf })
  await sleep(ENCORE_MS, signal)
  return report
}

/** Watches, and steers nothing: reads that were asked again, and what becomes of the servers. */
function watcher(ledger: Ledger, story: Story): Observer {
  return {
    query: ({ attempt, error }) => { if (attempt > 1 && error === undefined) ledger.repeatedReads++ },
    node: ({ node, from, to, reason }) => {
      if (from !== 'unknown') story.tell(`sluice marks ${node} ${to}: ${reason.replace(`${node}: `, '')}`)
    },
  }
}

/** Calls back at intervals with the milliseconds that have passed; returns the way to stop it. */
function every(intervalMs: number, callback: (passedMs: number) => void): () => void {
  let last = performance.now()
  const timer = setInterval(() => {
    const now = performance.now()
    callback(now - last)
    last = now
  }, intervalMs)
  return () => { clearInterval(timer) }
}
