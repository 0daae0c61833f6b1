import { count, listed, plural, seconds } from '../text.js'
import { ACCOUNTS, FIRST_BALANCE } from './engine.js'
import type { Evidence } from './evidence.js'
import type { KillReport } from './kill.js'
import type { Failure, Ledger } from './ledger.js'

/** Something the demo says of itself, and whether it was so. */
export interface Claim {
  readonly claim: string
  readonly held: boolean
  /** The figures behind it; when it did not hold, what was found instead. */
  readonly evidence: string
}

/** What there is to judge by. */
export interface Findings {
  readonly ledger: Ledger
  readonly servers: readonly Evidence[]
  /** undefined = no server was killed. */
  readonly kill: KillReport | undefined
}

/** Every claim, judged. */
export function judge(findings: Findings): readonly Claim[] {
  return [
    noReadFailed(findings), noWriteFailed(findings), nothingLost(findings), replicasHoldTheSame(findings), moneyKept(findings),
    readsCounted(findings), noWriteOnReplica(findings), ...findings.kill === undefined ? [] : killSurvived(findings, findings.kill),
  ].filter((claim) => claim !== undefined)
}

/** Reads our side counted for a server, as far as the server can still know of them: a killed one forgot what was before. */
export function countableReads({ ledger, kill }: Pick<Findings, 'ledger' | 'kill'>, name: string): number {
  return ledger.node(name).reads - (kill?.victim === name ? kill.readsBefore : 0)
}

function noReadFailed({ ledger, kill }: Findings): Claim {
  const { reads, wrongAnswers, repeatedReads } = ledger
  const failure = ledger.failures('read')
  const held = failure.count === 0 && wrongAnswers === 0 && reads > 0
  const repeated = repeatedReads === 0 ? '' : `, ${count(repeatedReads)} of them asked again elsewhere${kill ? ' after the kill' : ''}`
  return {
    claim: 'no read failed', held,
    evidence: held ? `${plural(reads, 'read')} answered correctly${repeated}`
      : `${plural(reads, 'read')} answered, ${count(wrongAnswers)} of them with the wrong row; ${describeFailure(failure)}`,
  }
}

function noWriteFailed({ ledger }: Findings): Claim {
  const { acknowledged, transactions } = ledger
  const failure = ledger.failures('write')
  const held = failure.count === 0 && acknowledged > 0
  const done = `${plural(acknowledged, 'write')} acknowledged, ${count(transactions)} of them transactions of three statements`
  return { claim: 'no write failed', held, evidence: held ? done : `${done}; ${describeFailure(failure)}` }
}

function describeFailure({ count: failed, first }: Failure): string {
  return failed === 0 ? '0 failed' : `${count(failed)} failed, the first with: ${first ?? 'no message'}`
}

/** Same number, same number of different ids, same sum of ids: the same orders. */
function sameOrders(ledger: Ledger, server: Evidence): boolean {
  return server.rows === ledger.acknowledged && server.distinctIds === ledger.acknowledged && server.idSum === ledger.acknowledgedIdSum
}

function describeOrders({ name, rows, distinctIds, idSum }: Evidence): string {
  return `${name} has ${plural(rows, 'row')}, ${count(distinctIds)} different ids, their sum ${count(idSum)}`
}

function nothingLost({ ledger, servers }: Findings): Claim {
  const primaries = servers.filter(({ role }) => role === 'primary')
  const { acknowledged } = ledger
  const held = primaries.length > 0 && primaries.every((server) => sameOrders(ledger, server) && (server.inserts ?? acknowledged) === acknowledged)
  const found = primaries.map((server) => `${describeOrders(server)}; it counted ${plural(server.inserts ?? 0, 'insert')}`)
  return {
    claim: 'no write lost, none doubled', held,
    evidence: held ? `${plural(ledger.acknowledged, 'row')} on the primary, every id once, by select count(*) there`
      : `acknowledged were ${count(ledger.acknowledged)} ids, their sum ${count(ledger.acknowledgedIdSum)}; ${found.join('; ')}`,
  }
}

function replicasHoldTheSame({ ledger, servers }: Findings): Claim | undefined {
  const replicas = servers.filter(({ role }) => role === 'replica')
  if (replicas.length === 0) return undefined
  const different = replicas.filter((server) => !sameOrders(ledger, server))
  return {
    claim: 'every replica holds the same', held: different.length === 0,
    evidence: different.length === 0 ? `the same ${plural(ledger.acknowledged, 'row')} by select count(*) on ${listed(replicas.map(({ name }) => name))}`
      : `acknowledged were ${count(ledger.acknowledged)} ids, their sum ${count(ledger.acknowledgedIdSum)}; ${different.map(describeOrders).join('; ')}`,
  }
}

function moneyKept({ servers }: Findings): Claim {
  const expected = ACCOUNTS * FIRST_BALANCE
  const wrong = servers.filter(({ balance }) => balance !== expected)
  return {
    claim: 'no transaction half done', held: wrong.length === 0,
    evidence: wrong.length === 0 ? `${count(ACCOUNTS)} accounts hold ${count(expected)} in all, before and after, on every server`
      : `the accounts held ${count(expected)} in all before; now ${wrong.map(({ name, balance }) => `${count(balance)} on ${name}`).join(', ')}`,
  }
}

function readsCounted({ ledger, servers: all, kill }: Findings): Claim | undefined {
  const servers = all.filter(counts)
  if (servers.length === 0) return undefined
  const surplus = ({ name, reads }: Counted): number => reads - countableReads({ ledger, kill }, name)
  const wrong = servers.filter((server) => surplus(server) < 0 || surplus(server) > ledger.node(server.name).sentTwice)
  const said = servers.map((server) => {
    const twice = surplus(server) > 0 ? `, ${count(surplus(server))} of them twice: off a connection that was stuck` : ''
    return `${server.name} ${count(server.reads)}${kill?.victim === server.name ? ' since its return' : ''}${twice}`
  })
  return {
    claim: 'the servers counted the same reads', held: wrong.length === 0,
    evidence: wrong.length === 0 ? said.join(', ')
      : wrong.map(({ name, reads }) => `${name} counted ${count(reads)}, we ${count(countableReads({ ledger, kill }, name))}`).join('; '),
  }
}

/** A server that counts what it does. */
type Counted = Evidence & { readonly reads: number }

function counts(server: Evidence): server is Counted { return server.reads !== undefined }

function noWriteOnReplica({ ledger, servers }: Findings): Claim | undefined {
  const replicas = servers.filter(({ role }) => role === 'replica')
  if (replicas.length === 0) return undefined
  const wrong = replicas.filter(({ name, changes = 0, replica }) => changes !== 0 || !replica || ledger.node(name).writes !== 0)
  return {
    claim: 'no write ran on a replica', held: wrong.length === 0,
    evidence: wrong.length === 0
      ? `all ${plural(ledger.acknowledged, 'write')} went to the primary${replicas.some(counts) ? '; rows changed by statements on replicas: 0, as they count' : ''}`
      : wrong.map(({ name, changes = 0, replica }) =>
        `${name}${replica ? '' : ' is no replica,'} counted ${plural(changes, 'changed row')}, we ${plural(ledger.node(name).writes, 'write')}`).join('; '),
  }
}

function killSurvived(findings: Findings, { victim, deadMs, readsMeanwhile, backAfterMs }: KillReport): Claim[] {
  const since = countableReads(findings, victim)
  const back = backAfterMs !== undefined && since > 0
  return [
    {
      claim: 'reads went on while it was dead', held: readsMeanwhile > 0,
      evidence: `${plural(readsMeanwhile, 'read')} answered by the others in the ${seconds(deadMs)} without ${victim}`,
    },
    {
      claim: 'it takes reads again', held: back,
      evidence: back ? `${victim} answered ${plural(since, 'read')} since its return, the first ${seconds(backAfterMs)} after it came up`
        : `${victim} answered ${plural(since, 'read')} since its return`,
    },
  ]
}
