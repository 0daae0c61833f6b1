import type { OnProgress } from './progress.js'

/** Where and how a backup is restored. */
export interface RestoreOptions {
  /** Default: a new database beside the original, `<name>_restore_<id>`. It is made when it does not exist. */
  readonly database?: string | undefined
  /** Name of the target, typed once more: a target that is not empty is then dropped, after a backup of it. */
  readonly confirm?: string | undefined
  /** Objects belong to whoever restores. */
  readonly noOwner?: boolean | undefined
  readonly noPrivileges?: boolean | undefined
  /** Makes the roles that are missing here, from the backup's globals. */
  readonly globals?: boolean | undefined
  /** Processes, for the format `directory`; default `parallelJobs`. */
  readonly jobs?: number | undefined
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: OnProgress | undefined
}
