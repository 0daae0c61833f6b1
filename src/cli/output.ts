import { wrap } from './text.js'
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

/** How wide the terminal is; Infinity where there is none, or it does not say. */
export function columnsOf({ isTTY, columns }: Stream): number {
  return isTTY === true && columns ? columns : Infinity
}

/** Writes an error, its first line marked; on a terminal lines are broken between words. */
export function printError({ err, errorStyle }: Output, [first = '', ...others]: readonly string[]): void {
  const columns = columnsOf(err)
  const folded = (text: string, indent: string): string[] => {
    const [head = '', ...rest] = wrap(text, columns - indent.length)
    return [head, ...rest.map((line) => `${indent}${line}`)]
  }
  const mark = `${errorStyle.red('error:')} `
  print(err, ...folded(`${mark}${first}`, '  '), ...others.flatMap((line) => folded(`  ${line}`, '    ')))
}

/** Writes whole lines. */
export function print(stream: Stream, ...lines: readonly string[]): void {
  stream.write(lines.map((line) => `${line}\n`).join(''))
}
