import { TransactionRolledBackError } from '../../core/errors.js'

/** `SERVER_STATUS_IN_TRANS` of an OK packet. */
const IN_TRANSACTION = 1

/** Statements that may follow an error that ended the transaction: they end it for the client too. */
const ENDS = /^\s*(?:rollback|commit)\s*;?\s*$/i

/**
 * The transaction block of one session, as client and server know it.
 *
 * MySQL ends a transaction by itself: after a deadlock, on some timeouts, when a cluster refuses it. The session is then
 * in autocommit, and whatever a client that has not noticed sends next is committed at once, by itself. So what follows
 * such an error is refused here until the transaction is ended by name, as PostgreSQL does it on the server.
 */
export class TransactionBlock {
  #open = false
  #undone: unknown

  /** Outside any transaction block. */
  get idle(): boolean { return !this.#open && this.#undone === undefined }
  /** The server has a transaction open. */
  get open(): boolean { return this.#open }

  /** The server's status, from an answer without rows. */
  told(serverStatus: number): void {
    this.#open = (serverStatus & IN_TRANSACTION) !== 0
  }

  /** An error came, and the server says that the transaction is gone. */
  undone(cause: unknown): void {
    this.#open = false
    this.#undone = cause
  }

  /** A new session. */
  clear(): void {
    this.#open = false
    this.#undone = undefined
  }

  /** @throws {@link TransactionRolledBackError} the server has undone the transaction this statement belongs to */
  admit(text: string): void {
    if (this.#undone === undefined || ENDS.test(text)) return
    throw new TransactionRolledBackError('the server has rolled the transaction back: nothing runs in it any more', {
      cause: this.#undone, neverSent: true, hint: 'end it with ROLLBACK; an earlier error (a deadlock, a timeout) undid it as a whole',
    })
  }

  /** A statement was answered. Whether what it ended had been undone before: its COMMIT stored nothing. */
  ended(text: string): boolean {
    if (this.#undone === undefined || !ENDS.test(text)) return false
    this.#undone = undefined
    return true
  }
}
