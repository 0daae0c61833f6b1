import type { Lexicon } from '../core/lexicon.js'
import { classify, type Classification } from './classify.js'
import { Memo } from './memo.js'
import { Vocabulary } from './vocabulary.js'

export type { Classification } from './classify.js'

/** The caller's own knowledge about functions, and the size of the memory. */
export interface ClassifierOptions {
  /** Functions that write, beside everything unknown. */
  readonly writeFunctions: readonly string[]
  /** Own functions that only read, written as the statements call them: `app.price`, `slugify`. */
  readonly readOnlyFunctions: readonly string[]
  /** Texts remembered; default 2,000, 0 = none. */
  readonly maxEntries?: number
}

/** Longer texts are classified anew each time: mostly generated, seldom repeated, and heavy to keep. */
const MAX_REMEMBERED_LENGTH = 16_384

/**
 * Tells reads from writes, one answer per text, remembered.
 *
 * A statement is a read only when everything in it is known to be harmless. Invisible in the text, and not looked at, is
 * what the schema adds to it: what views, triggers, casts, domains and operators do, functions called like a column
 * (`row.function`), and functions that bear the name of a built-in one (name those in `writeFunctions`).
 *
 * @example
 * const classifier = new Classifier(postgresLexicon, { readOnlyFunctions: ['app.price'] })
 * classifier.classify('select app.price(1)').class // 'read'
 */
export class Classifier {
  readonly #vocabulary: Vocabulary
  readonly #memo: Memo<Classification>

  constructor(lexicon: Lexicon, options: Partial<ClassifierOptions> = {}) {
    this.#vocabulary = new Vocabulary(lexicon, {
      writeFunctions: options.writeFunctions ?? [],
      readOnlyFunctions: options.readOnlyFunctions ?? [],
    })
    this.#memo = new Memo(options.maxEntries ?? 2_000)
  }

  /** Texts remembered at the moment. */
  get size(): number { return this.#memo.size }

  classify(text: string): Classification {
    if (text.length > MAX_REMEMBERED_LENGTH) return classify(text, this.#vocabulary)
    const known = this.#memo.get(text)
    if (known) return known
    const fresh = Object.freeze(classify(text, this.#vocabulary))
    this.#memo.set(text, fresh)
    return fresh
  }
}
