import { randomBytes } from 'node:crypto'

/** The passwords of a cluster's users. */
export interface Passwords {
  readonly app: string
  readonly superuser: string
  readonly replication: string
}

/** New ones for a new cluster. */
export function makePasswords(): Passwords {
  return { app: secret(), superuser: secret(), replication: secret() }
}

function secret(): string {
  return randomBytes(12).toString('hex')
}
