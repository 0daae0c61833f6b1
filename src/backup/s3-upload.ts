import { Readable } from 'node:stream'
import type { S3Client } from '@aws-sdk/client-s3'
import { statusOf, type S3 } from './s3-client.js'

/** Memory of one upload is bounded by the product of these two. */
const PART_BYTES = 8 * 1024 * 1024
const PARTS_AT_ONCE = 4

/** What is uploaded, and where to. */
export interface UploadJob {
  readonly bucket: string
  readonly key: string
  readonly body: AsyncIterable<Buffer>
  readonly ifAbsent: boolean
  readonly signal: AbortSignal | undefined
}

/** Why an upload failed: `own` errors are of the body or the caller's signal and are passed on as they are. */
export class UploadFailure extends Error {
  readonly own: boolean
  constructor(cause: unknown, own: boolean) {
    super('the upload failed', { cause })
    this.own = own
  }
}

/**
 * Uploads a stream, in parts when it is larger than one. The first thing that fails stops everything else, and is the
 * failure that is told; the multipart is taken back before this rejects.
 *
 * The library that cuts the stream is never told to abort: it would reject at once and leave its parts under way. It sees a
 * client whose requests end instead, but for the one request that takes the multipart back.
 *
 * @returns false when `ifAbsent` was asked for and the key exists
 * @throws {@link UploadFailure}
 */
export async function upload(s3: S3, job: UploadJob): Promise<boolean> {
  const stop = new AbortController()
  let failure: UploadFailure | undefined
  const fail = (cause: unknown, own: boolean): void => {
    failure ??= new UploadFailure(cause, own)
    stop.abort(cause)
  }
  const onAbort = (): void => { fail(job.signal?.reason, true) }
  if (job.signal?.aborted === true) onAbort()
  job.signal?.addEventListener('abort', onAbort, { once: true })
  const body = Readable.from(watched(job.body, stop.signal, (error) => { fail(error, true) }), { highWaterMark: 1 })
  try {
    const params = { Bucket: job.bucket, Key: job.key, Body: body, ...job.ifAbsent ? { IfNoneMatch: '*' } : {} }
    await new s3.lib.Upload({
      client: stopping(s3, stop.signal, (error) => { fail(error, false) }), params, partSize: PART_BYTES, queueSize: PARTS_AT_ONCE,
    }).done()
    return true
  } catch (error) {
    const first = failure ?? new UploadFailure(error, false)
    if (job.ifAbsent && !first.own && statusOf(first.cause) === 412) return false
    throw first
  } finally {
    job.signal?.removeEventListener('abort', onAbort)
    body.destroy()
  }
}

async function* watched(body: AsyncIterable<Buffer>, stop: AbortSignal, onError: (error: unknown) => void): AsyncGenerator<Buffer> {
  try {
    for await (const part of body) {
      stop.throwIfAborted()
      yield part
    }
    stop.throwIfAborted()
  } catch (error) {
    onError(error)
    throw error
  }
}

/** The client, with requests that end when the upload is to stop. Taking back the multipart is none of them. */
function stopping({ sdk, client }: S3, stop: AbortSignal, onError: (error: unknown) => void): S3Client {
  const send = async (command: Parameters<S3Client['send']>[0]): Promise<unknown> => {
    if (command instanceof sdk.AbortMultipartUploadCommand) return client.send(command)
    try {
      return await client.send(command, { abortSignal: stop })
    } catch (error) {
      onError(error)
      throw error
    }
  }
  return Object.create(client, { send: { value: send } }) as S3Client
}
