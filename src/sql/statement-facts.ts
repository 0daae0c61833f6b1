import type { StatementClass, StatementRule } from '../core/lexicon.js'

/** How far the options of EXPLAIN have been read. */
export type ExplainStage = 'none' | 'options' | 'statement'

/** What the scanner has gathered about one statement. */
export class StatementFacts {
  /** First keyword, upper case; `''` before it was seen. */
  verb = ''
  /** Rule of the verb that counts (the explained statement's below EXPLAIN); undefined = no known statement. */
  rule: StatementRule | undefined = undefined
  /** Words directly after that verb. */
  head: string[] = []
  headOpen = false
  explain: ExplainStage = 'none'
  /** EXPLAIN runs the statement. */
  analyze = false
  /** Why it cannot leave its session. */
  session: string | undefined = undefined
  /** Why it is no read, whether it runs or is only explained. */
  write: string | undefined = undefined
  /** Why it is no read when it runs: what EXPLAIN without ANALYZE does not do. */
  change: string | undefined = undefined
  /** A name after a column's or table's name that a function has too, should FROM hold a function. */
  attribute: Attribute | undefined = undefined
  /** A function stands in FROM. */
  functionTable = false
  /** It looks at or makes tables of its own session. */
  temporary = false
  /** It calls only built-in functions that do not wait. */
  quick = true
  /** `tables` is a superset of what it reads and writes. */
  tablesKnown = true
  readonly tables = new Set<string>()
  /** EXPLAIN: the plan of a change is refused where only reads are allowed. */
  plansReadsOnly = false
  /** EXPLAIN before a name: it describes a table. */
  describes = false
  /** COPY: rows go to this client. */
  toClient = false
  /** Depth of BEGIN ATOMIC and CASE inside a function's body; semicolons end nothing there. */
  bodyDepth = 0
}

/** A function that may be called by a name after a point. */
export interface Attribute {
  readonly name: string
  readonly class: 'write' | 'session'
}

/** Takes it for a call. */
export function noteAttributeCall(facts: StatementFacts, attribute: Attribute): void {
  const { name } = attribute
  if (attribute.class === 'session') facts.session ??= `may call ${name}(), which belongs to one connection`
  else facts.write ??= `may call ${name}(), which writes or is right on the primary only`
}

/** A class with its sentence. */
export interface Verdict {
  readonly class: StatementClass
  readonly why: string
}

/** Judges what was gathered; the first reason that holds is told. */
export function verdict(facts: StatementFacts): Verdict {
  const { rule } = facts
  if (facts.describes && facts.write === undefined) return { class: 'read', why: 'describes a table' }
  if (!rule) {
    return { class: 'write', why: facts.verb === '' ? 'does not begin with a keyword' : `begins with ${facts.verb}, which is no known read` }
  }
  if (rule.scan === 'none' || rule.scan === 'explain') return byFirstWords(facts, rule)
  if (facts.attribute && facts.functionTable) noteAttributeCall(facts, facts.attribute)
  if (facts.session !== undefined) return { class: 'session', why: facts.session }
  const explained = facts.explain !== 'none'
  const runs = !explained || facts.analyze || facts.plansReadsOnly
  if (runs && rule.scan === 'change') return { class: 'write', why: rule.why ?? `${facts.verb} changes rows` }
  if (facts.write !== undefined) return { class: 'write', why: facts.write }
  if (runs && facts.change !== undefined) return { class: 'write', why: facts.change }
  if (rule.scan === 'copy' && !facts.toClient) return { class: 'write', why: 'COPY that does not go to this client' }
  if (explained) return { class: 'read', why: facts.analyze ? 'EXPLAIN ANALYZE of a read' : 'EXPLAIN without ANALYZE only plans' }
  return { class: 'read', why: 'only reads, locks nothing and calls only functions known to read' }
}

function byFirstWords(facts: StatementFacts, rule: StatementRule): Verdict {
  const variant = rule.variants?.find(({ words }) => words.every((word, index) => {
    const found = facts.head[index]
    return word === '*' ? found !== undefined : word === found
  }))
  const kind = variant?.class ?? rule.class
  if (kind === 'write' && facts.temporary) return { class: 'session', why: 'uses a temporary schema, which belongs to one connection' }
  if (kind === 'read' && facts.session !== undefined) return { class: 'session', why: facts.session }
  if (kind === 'read' && facts.write !== undefined) return { class: 'write', why: facts.write }
  if (kind === 'read' && facts.explain !== 'none') return { class: 'write', why: 'EXPLAIN of a statement that has no plan' }
  const words = [facts.verb, ...facts.head.slice(0, variant?.words.length ?? 0).map((word) => word.toUpperCase())].join(' ').replace(' .', '.…')
  return { class: kind, why: (variant ? undefined : rule.why) ?? `${words} ${SENTENCES[kind]}` }
}

const SENTENCES: Readonly<Record<StatementClass, string>> = {
  'read': 'only reads',
  'write': 'changes the database or the server',
  'session': 'reads or changes the state of one connection',
  'transaction-control': 'controls a transaction',
}
