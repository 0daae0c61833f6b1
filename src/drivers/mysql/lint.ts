import type { LintRule, LintScene } from '../../core/lint-facts.js'

const LONGEST_NAME = 64
/** Versions of MySQL, and of MariaDB, which counts on from 10. */
const INSTANT_COLUMNS = 80_012
const ENFORCED_CHECKS = 80_016

const NAME = '(?:"[^"]*"|[^\\s"(),]+)'
const ADD_COLUMN = new RegExp(`^add (?:column )?(?:if not exists )?(?!(?:constraint|check|unique|primary|foreign|fulltext|spatial|key|index|partition|period|system)\\b)${NAME} (.+)$`)
const COPIED = 'all rows are copied, and nobody can write into the table meanwhile'

const since = ({ version }: LintScene, first: number): boolean => version === undefined || version >= first

type Facts = Pick<LintRule, 'name' | 'problem' | 'remedy'> & Partial<Pick<LintRule, 'level' | 'about'>>

const rule = (facts: Facts, finds: LintRule['finds']): LintRule => ({ level: 'error', about: 'table', ...facts, finds })
const statement = (facts: Facts, expression: RegExp): LintRule => rule(facts, ({ words }) => expression.test(words))
const action = (facts: Facts, expression: RegExp): LintRule =>
  rule(facts, ({ words, parts }) => /^alter (ignore )?table /.test(words) && parts.some((part) => expression.test(part)))
const column = (facts: Facts, found: (definition: string, scene: LintScene) => boolean): LintRule => rule(facts, ({ words, parts }, scene) =>
  /^alter (ignore )?table /.test(words) && parts.some((part) => { const definition = ADD_COLUMN.exec(part)?.[1]; return definition !== undefined && found(definition, scene) }))

function namesTooLong({ words }: { readonly words: string }): boolean {
  return words.split(/[ .]/).some((word) => /^["a-z_\u0080-\uffff]/.test(word) && Array.from(word.replaceAll('"', '')).length > LONGEST_NAME)
}

/** What goes wrong with migrations on MySQL and MariaDB (InnoDB) while a service runs. */
export const mysqlLint: readonly LintRule[] = [
  column({ name: 'adding-field-with-default', about: 'size', problem: `the default is not the same for every row: ${COPIED}`, remedy: 'add the column without it, then fill old rows in small steps' },
    (definition, scene) => /\bstored\b/.test(definition) || (/\bdefault \(/.test(definition) && /\b(uuid|rand|random_bytes|uuid_short|now|sysdate) \(/.test(definition)) || (!since(scene, INSTANT_COLUMNS) && /\bdefault\b/.test(definition))),
  column({ name: 'add-column-auto-increment', about: 'size', problem: COPIED, remedy: 'make a new table with the column, and copy in small steps' }, (definition) => /\bauto_increment\b/.test(definition)),
  action({ name: 'adding-foreign-key-constraint', about: 'size', problem: COPIED, remedy: 'set foreign_key_checks = 0 for it after the rows were checked, or build the table anew with gh-ost or pt-online-schema-change' }, /^add (constraint (\S+ )?)?foreign key\b/),
  rule({ name: 'add-check-constraint', about: 'size', problem: `all rows are checked: ${COPIED}`, remedy: 'add it NOT ENFORCED where that is enough, or at a quiet time' },
    ({ words, parts }, scene) => words.startsWith('alter table ') && since(scene, ENFORCED_CHECKS) && parts.some((part) => /^add (constraint (\S+ )?)?check\b/.test(part) && !/\bnot enforced$/.test(part))),
  action({ name: 'changing-column-type', about: 'size', problem: `unless only the default changes or a varchar gets longer, ${COPIED}`, remedy: 'add a column of the new type, write both, fill it, then change over' }, /^modify /),
  action({ name: 'renaming-column', problem: 'programs that run now ask for the old name', remedy: 'add a column, write both, change over, drop the old one' }, /^(change (column )?|rename column )/),
  rule({ name: 'renaming-table', problem: 'programs that run now ask for the old name', remedy: 'leave a view under the old name, or make a new table' },
    ({ words, parts }) => words.startsWith('rename table ') || (words.startsWith('alter table ') && parts.some((part) => /^rename (?!column |index |key )/.test(part)))),
  action({ name: 'ban-drop-column', problem: 'its data is gone, and programs that run now may still ask for it', remedy: 'first release programs that do without it; then say why it is safe: -- sluice:nolint ban-drop-column reason=…' },
    /^drop (?!(constraint|index|key|primary|foreign|check|partition|period|system)\b)/),
  statement({ name: 'ban-drop-table', problem: 'its data is gone, and programs that run now may still ask for it', remedy: 'first release programs that do without it; then say why it is safe: -- sluice:nolint ban-drop-table reason=…' }, /^drop table /),
  statement({ name: 'ban-drop-database', about: 'anything', problem: 'everything in it is gone', remedy: 'do it by hand' }, /^drop (database|schema) /),
  rule({ name: 'require-concurrent-index-creation', about: 'size', problem: 'indexes of this kind are built while nobody can write into the table', remedy: 'build the table anew with gh-ost or pt-online-schema-change, or at a quiet time' },
    ({ words, parts }) => /^create (fulltext|spatial) index /.test(words) || (words.startsWith('alter table ') && parts.some((part) => /^add (fulltext|spatial)\b/.test(part)))),
  rule({ name: 'require-online-algorithm', about: 'size', problem: COPIED, remedy: 'ALGORITHM=INPLACE, LOCK=NONE, or leave both out' },
    ({ words }) => /\b(algorithm =? ?copy|lock =? ?(shared|exclusive))\b/.test(words)),
  action({ name: 'adding-serial-primary-key-field', about: 'size', problem: 'the table is written anew, in the order of the key', remedy: 'do it at a quiet time, or with gh-ost or pt-online-schema-change' }, /^(add (constraint (\S+ )?)?primary key|drop primary key)\b/),
  action({ name: 'converting-character-set', about: 'size', problem: COPIED, remedy: 'add columns of the new character set, fill them, then change over' }, /^convert to character set\b/),
  action({ name: 'changing-engine', about: 'size', problem: 'the table is written anew', remedy: 'do it with gh-ost or pt-online-schema-change' }, /^(engine|row_format)\b/),
  rule({ name: 'identifier-too-long', about: 'anything', level: 'warning', problem: `a name of more than ${String(LONGEST_NAME)} characters is refused`, remedy: 'give it a shorter name' }, namesTooLong),
  rule({ name: 'prefer-bigint-over-int', about: 'anything', level: 'warning', problem: 'an auto_increment int ends at 2147483647, and to change it later copies the table', remedy: 'use bigint' },
    ({ words, parts }) => /^(create|alter) .*table /.test(words) && parts.some((part) => /\b(int|integer|mediumint|smallint|tinyint)\b.*\bauto_increment\b/.test(part))),
]
