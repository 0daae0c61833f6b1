/** Texts counted; those first seen longest ago are forgotten first. */
const MAX_TEXTS = 2_000
/** Longer texts are mostly generated, and seldom repeated. */
const MAX_LENGTH = 16_384
/** Uses after which a text is worth a name on the server (as pgjdbc's `prepareThreshold`). */
const USES_TO_PREPARE = 5

/**
 * What a plan is made for and kept, after comments and opening brackets. Nothing else gains by being prepared, and only for
 * these does the server itself refuse a prepared statement whose columns have changed.
 */
const PLANNED = /^(?:\s|--[^\n]*\n|\/\*(?:[^*]|\*(?!\/))*\*\/|\()*(?:select|with|insert|update|delete|merge|values|table)\b/i

/** Whether the server keeps a plan for this text. */
export function isPlanned(text: string): boolean {
  return PLANNED.test(text)
}

const SHADOWS = /^\s*(?:create|do|call)\b|\binto\s+(?:local\s+|global\s+)?temp/i

/** Whether it may make a table that hides another one from statements prepared before. */
export function mayShadow(text: string): boolean {
  return SHADOWS.test(text)
}

/** How often the texts sent to one server have been used, on all its connections together. */
export class TextUses {
  readonly #uses = new Map<string, number>()

  /** Counts one use; true from the one on that is worth preparing. */
  enough(text: string): boolean {
    const uses = this.#uses.get(text)
    if (uses !== undefined && uses >= USES_TO_PREPARE) return true
    if (uses === undefined && !this.#mayCount(text)) return false
    this.#uses.set(text, (uses ?? 0) + 1)
    return false
  }

  /** A `;` may part two statements, which cannot be prepared together. */
  #mayCount(text: string): boolean {
    if (text.length > MAX_LENGTH || text.includes(';') || !isPlanned(text) || mayShadow(text)) return false
    for (const oldest of this.#uses.keys()) {
      if (this.#uses.size < MAX_TEXTS) break
      this.#uses.delete(oldest)
    }
    return true
  }
}
