import recorded from './squawk-verdicts.json' with { type: 'json' }

/**
 * Statements as people write them, with the rules that squawk (2.66.0, for PostgreSQL 16, in a transaction) names for them.
 * Recorded by `scripts/record-squawk.js`: its program is made for few machines, and tests run on all.
 */
export const SQUAWK_VERDICTS: readonly { readonly sql: string; readonly rules: readonly string[] }[] = recorded

interface Difference {
  readonly sql: RegExp
  readonly less?: readonly string[]
  readonly more?: readonly string[]
  readonly why: string
}

/** Where this linter deliberately says something else than squawk, and why: rules it has more, and rules it has less. */
export const KNOWN_DIFFERENCES: readonly Difference[] = [
  { sql: /default current_(user|date)/, less: ['adding-field-with-default'], why: 'its value is taken once for the whole statement' },
  { sql: /default \(1 \+ 2\)/, less: ['adding-field-with-default'], why: 'it is the same for every row' },
  { sql: /^create table (\S+) .*; (drop|alter)/, why: 'nobody uses a table that was made in the same file', less: [
    'adding-not-nullable-field', 'changing-column-type', 'ban-drop-table', 'ban-drop-column', 'renaming-column', 'adding-required-field',
  ] },
  { sql: /^create table s\.t .*create index i on t /, more: ['require-concurrent-index-creation'], why: 'it is the table of another schema' },
  { sql: /^create table t as select/, less: ['require-concurrent-index-creation'], why: 'the same' },
]
