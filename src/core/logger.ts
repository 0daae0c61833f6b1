/** What the library asks of a logger: pino's shape, which winston, bunyan and `console` adapters share. */
export interface Logger {
  debug(facts: object, message?: string): void
  info(facts: object, message?: string): void
  warn(facts: object, message?: string): void
  error(facts: object, message?: string): void
  /** pino has it: what it denies is not even put together. */
  isLevelEnabled?(level: string): boolean
}
