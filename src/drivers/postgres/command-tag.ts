/** What a server says when a statement is done. */
export interface CommandTag {
  readonly text: string
  readonly command: string
  readonly rows: number | undefined
}

let lastTag: CommandTag = { text: '', command: '', rows: undefined }

/** `SELECT 5`, `INSERT 0 1`, `CREATE TABLE`; the same one mostly comes again. */
export function tagOf(text: string): CommandTag {
  if (text === lastTag.text) return lastTag
  const [, command = '', first, second] = /^([A-Za-z]+)(?: (\d+))?(?: (\d+))?/.exec(text) ?? []
  const rows = second ?? first
  lastTag = { text, command, rows: rows === undefined ? undefined : Number(rows) }
  return lastTag
}
