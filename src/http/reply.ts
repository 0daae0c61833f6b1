/** An answer as data: whatever framework is used, it sends these three. */
export interface HttpReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** What is known or failing now must never be answered from a cache on the way. */
const NOT_STORED = 'no-store'

/** A JSON reply that nobody may store. */
export function jsonReply(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): HttpReply {
  return {
    status, body: `${JSON.stringify(value)}\n`,
    headers: { 'content-type': 'application/json; charset=utf-8', 'cache-control': NOT_STORED, ...headers },
  }
}

/** A reply in a text format of its own. */
export function textReply(status: number, body: string, contentType: string): HttpReply {
  return { status, body, headers: { 'content-type': contentType, 'cache-control': NOT_STORED } }
}
