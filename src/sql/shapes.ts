import type { Lexicon } from '../core/lexicon.js'
import { fingerprint, normalize } from './fingerprint.js'

/** What a statement is apart from its values. */
export interface Shape {
  /** The same for texts that differ in literals, placeholders, lists and white space only. */
  readonly fingerprint: string
  /** One of the texts, with `?` for every literal. */
  readonly text: string
}

/** Texts remembered: reading one takes microseconds, and most come again. */
const MAX_TEXTS = 5_000

/** The shapes of texts, each read once. */
export class Shapes {
  readonly #lexicon: Lexicon
  #known = new Map<string, Shape>()

  constructor(lexicon: Lexicon) { this.#lexicon = lexicon }

  of(text: string): Shape {
    const known = this.#known.get(text)
    if (known) return known
    if (this.#known.size >= MAX_TEXTS) this.#known = new Map()
    const shape = { fingerprint: fingerprint(text, this.#lexicon), text: normalize(text, this.#lexicon) }
    this.#known.set(text, shape)
    return shape
  }
}
