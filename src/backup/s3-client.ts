import type { S3Client } from '@aws-sdk/client-s3'
import { load } from '../core/load.js'
import { BackupError } from './errors.js'
import type { S3Place } from './location.js'

/** The two packages of Amazon's SDK, and a client of them. */
export interface S3 {
  readonly sdk: typeof import('@aws-sdk/client-s3')
  readonly lib: typeof import('@aws-sdk/lib-storage')
  readonly client: S3Client
}

const ATTEMPTS = 6
const CONNECT_MS = 10_000
/** Until an answer begins; a part of 8 MiB is sent in it. What comes after the beginning of an answer may take its time. */
const ANSWER_MS = 300_000
const WANTED_BY = 'backup.location s3://'

/**
 * Loads the SDK and makes a client. Credentials are the SDK's own business: environment, profile, role.
 *
 * @throws {@link ConfigError} a package is not installed
 */
export async function openS3(place: S3Place): Promise<S3> {
  const sdk = await load('@aws-sdk/client-s3', () => import('@aws-sdk/client-s3'), WANTED_BY)
  const lib = await load('@aws-sdk/lib-storage', () => import('@aws-sdk/lib-storage'), WANTED_BY)
  const client = new sdk.S3Client({
    ...place.region === undefined ? {} : { region: place.region },
    ...place.endpoint === undefined ? {} : { endpoint: place.endpoint },
    forcePathStyle: place.pathStyle,
    maxAttempts: ATTEMPTS,
    requestChecksumCalculation: place.checksums ? 'WHEN_SUPPORTED' : 'WHEN_REQUIRED',
    // what is read is compared with SHA-256 of our own
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout: CONNECT_MS, requestTimeout: ANSWER_MS, throwOnRequestTimeout: true },
  })
  return { sdk, lib, client }
}

/** HTTP status of the answer an error of the SDK comes from. */
export function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } } | null)?.$metadata?.httpStatusCode
}

/** An error of the SDK as ours: what was done, to which object, and what the endpoint said. */
export function s3Error(doing: string, cause: unknown): BackupError {
  const { name, message } = cause instanceof Error ? cause : { name: 'Error', message: String(cause) }
  const status = statusOf(cause)
  const said = `${status === undefined ? '' : `HTTP ${String(status)} `}${name}${message && message !== name ? `: ${message}` : ''}`
  return new BackupError('failed', `${doing} failed: ${said}`, { cause })
}
