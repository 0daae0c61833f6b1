import { FileStore } from './file-store.js'
import { placeOf } from './location.js'
import { S3Store } from './s3-store.js'
import type { BackupStore } from './store.js'

/** The store a location names. */
export function storeAt(location: string): BackupStore {
  const place = placeOf(location)
  return 's3' in place ? new S3Store(place.s3) : new FileStore(place.folder)
}
