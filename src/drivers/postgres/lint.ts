import type { LintRule, LintScene, LintStatement } from '../../core/lint-facts.js'
import { addedColumns, addedConstraints, changedTypes } from './lint-columns.js'
import { POSTGRES_TYPE_RULES } from './lint-types.js'

const PG11 = 110_000
const PG12 = 120_000
const PG14 = 140_000
const LONGEST_NAME = 63

/** Functions whose value is taken once for the whole statement, so that old rows need not be written. */
const STEADY = /^(now|transaction_timestamp|statement_timestamp|current_setting|to_timestamp|make_date|make_interval|array|jsonb_build_object|jsonb_build_array|json_build_object)$/
const EXISTING = 'and whoever uses the table waits for it'

const since = ({ version }: LintScene, first: number): boolean => version === undefined || version >= first

type Facts = Pick<LintRule, 'name' | 'problem' | 'remedy'> & Partial<Pick<LintRule, 'level' | 'about'>>

const rule = (facts: Facts, finds: LintRule['finds']): LintRule => ({ level: 'error', about: 'table', ...facts, finds })
const action = (facts: Facts, expression: RegExp): LintRule =>
  rule(facts, ({ words, parts }) => words.startsWith('alter table ') && parts.some((part) => expression.test(part)))
const statement = (facts: Facts, expression: RegExp): LintRule => rule(facts, ({ words }) => expression.test(words))

/** Whether old rows must get values of their own: the table is written anew. */
function rewrites(column: string, scene: LintScene): boolean {
  if (/\bgenerated (always|by default) as (identity\b|\(.*\) stored\b)/.test(column)) return true
  const value = /\bdefault (.+?)(?= (?:not null|null|check|unique|primary key|references|constraint|collate)\b|$)/.exec(column)?.[1]
  if (value === undefined) return false
  if (!since(scene, PG11)) return true
  return Array.from(value.matchAll(/((?:"[^"]*"|[\w$.]+)) \(/g)).some(([, name = '']) => !STEADY.test(name) && !/^(numeric|decimal|varchar|bit|timestamptz?|interval)$/.test(name))
}

const validated = (constraint: string): boolean => !/\bnot valid\b/.test(constraint) && !/^(unique|primary key) using index\b/.test(constraint)

/** It is checked by the transaction that made it: all of it under the lock of the first. */
function validatesAtOnce({ parts, words }: LintStatement, { alone, earlier }: LintScene): boolean {
  const names = words.startsWith('alter table ') ? parts.flatMap((part) => /^validate constraint (\S+)/.exec(part)?.[1] ?? []) : []
  return !alone && names.some((name) => earlier.some((before) => before.parts.some((part) => part.startsWith(`add constraint ${name} `) && part.includes('not valid'))))
}

function namesTooLong({ words }: LintStatement): boolean {
  return words.split(/[ .]/).some((word) => /^["a-z_\u0080-\uffff]/.test(word) && Buffer.byteLength(word.replaceAll('"', '')) > LONGEST_NAME)
}

const LOCKS: readonly LintRule[] = [
  rule({ name: 'adding-field-with-default', about: 'size', problem: `every row gets a value of its own: the table is written anew, ${EXISTING}`, remedy: 'add the column without it, set the default, then fill old rows in small steps' },
    (found, scene) => addedColumns(found).some((column) => rewrites(column, scene))),
  rule({ name: 'adding-foreign-key-constraint', about: 'size', problem: 'all rows are checked while both tables refuse changes', remedy: 'add it NOT VALID, and VALIDATE CONSTRAINT in a migration after it' },
    (found) => addedConstraints(found).some((constraint) => constraint.startsWith('foreign key') && validated(constraint)) || addedColumns(found).some((column) => /\breferences\b/.test(column))),
  action({ name: 'adding-not-nullable-field', about: 'size', problem: `all rows are looked at, ${EXISTING}`, remedy: 'add CHECK (column IS NOT NULL) NOT VALID, validate it in a migration after it, then SET NOT NULL: from PostgreSQL 12 on it believes the check' }, /^alter (column )?\S+ set not null$/),
  rule({ name: 'adding-serial-primary-key-field', about: 'size', problem: `an index over all rows is built, ${EXISTING}`, remedy: 'build the unique index concurrently, then ADD CONSTRAINT … PRIMARY KEY USING INDEX' },
    (found) => addedColumns(found).some((column) => /\bprimary key\b/.test(column)) || addedConstraints(found).some((constraint) => constraint.startsWith('primary key') && validated(constraint))),
  rule({ name: 'constraint-missing-not-valid', about: 'size', problem: `all rows are checked, ${EXISTING}`, remedy: 'add it NOT VALID, and VALIDATE CONSTRAINT in a migration after it' },
    (found, scene) => addedConstraints(found).some(validated) || validatesAtOnce(found, scene)),
  rule({ name: 'disallowed-unique-constraint', about: 'size', problem: `an index over all rows is built, ${EXISTING}`, remedy: 'build the unique index concurrently, then ADD CONSTRAINT … UNIQUE USING INDEX' },
    (found) => addedConstraints(found).some((constraint) => constraint.startsWith('unique') && validated(constraint)) || addedColumns(found).some((column) => /\bunique\b/.test(column))),
  rule({ name: 'changing-column-type', about: 'size', problem: `the table may be written anew, ${EXISTING}, and programs that run now read another type`, remedy: 'add a column of the new type, write both, fill it, then change over' },
    (found) => changedTypes(found).length > 0),
  rule({ name: 'require-concurrent-index-creation', about: 'size', problem: 'nobody can write into the table until the index is there', remedy: 'CREATE INDEX CONCURRENTLY, in a file with -- sluice:no-transaction' },
    ({ words }) => /^create (unique )?index (?!concurrently\b)/.test(words)),
  statement({ name: 'require-concurrent-index-deletion', problem: 'it waits for whoever uses the table, and everybody else waits behind it', remedy: 'DROP INDEX CONCURRENTLY, in a file with -- sluice:no-transaction' }, /^drop index (?!concurrently\b)/),
  rule({ name: 'require-concurrent-reindex', about: 'size', problem: 'nobody can write into the table until the index is there', remedy: 'REINDEX … CONCURRENTLY, in a file with -- sluice:no-transaction' },
    ({ words }, scene) => since(scene, PG12) && words.startsWith('reindex ') && !/\bconcurrently\b/.test(words)),
  rule({ name: 'require-concurrent-partition-detach', problem: 'it waits for whoever uses the table, and everybody else waits behind it', remedy: 'DETACH PARTITION … CONCURRENTLY, in a file with -- sluice:no-transaction' },
    ({ parts }, scene) => since(scene, PG14) && parts.some((part) => part.startsWith('detach partition ') && !/ (concurrently|finalize)$/.test(part))),
  statement({ name: 'prefer-repack', about: 'size', problem: `the table is written anew, ${EXISTING}`, remedy: 'use pg_repack or pg_squeeze, or plain VACUUM' }, /^(vacuum (\( )?full\b|vacuum \([^)]*\bfull\b|cluster( |$))/),
]

const BREAKS: readonly LintRule[] = [
  action({ name: 'ban-drop-column', problem: 'its data is gone, and programs that run now may still ask for it', remedy: 'first release programs that do without it; then say why it is safe: -- sluice:nolint ban-drop-column reason=…' }, /^drop (?!constraint\b)/),
  statement({ name: 'ban-drop-table', problem: 'its data is gone, and programs that run now may still ask for it', remedy: 'first release programs that do without it; then say why it is safe: -- sluice:nolint ban-drop-table reason=…' }, /^drop table /),
  statement({ name: 'ban-drop-database', about: 'anything', problem: 'everything in it is gone', remedy: 'do it by hand' }, /^drop database /),
  statement({ name: 'ban-truncate-cascade', about: 'anything', problem: 'tables that refer to it are emptied, too', remedy: 'name every table that is to be emptied' }, /^truncate .*\bcascade$/),
  action({ name: 'ban-drop-not-null', problem: 'programs that run now do not expect a null', remedy: 'first release programs that do' }, /^alter (column )?\S+ drop not null$/),
  action({ name: 'renaming-column', problem: 'programs that run now ask for the old name', remedy: 'add a column, write both, change over, drop the old one' }, /^rename (?!to\b|constraint\b)/),
  action({ name: 'renaming-table', problem: 'programs that run now ask for the old name', remedy: 'leave a view under the old name in the same migration, or make a new table' }, /^rename to /),
  rule({ name: 'adding-required-field', problem: 'it fails when there are rows, and so do programs that run now and do not fill it', remedy: 'give it a default, or let it be null at first' },
    (found) => addedColumns(found).some((column) => /\bnot null\b/.test(column) && !/\b(default|generated)\b/.test(column) && !/^(big|small)?serial/.test(column))),
  statement({ name: 'ban-create-domain-with-constraint', about: 'anything', problem: 'its constraint can only be changed while every table that uses it is locked', remedy: 'put the check on the table' }, /^create domain .*\b(check|not null)\b/),
  statement({ name: 'ban-alter-domain-with-add-constraint', about: 'anything', problem: 'every table that uses it is read under a lock', remedy: 'put the check on the table, NOT VALID' }, /^alter domain .* add /),
  rule({ name: 'add-column-json', about: 'anything', problem: 'json cannot be compared: SELECT DISTINCT and GROUP BY fail on it', remedy: 'use jsonb' }, (found) => addedColumns(found).some((column) => /^json\b/.test(column))),
  statement({ name: 'require-enum-value-ordering', about: 'anything', level: 'warning', problem: 'the new value comes last, whatever it means', remedy: 'say BEFORE or AFTER which one' }, /^alter type \S+ add value (?!.* (before|after) ''$)/),
  rule({ name: 'identifier-too-long', about: 'anything', level: 'warning', problem: `a name of more than ${String(LONGEST_NAME)} bytes is cut off`, remedy: 'give it a shorter name' }, namesTooLong),
]

/** What goes wrong with migrations on PostgreSQL while a service runs. */
export const postgresLint: readonly LintRule[] = [...LOCKS, ...BREAKS, ...POSTGRES_TYPE_RULES]
