import { findEntry, infoOf, readCatalog } from './catalog.js'
import { cleanUp } from './cleanup.js'
import { createBackup } from './create.js'
import { cronTimes } from './cron.js'
import { freshness } from './freshness.js'
import { backupParts, serverOf } from './parts.js'
import { makePlan } from './plan.js'
import { promoteDatabase, rollbackPromotion } from './promote.js'
import { restoreBackup } from './restore.js'
import { Session } from './session.js'
import { findSource } from './source.js'
import { storeAt } from './store-at.js'
import { verifyBackup } from './verify.js'

/** The work of a manager: loaded at its first job, so that a database without backups does not pay for it. */
export const jobs = {
  backupParts, cleanUp, createBackup, cronTimes, findEntry, findSource, freshness, infoOf, makePlan, promoteDatabase, readCatalog,
  restoreBackup, rollbackPromotion, serverOf, Session, storeAt, verifyBackup,
}
