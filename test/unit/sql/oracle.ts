import { parse } from 'libpg-query'
import { postgresLexicon } from '../../../src/drivers/postgres/lexicon.js'

/** What PostgreSQL's own parser says about a text. */
export type OracleAnswer = 'read' | 'not-a-read' | 'refused'

type Node = Readonly<Record<string, unknown>>

const READABLE = new Set(['SelectStmt', 'ExplainStmt', 'VariableShowStmt', 'CopyStmt'])
const CHANGES = new Set(['InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt'])
const SAMPLERS = new Set(['bernoulli', 'system'])

/**
 * Judges a text by the syntax tree of the real parser: independent of the lexer and scanner under test, sharing only the
 * list of functions.
 */
export async function oracle(text: string): Promise<OracleAnswer> {
  let tree: { stmts?: readonly { stmt?: Node }[] }
  try {
    tree = await parse(text)
  } catch {
    return 'refused'
  }
  const statements = tree.stmts ?? []
  if (statements.length === 0) return 'read'
  if (statements.length > 1) return 'not-a-read'
  const statement = statements[0]?.stmt ?? {}
  const [kind = ''] = Object.keys(statement)
  if (!READABLE.has(kind)) return 'not-a-read'
  const planned = kind === 'ExplainStmt' && !analyzes(statement[kind] as Node)
  return harmless(statement, planned) ? 'read' : 'not-a-read'
}

function analyzes(explain: Node): boolean {
  const options = (explain['options'] ?? []) as readonly { DefElem?: { defname?: string; arg?: Node } }[]
  let runs = false
  for (const { DefElem: option } of options) {
    if (option?.defname !== 'analyze') continue
    const off = /"(?:false|off)"|"boolval":false|"Integer":\{\}|"ival":0/u.test(JSON.stringify(option.arg ?? true))
    runs = !off
  }
  return runs
}

function harmless(value: unknown, planned: boolean): boolean {
  if (Array.isArray(value)) return value.every((item) => harmless(item, planned))
  if (typeof value !== 'object' || value === null) return true
  return Object.entries(value as Node).every(([key, inner]) => ownHarm(key, inner, planned) && harmless(inner, planned))
}

function ownHarm(key: string, inner: unknown, planned: boolean): boolean {
  const node = (inner ?? {}) as Node
  if (CHANGES.has(key)) return planned
  switch (key) {
    case 'lockingClause': case 'intoClause': return planned
    case 'FuncCall': return knownFunction(node['funcname'])
    case 'A_Expr': case 'SubLink': {
      const name = strings(node['name'] ?? node['operName'])
      return name.length < 2 || name[0] === 'pg_catalog'
    }
    case 'RangeVar': return !/^pg_temp(?:_|$)/u.test(String(node['schemaname'])) && !postgresLexicon.relations.has(String(node['relname']))
    case 'RangeTableSample': return strings(node['method']).every((name) => SAMPLERS.has(name))
    case 'CreateTableAsStmt': case 'ExecuteStmt': case 'DeclareCursorStmt': case 'RefreshMatViewStmt': return false
    case 'CopyStmt': return node['is_from'] !== true && node['is_program'] !== true && node['filename'] === undefined
    default: return true
  }
}

function knownFunction(path: unknown): boolean {
  const name = strings(path)
  const builtin = name.length === 1 || (name.length === 2 && name[0] === 'pg_catalog')
  const kind = postgresLexicon.functions.get(builtin ? name.at(-1) ?? '' : name.join('.'))
  return kind === 'read' || kind === 'waits'
}

function strings(path: unknown): string[] {
  if (!Array.isArray(path)) return []
  return path.map((part: { String?: { sval?: string } }) => part.String?.sval ?? '')
}
