import { width } from './text.js'

/** One column of a table. */
export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right'
  /** Columns it takes at least, so that a table redrawn in place does not jump. */
  readonly minWidth?: number
}

const GAP = '  '

/**
 * A table without lines around it: titles, then the rows. Cells may be coloured; a column is as wide as its widest cell.
 *
 * @param paintTitles - applied to the finished line of titles
 */
export function table(
  columns: readonly Column[], rows: readonly (readonly string[])[], paintTitles: (line: string) => string = (line) => line,
): string[] {
  const widths = columns.map(({ title, minWidth = 0 }, index) =>
    Math.max(minWidth, width(title), ...rows.map((row) => width(row[index] ?? ''))))
  const line = (cells: readonly string[]): string => columns.map(({ align }, index) =>
    fill(cells[index] ?? '', widths[index] ?? 0, align ?? 'left')).join(GAP).trimEnd()
  return [paintTitles(line(columns.map(({ title }) => title))), ...rows.map(line)]
}

function fill(text: string, columns: number, align: 'left' | 'right'): string {
  const room = ' '.repeat(Math.max(0, columns - width(text)))
  return align === 'right' ? room + text : text + room
}
