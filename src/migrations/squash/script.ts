import type { SchemaScript } from '../../core/dump.js'
import type { Lexicon } from '../../core/lexicon.js'
import { split } from '../../sql/split.js'

/**
 * A plain dump without what is of its program, its version and its session: the statements that make the schema, one after
 * another.
 */
export function scriptOf(dump: string, { foreign, noise, before }: SchemaScript, lexicon: Lexicon): string {
  const { statements } = split(dump.replace(foreign, ''), lexicon)
  const kept = statements.map(({ text }) => withoutComments(text)).filter((text) => !noise.test(text))
  return kept.length === 0 ? '' : [...before, ...kept].map((text) => `${text};\n`).join('\n')
}

/** A dump says above each statement what it is about, and in which schema of which owner. */
function withoutComments(text: string): string {
  return text.replace(/^(?:\s*(?:--[^\n]*)?\n)+/, '').trim().replace(/;$/, '')
}
