import type { Lexicon } from '../core/lexicon.js'
import { split, type SplitStatement } from '../sql/split.js'
import type { Directives } from './directives.js'
import { loadError } from './load-error.js'

const BEGINS = /^(begin|start transaction)( |$)/
const ENDS = /^(commit|end)( (work|transaction))?$/
const CONTROLS = /^(begin|start transaction|commit|end|rollback|abort|prepare transaction)( |$)/
/** `BEGIN NOT ATOMIC …` is a block of statements. */
const BLOCK = 'begin not atomic'
/** What checking a script needs of an engine. */
export interface ScriptFacts {
  readonly lexicon: Lexicon
  /** Begins of statements, as lower-case words, that the engine refuses inside a transaction. */
  readonly alone: RegExp | undefined
}

/**
 * The script as it is run. One BEGIN before and one COMMIT after everything (golang-migrate's advice) are taken off: the
 * runner has a transaction of its own. Any other transaction control would end that one from inside.
 *
 * @throws ConfigError the script cannot be cut for certain, holds nothing, or would leave its transaction
 */
export function checkScript(text: string, path: string, directives: Directives, { lexicon, alone: refused }: ScriptFacts): string {
  const { statements, problem } = split(text, lexicon)
  if (problem !== undefined) throw loadError(path, problem, 'look for the last quote, comment or BEGIN that was opened')
  const { noTransaction } = directives
  const inner = noTransaction ? statements : withoutPair(statements)
  const control = inner.find(({ head }) => CONTROLS.test(head.join(' ')) && !head.join(' ').startsWith(BLOCK))
  if (control && noTransaction) {
    throw loadError(path, `line ${String(lineOf(text, control.start))}: ${control.head[0]?.toUpperCase() ?? ''} in a file that runs statement by statement, and is written down between them`, 'put what belongs together into a file of its own, without -- sluice:no-transaction')
  }
  if (control) {
    throw loadError(path, `line ${String(lineOf(text, control.start))}: ${control.head[0]?.toUpperCase() ?? ''} inside a migration, which has a transaction of its own`, 'take it out, or say -- sluice:no-transaction in the first comment of the file')
  }
  if (noTransaction) return text
  const alone = inner.find(({ head }) => refused?.test(head.join(' ')))
  if (alone) {
    const words = alone.head.slice(0, 3).join(' ').toUpperCase()
    throw loadError(path, `line ${String(lineOf(text, alone.start))}: ${words} cannot run inside a transaction`, 'give it a file of its own with -- sluice:no-transaction in the first comment')
  }
  if (inner.length === statements.length) return text
  const [first, last] = [inner[0], inner.at(-1)]
  // Blank instead of cut: positions in errors stay those of the file.
  return first && last ? text.slice(0, first.start).replace(/[^\n]/g, ' ') + text.slice(first.start, last.end) : ''
}

function withoutPair(statements: readonly SplitStatement[]): readonly SplitStatement[] {
  const [first, last] = [statements[0], statements.at(-1)]
  if (!first || !last || statements.length < 2) return statements
  const paired = BEGINS.test(first.head.join(' ')) && !first.head.join(' ').startsWith(BLOCK) && ENDS.test(last.head.join(' '))
  return paired ? statements.slice(1, -1) : statements
}

/** Line of an offset, from 1. */
export function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length
}
