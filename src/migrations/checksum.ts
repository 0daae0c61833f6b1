import { createHash } from 'node:crypto'

/** Stored with every checksum, so that another one may come later. */
export const CHECKSUM_ALGORITHM = 'sha256-lf'

/**
 * Of a file's meaning rather than of its bytes: byte order mark, line ends and newlines at the end do not count, so that
 * editors and `core.autocrlf` change nothing.
 */
export function checksumOf(text: string): string {
  return createHash('sha256').update(normalised(text)).digest('hex')
}

/** The text as it is counted. */
function normalised(text: string): string {
  return text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n').replace(/\n+$/, '')
}

/** What a mark stands for. */
export interface Marked {
  readonly service: string
  readonly kind: string
  readonly version: number
  readonly name: string
  readonly checksum: string
}

const MARK_DIGITS = 10

/**
 * A number for "this migration is applied as it is": the marks of all rows can be added up by the server, and the sum
 * compared with the files' in one short query. 40 bits, so that sums stay exact.
 */
export function markOf(row: Marked): number {
  const text = [row.service, row.kind, String(row.version), row.kind === 'R' ? row.name : '', row.checksum].join('\n')
  return Number.parseInt(createHash('sha256').update(text).digest('hex').slice(0, MARK_DIGITS), 16)
}
