import { SluiceError, type SluiceErrorOptions } from '../core/errors.js'

/**
 * What a backup job failed of.
 *
 * - `toolMissing`: no program on this machine can serve this server
 * - `failed`: a program, the store or the server refused; the cause says what
 * - `corrupt`: what is stored is not what was written
 * - `targetNotEmpty`: the database to restore into holds something
 * - `notFound`: there is no such backup
 * - `keyMissing`: it is encrypted, and no key given here opens it
 * - `locked`: another job of the same kind is running
 * - `refused`: the plan says that it cannot work (missing roles, extensions, a gap in the log)
 * - `cancelled`: the caller's AbortSignal fired
 */
export type BackupErrorKind =
  | 'toolMissing' | 'failed' | 'corrupt' | 'targetNotEmpty' | 'notFound' | 'keyMissing' | 'locked' | 'refused' | 'cancelled'

const CODES: Readonly<Record<BackupErrorKind, string>> = {
  toolMissing: 'SLUICE_BACKUP_TOOL_MISSING',
  failed: 'SLUICE_BACKUP_FAILED',
  corrupt: 'SLUICE_BACKUP_CORRUPT',
  targetNotEmpty: 'SLUICE_BACKUP_TARGET_NOT_EMPTY',
  notFound: 'SLUICE_BACKUP_NOT_FOUND',
  keyMissing: 'SLUICE_BACKUP_KEY_MISSING',
  locked: 'SLUICE_BACKUP_LOCKED',
  refused: 'SLUICE_BACKUP_REFUSED',
  cancelled: 'SLUICE_BACKUP_CANCELLED',
}

/** A backup, restore, verification or clean-up did not work. `kind` says of what; nothing half-made is left. */
export class BackupError extends SluiceError {
  readonly kind: BackupErrorKind
  constructor(kind: BackupErrorKind, message: string, options: SluiceErrorOptions = {}) {
    super(CODES[kind], message, options)
    this.kind = kind
  }
}
