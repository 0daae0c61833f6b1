/** What an answer means for the request's transaction. */
export interface VerdictOptions {
  /** Whether an answer with this status commits; default: every status below 400. */
  readonly commitOn?: ((status: number) => boolean) | undefined
}

/** Whether an answer with this status commits. */
export function commits(status: number, { commitOn }: VerdictOptions): boolean {
  return commitOn ? commitOn(status) : status < 400
}
