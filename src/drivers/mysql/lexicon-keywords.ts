import type { Keywords } from '../../core/lexicon.js'

function words(text: string): ReadonlySet<string> { return new Set(text.trim().split(/\s+/u)) }

/** The keywords. */
export const mysqlKeywords: Keywords = {
  reserved: words('select from where and or not in is null as on join inner left right group by order having limit union with distinct case when then else end insert update delete into values set for lock'),
  constructs: words('cast'),
  others: words('share'),
  names: words('null'),
  notCallAfter: new Map(),
  refused: new Map(),
}
