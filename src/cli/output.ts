import { makeStyle, styleFacts, type Style } from './style.js'

/** A stream people read; `process.stdout` is one. */
export interface Stream {
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
  readonly rows?: number | undefined
  write(text: string): unknown
}

/** Where a command writes to, and what is in its environment. Results go to `out`, everything else to `err`. */
export interface Output {
  readonly out: Stream
  readonly err: Stream
  readonly style: Style
  readonly errorStyle: Style
  readonly env: Readonly<Record<string, string | undefined>>
}

/** An output over two streams. */
export function makeOutput(out: Stream, err: Stream, env: Readonly<Record<string, string | undefined>>): Output {
  return {
    out, err, env,
    style: makeStyle(styleFacts(out.isTTY === true, env)),
    errorStyle: makeStyle(styleFacts(err.isTTY === true, env)),
  }
}

/** Writes whole lines. */
export function print(stream: Stream, ...lines: readonly string[]): void {
  stream.write(lines.map((line) => `${line}\n`).join(''))
}
