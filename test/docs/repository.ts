import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Paths of the repository's files that end in `ending`, tracked or about to be. */
export function repositoryFiles(ending: string): string[] {
  const list = execFileSync(process.execPath, ['scripts/repository-files.js'], { encoding: 'utf8' })
  return list.split('\0').filter((path) => path.endsWith(ending) && path !== '').sort()
}

export function read(path: string): string {
  return readFileSync(path, 'utf8')
}

/** Markdown without fenced code, whose `#` and brackets mean something else. */
export function prose(markdown: string): string {
  return markdown.replace(/^(```+|~~~+)[^\n]*\n[\s\S]*?^\1\s*$/gm, '')
}

/** Heading texts with their level, in order. */
export function headings(markdown: string): { level: number, text: string }[] {
  return [...prose(markdown).matchAll(/^(#{1,6})\s+(.+?)\s*#*$/gm)].map((match) => ({ level: match[1]!.length, text: match[2]! }))
}

/** The anchor a heading gets on code-hosting sites. */
export function anchorOf(heading: string): string {
  return heading.toLowerCase().replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/[^\p{L}\p{N}\s_-]/gu, '').trim().replace(/\s/g, '-')
}
