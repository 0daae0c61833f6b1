import { IN_FROM, IN_GROUP, IN_INTO, IN_WITH, NOWHERE, type Frame } from './frame.js'
import type { ScanState } from './scan-state.js'
import { CLOSE, NAME, OPEN, WORD } from './token.js'
import {
  AS, CLAUSE, DELETE, FROM, GROUP, INSERT, INTO, JOIN, ON, RECURSIVE, SELECT, TABLE, TRANSPARENT, UPDATE, USING, VALUES, WITH,
  type Word,
} from './vocabulary.js'

/** What a keyword changes in the frame it stands in, and what it says about the statement. */
export function onKeyword(state: ScanState, word: Word): void {
  const { facts, frames, previous, vocabulary } = state
  const frame = frames.current
  if (word.refused !== undefined) facts.write ??= word.refused
  if (previous.word !== '' && vocabulary.words.get(previous.word)?.locks?.has(word.text)) {
    facts.change ??= `locks rows (${previous.word.toUpperCase()} ${word.text.toUpperCase()})`
  }
  noteChange(state, word)
  if (frame.expecting && !word.reserved) {
    frame.expecting = false
    state.pendingTable = true
    return
  }
  if (frame.clause === IN_WITH && !word.reserved) frame.cteName = word.text
  switch (word.part) {
    case SELECT: begin(frame, false); break
    case TABLE: begin(frame, true); break
    case VALUES: case CLAUSE: leave(frame); break
    case FROM: onFrom(state, frame); break
    case JOIN: frame.joining = frame.expecting = frame.clause === IN_FROM; break
    case GROUP: leave(frame); if (previous.word !== 'within') frame.clause = IN_GROUP; break
    case WITH: onWith(state, frame); break
    case RECURSIVE: if (previous.word === 'with') frame.recursive = true; break
    case AS: onAs(state, frame); break
    case ON: frame.joining = frame.expecting = false; break
    case USING: onUsing(frame); break
    case INTO: if (frame.changes) { frame.expecting = true; frame.clause = IN_INTO } break
    case INSERT: case UPDATE: case DELETE: onVerb(state, frame, word); break
    case TRANSPARENT: break
    default: frame.expecting = false
  }
}

/** A quoted or plain name, or a keyword used as one. */
export function onName(state: ScanState, name: string): void {
  const { frames, previous, chain, vocabulary } = state
  const frame = frames.current
  if (frame.expecting || (previous.word === 'in' && vocabulary.lexicon.inNamesTable === true)) {
    frame.expecting = false
    state.pendingTable = true
  } else if (frame.clause === IN_WITH && chain.parts === 1 && !previous.as) {
    frame.cteName = name
  }
}

function noteChange({ facts, frames, previous, wordBefore }: ScanState, word: Word): void {
  switch (word.part) {
    case INSERT: case UPDATE: case DELETE:
      facts.change ??= `holds ${word.text.toUpperCase()}`
      break
    case INTO:
      if (frames.current.changes) break
      facts.change ??= 'SELECT INTO makes a table'
      facts.tablesKnown = false
      break
    default:
      if (word.text !== 'temp' && word.text !== 'temporary') break
      if (!frames.current.changes && (previous.word === 'into' || wordBefore === 'into')) {
        facts.session ??= 'makes a temporary table, which belongs to one connection'
      }
  }
}

function begin(frame: Frame, expecting: boolean): void {
  leave(frame)
  frame.query = true
  frame.expecting = expecting
}

function leave(frame: Frame): void {
  frame.clause = NOWHERE
  frame.expecting = frame.joining = false
}

function onFrom({ previous, wordBefore }: ScanState, frame: Frame): void {
  const comparison = previous.word === 'distinct' && (wordBefore === 'is' || wordBefore === 'not')
  if (!frame.query || comparison) return
  frame.clause = IN_FROM
  frame.expecting = true
}

function onWith({ previous, expectVerb }: ScanState, frame: Frame): void {
  // Elsewhere WITH belongs to a type, to WITH TIES, WITH ORDINALITY, …
  const begins = expectVerb || previous.kind === OPEN || frame.clause === IN_INTO
  if (!begins) return
  leave(frame)
  frame.clause = IN_WITH
  frame.recursive = false
}

function onAs({ previous }: ScanState, frame: Frame): void {
  if (frame.clause !== IN_WITH || frame.cteName === '') return
  if (previous.kind !== WORD && previous.kind !== NAME && previous.kind !== CLOSE) return
  if (frame.recursive) frame.ctes.push(frame.cteName)
  frame.cteBody = frame.cteName
  frame.cteName = ''
}

function onUsing(frame: Frame): void {
  if (!frame.changes || frame.joining) {
    frame.joining = false
    return
  }
  frame.clause = IN_FROM
  frame.expecting = true
}

function onVerb({ previous }: ScanState, frame: Frame, word: Word): void {
  // MERGE … THEN UPDATE, ON CONFLICT DO UPDATE, FOR [NO KEY] UPDATE name no table.
  if (previous.word === 'then' || previous.word === 'do' || previous.word === 'for' || previous.word === 'key') return
  leave(frame)
  frame.query = frame.changes = true
  // MySQL: INSERT t …, UPDATE a, b SET …
  frame.expecting = word.part !== DELETE
  if (word.part === UPDATE) frame.clause = IN_FROM
}
