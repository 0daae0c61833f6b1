/** Names and values of environment variables. */
export type Environment = Readonly<Record<string, string | undefined>>

/** The environment of this process: the one place that reads it. */
export function environment(): Environment {
  return process.env
}
