import { CALL_OF, DISTINCT_ON, GROUP_OF, IN_GROUP, IN_WITH, OPERATOR_OF } from './frame.js'
import type { Chain, ScanState } from './scan-state.js'
import { noteAttributeCall } from './statement-facts.js'
import { CAST, COMMA, NAME, OPEN, WORD } from './token.js'
import { CUSTOM_OPERATOR, GROUPING, INSERT, ON, UPDATE } from './vocabulary.js'

/**
 * What the parenthesis about to open is for, and the note of the call when it is one.
 *
 * The rule behind it: two operands never stand side by side in SQL. So a name before a parenthesis is a call wherever an
 * operand may begin, and an alias with columns, a type's size or a clause (`over (`) wherever one has just ended.
 */
export function parenthesisKind(state: ScanState): number {
  const { previous, chain, facts, frames } = state
  if (previous.kind !== WORD && previous.kind !== NAME) return GROUP_OF
  if (facts.rule?.scan === 'copy' && frames.depth === 0) return GROUP_OF
  if (chain.info?.part === CUSTOM_OPERATOR) return OPERATOR_OF
  if (chain.info?.part === ON) return chain.before.word === 'distinct' ? DISTINCT_ON : GROUP_OF
  if (!opensCall(state, chain)) return chain.info?.neverCalls && !chain.info.reserved ? CALL_OF : GROUP_OF
  noteCall(state, chain)
  return CALL_OF
}

function opensCall({ frames, vocabulary }: ScanState, chain: Chain): boolean {
  const { before, info } = chain
  const frame = frames.current
  if (info) {
    if (info.neverCalls || info.notCallAfter?.has(before.word)) return false
    if (info.part === GROUPING && frame.clause === IN_GROUP) {
      return !(before.kind === COMMA || before.kind === OPEN || before.word === 'by' || before.word === 'distinct')
    }
  }
  if (before.kind === CAST || before.as || before.operand) return false
  if (chain.parts === 1 && frame.clause === IN_WITH) {
    return !(before.kind === COMMA || before.word === 'with' || before.word === 'recursive')
  }
  const part = vocabulary.words.get(before.word)?.part
  // The column lists of INSERT INTO t (…), UPDATE SET (…) and THEN INSERT (…).
  return !(frame.changes && (before.word === 'into' || part === UPDATE || info?.part === INSERT))
}

/**
 * A name after a point may call a function without parentheses: `('s'::regclass).nextval`, and, where a function stands
 * in FROM, `x.nextval from regclass('s') x`. What is known to write is taken for a call there; the caller's own functions
 * look like columns and are not.
 */
export function noteAttribute(state: ScanState, name: string): void {
  const { vocabulary, facts } = state
  const kind = vocabulary.functions.get(name)?.class
  if (kind !== 'write' && kind !== 'session') return
  if (state.continuesChain && vocabulary.lexicon.attributesCall !== true) facts.attribute ??= { name, class: kind }
  else noteAttributeCall(facts, { name, class: kind })
}

function noteCall({ vocabulary, facts }: ScanState, chain: Chain): void {
  const builtin = chain.parts === 2 && chain.first === vocabulary.lexicon.builtinSchema
  const known = chain.ambiguous ? undefined : vocabulary.functions.get(builtin ? chain.last : chain.text)
  if (!known) {
    facts.tablesKnown = facts.quick = false
    facts.write ??= `calls ${chain.text}(), which is not known to only read`
    return
  }
  if (known.own) {
    facts.quick = false
    if (known.class !== 'read') facts.tablesKnown = false
  }
  switch (known.class) {
    case 'read': break
    case 'waits': facts.quick = false; break
    case 'session': facts.session ??= `calls ${chain.text}(), which belongs to one connection`; break
    case 'write': facts.write ??= `calls ${chain.text}(), which writes or is right on the primary only`; break
  }
}
