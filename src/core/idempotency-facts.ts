/** An engine's SQL for the table of idempotency keys. `table` is quoted already; parameters stand in the order named. */
export interface IdempotencyFacts {
  /** Statements that make the table where it is not there. */
  create(table: string): readonly string[]
  /** Stores a key, its claim and its work; changes nothing where the key is there. Waits for a transaction that is storing it. */
  claim(table: string): string
  /** Whose a key is, what it stands for and what came of it: columns `claim`, `work`, `outcome`, by key. */
  read(table: string): string
  /** Stores what came of the work: outcome, key. */
  record(table: string): string
  /** Forgets keys older than so many milliseconds, a thousand at most. */
  forget(table: string): string
}
