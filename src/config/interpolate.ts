import type { Environment } from './env.js'
import { isRecord } from './fields.js'
import { shownName, type Problem } from './problem.js'

const REFERENCE = /\$\$\{|\$\{([^}]*)\}/g
const NAME = /^([A-Za-z_]\w*)(?::-([^]*))?$/

/**
 * A copy of a file's content with `${NAME}` and `${NAME:-default}` replaced in every text; `$${` stands for a plain
 * `${`. A default holds wherever the variable is unset or empty. It happens after parsing, so that a value can never
 * become structure.
 *
 * @param problems - receives what is wrong
 */
export function interpolate(content: unknown, env: Environment, problems: Problem[], path = ''): unknown {
  if (typeof content === 'string') return interpolateText(content, env, problems, path)
  const inside = (name: string): string => path === '' ? name : `${path}.${name}`
  if (Array.isArray(content)) return content.map((item, index) => interpolate(item, env, problems, inside(String(index))))
  // Class instances (a logger in a .js file) are not content.
  if (!isRecord(content) || (Object.getPrototypeOf(content) !== Object.prototype && Object.getPrototypeOf(content) !== null)) return content
  return Object.fromEntries(Object.entries(content).map(([name, item]) => [name, interpolate(item, env, problems, inside(shownName(name)))]))
}

function interpolateText(text: string, env: Environment, problems: Problem[], path: string): string {
  return text.replaceAll(REFERENCE, (whole, reference: string | undefined) => {
    if (reference === undefined) return '${'
    const match = NAME.exec(reference)
    if (match === null) {
      problems.push({ path, expected: 'references like ${NAME} or ${NAME:-default}', got: 'another form', hint: 'write $${ for a plain ${' })
      return whole
    }
    const [, name = '', fallback] = match
    const value = env[name]
    if (value !== undefined && value !== '') return value
    if (fallback !== undefined) return fallback
    if (value === undefined) problems.push({ path, expected: `the environment variable ${name}`, got: 'none', hint: `set ${name}, or write \${${name}:-default}` })
    return ''
  })
}
