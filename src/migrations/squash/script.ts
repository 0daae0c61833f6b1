import type { SchemaScript } from '../../core/dump.js'
import type { Lexicon } from '../../core/lexicon.js'
import { split } from '../../sql/split.js'
import { lineOf } from '../transaction-control.js'

/**
 * A plain dump without what is of its program, its version and its session: the statements that make the schema, one after
 * another.
 */
export function scriptOf(dump: string, { foreign, noise, rewrites, before }: SchemaScript, lexicon: Lexicon): string {
  const { statements } = split(dump.replace(foreign, ''), lexicon)
  const kept = statements.map(({ text }) => withoutComments(text)).filter((text) => !noise.test(text))
    .map((text) => rewrites.reduce((changed, [found, instead]) => changed.replace(found, instead), text))
  return kept.length === 0 ? '' : [...before, ...kept].map((text) => `${text};\n`).join('\n')
}

/** Statements of a migration that a dump would lose, with their lines. */
export function beyondDump(text: string, { beyond }: SchemaScript, lexicon: Lexicon): number[] {
  return split(text, lexicon).statements.filter((statement) => beyond.test(wordsOf(statement.text))).map(({ start }) => lineOf(text, start))
}

function wordsOf(text: string): string {
  return withoutComments(text).replaceAll(/\s+/g, ' ').toLowerCase()
}

/** A dump says above each statement what it is about, and in which schema of which owner. */
function withoutComments(text: string): string {
  return text.replace(/^(?:\s*(?:--[^\n]*)?\n)+/, '').trim().replace(/;$/, '')
}
