import { tracingChannel, type TracingChannel } from 'node:diagnostics_channel'

/** What subscribers of `sluice:query` are told of one attempt to run a statement. Never a parameter's value. */
export interface QueryTrace {
  /** SQL text with placeholders. */
  readonly text: string
  readonly name: string | undefined
  readonly label: string | undefined
  /** 1 for the first attempt. */
  readonly attempt: number
}

/** What subscribers of `sluice:transaction` are told. */
export interface TransactionTrace {
  readonly name: string | undefined
  readonly label: string | undefined
  readonly isolationLevel: string | undefined
  readonly readOnly: boolean
}

/**
 * Node's own tracing channels: what watches a process subscribes to them without knowing of its databases. `result` and
 * `error` are on the message by the time of `asyncEnd`. Without subscribers they cost one look.
 */
export const QUERY_CHANNEL = tracingChannel<object, QueryTrace>('sluice:query')
export const TRANSACTION_CHANNEL = tracingChannel<object, TransactionTrace>('sluice:transaction')

/** Runs `work`, traced where somebody listens. */
export function traced<T, Message extends object>(channel: TracingChannel<object, Message>, work: () => Promise<T>, message: () => Message): Promise<T> {
  return channel.hasSubscribers ? channel.tracePromise<undefined, [], T>(work, message()) : work()
}
