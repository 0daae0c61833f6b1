/** What a parenthesis was opened for. */
export const GROUP_OF = 0
export const CALL_OF = 1
/** `DISTINCT ON (…)`: an operand may follow it directly. */
export const DISTINCT_ON = 2
/** `OPERATOR(schema.+)`: likewise. */
export const OPERATOR_OF = 3
/** Options of EXPLAIN, until a query inside shows otherwise. */
export const OPTIONS_OF = 4

/** Which list the tokens of a frame belong to. */
export const NOWHERE = 0
export const IN_WITH = 1
export const IN_FROM = 2
export const IN_GROUP = 3
/** After INSERT INTO, before its rows. */
export const IN_INTO = 4

/** One level of parentheses; the statement itself is the outermost. Reused, so that scanning allocates little. */
export class Frame {
  kind = GROUP_OF
  clause = NOWHERE
  /** SELECT or a changing verb stands in this frame: its FROM names tables. */
  query = false
  /** A verb that changes rows stands in this frame. */
  changes = false
  /** The next name is a table. */
  expecting = false
  /** The last join has not seen its condition: USING belongs to it. */
  joining = false
  recursive = false
  /** Name before AS in a WITH list. */
  cteName = ''
  /** The parenthesis opened next is the body of this CTE. */
  cteBody = ''
  /** This frame is the body of that CTE of the frame around it. */
  bodyOf = ''
  /** Names of the CTEs usable from here on, in this frame and within. */
  readonly ctes: string[] = []

  reset(kind: number): void {
    this.kind = kind
    this.clause = NOWHERE
    this.query = this.changes = this.expecting = this.joining = this.recursive = false
    this.cteName = this.cteBody = this.bodyOf = ''
    this.ctes.length = 0
  }
}

/** The open parentheses, innermost last. */
export class Frames {
  readonly #frames: Frame[] = [new Frame()]
  depth = 0
  current = this.#at(0)

  #at(depth: number): Frame {
    return this.#frames[depth] ??= new Frame()
  }

  open(kind: number): Frame {
    this.depth++
    this.current = this.#at(this.depth)
    this.current.reset(kind)
    return this.current
  }

  /** Leaves the innermost frame and returns it, valid until the next `open`; undefined when none is open. */
  close(): Frame | undefined {
    if (this.depth === 0) return undefined
    const closed = this.current
    this.depth--
    this.current = this.#at(this.depth)
    return closed
  }

  /** A new statement begins. */
  clear(): void {
    this.depth = 0
    this.current = this.#at(0)
    this.current.reset(GROUP_OF)
  }

  /** Whether an unqualified name means a CTE here. */
  namesCte(name: string): boolean {
    for (let depth = this.depth; depth >= 0; depth--) {
      if (this.#at(depth).ctes.includes(name)) return true
    }
    return false
  }
}
