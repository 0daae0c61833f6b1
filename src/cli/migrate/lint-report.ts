import type { LintFinding, LintResult } from '../../migrations/lint/result.js'
import type { Style } from '../style.js'
import { plural } from '../text.js'

/** What a linter has found, file by file as compilers write it: `path:line`, so that editors find it. */
export function lintLines({ findings, allowed, files }: LintResult, style: Style): string[] {
  const errors = findings.filter(({ level }) => level === 'error').length
  const sums = [plural(files, 'file'), plural(errors, 'error'), plural(findings.length - errors, 'warning'), ...allowed.length > 0 ? [`${String(allowed.length)} allowed`] : []]
  return [...findings.flatMap((finding) => lines(finding, style)), ...findings.length === 0 ? [`${style.green(style.glyphs.done)} ${sums[0] ?? ''}, nothing found${allowed.length > 0 ? `, ${String(allowed.length)} allowed` : ''}`] : [sums.join(', ')]]
}

function lines({ path, line, rule, level, table, problem, remedy }: LintFinding, style: Style): string[] {
  const mark = level === 'error' ? style.red(level) : style.yellow(level)
  return [`${path}:${String(line)} ${mark} ${rule}${table === undefined ? '' : ` (${table})`}`, `  ${problem}`, style.dim(`  instead: ${remedy}`), '']
}
