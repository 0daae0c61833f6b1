/** Values that stay the caller's own: handed through, not copied or frozen. */
const FOREIGN = new Set(['logger', 'registry', 'onAlert', 'store'])
/** Copied and frozen one level deep: what is inside is the caller's. */
const SHALLOW = new Set(['driverOptions', 'observers'])

/** A copy of plain data, frozen to the bottom. */
export function frozen<T extends object>(value: T): T {
  return copy(value, '') as T
}

function copy(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || FOREIGN.has(key)) return value
  if (Array.isArray(value)) return Object.freeze(value.map((item: unknown) => SHALLOW.has(key) ? item : copy(item, '')))
  if (SHALLOW.has(key)) return Object.freeze({ ...value })
  return Object.freeze(Object.fromEntries(Object.entries(value).map(([name, item]) => [name, copy(item, name)])))
}
