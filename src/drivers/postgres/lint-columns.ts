import type { LintStatement } from '../../core/lint-facts.js'

const NAME = '(?:"[^"]*"|[^\\s"(),]+)'
const ADD_COLUMN = new RegExp(`^add (?:column )?(?:if not exists )?(?!(?:constraint|check|unique|primary|foreign|exclude|not|table|like)\\b)${NAME} (.+)$`)
const CHANGE_TYPE = new RegExp(`^alter (?:column )?${NAME} (?:set data )?type (.+)$`)
const DEFINED = new RegExp(`^(?!(?:constraint|check|unique|primary|foreign|exclude|like)\\b)${NAME} (.+)$`)

/** Definitions of columns that ALTER TABLE adds: from the type on. */
export function addedColumns({ words, parts }: LintStatement): string[] {
  return words.startsWith('alter table ') ? matches(parts, ADD_COLUMN) : []
}

/** New types of columns that are there, with what follows. */
export function changedTypes({ words, parts }: LintStatement): string[] {
  return words.startsWith('alter table ') ? matches(parts, CHANGE_TYPE) : []
}

/** Types of all columns a statement makes or changes, with what follows them. */
export function columnTypes(statement: LintStatement): string[] {
  if (/^create .*table /.test(statement.words)) return matches(statement.parts, DEFINED)
  return [...addedColumns(statement), ...changedTypes(statement)]
}

/** Constraints that ALTER TABLE adds by themselves: from the kind on (`check ( …`). */
export function addedConstraints({ words, parts }: LintStatement): string[] {
  return words.startsWith('alter table ') ? matches(parts, new RegExp(`^add (?:constraint ${NAME} )?((?:check|unique|primary key|foreign key|exclude|not null)\\b.*)$`)) : []
}

function matches(parts: readonly string[], expression: RegExp): string[] {
  return parts.flatMap((part) => expression.exec(part)?.[1] ?? [])
}
