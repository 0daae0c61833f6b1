import { Readable } from 'node:stream'
import { asError } from '../core/deadline.js'
import { BackupError } from './errors.js'
import type { S3Place } from './location.js'
import { openS3, s3Error, statusOf, type S3 } from './s3-client.js'
import { upload, UploadFailure } from './s3-upload.js'
import type { BackupStore, StoredObject, WriteOptions } from './store.js'

/** A download that breaks off this often without a byte in between is given up. */
const RESUMES = 5

/** Objects of a bucket. The SDK is loaded at the first use. */
export class S3Store implements BackupStore {
  readonly location: string
  readonly #place: S3Place
  #opened: Promise<S3> | undefined

  constructor(place: S3Place) {
    this.#place = place
    this.location = `s3://${place.bucket}/${place.prefix}`
  }

  /** `ifAbsent` is the endpoint's own conditional write: one that has none refuses, or ignores it. */
  async write(key: string, body: AsyncIterable<Buffer>, options: WriteOptions = {}): Promise<boolean> {
    const job = { ...this.#at(key), body, ifAbsent: options.ifAbsent === true, signal: options.signal }
    try {
      return await upload(await this.#open(), { ...job, bucket: job.Bucket, key: job.Key })
    } catch (error) {
      if (!(error instanceof UploadFailure)) throw error
      throw error.own ? error.cause : s3Error(`writing ${this.location}${key}`, error.cause)
    }
  }

  async read(key: string, signal?: AbortSignal): Promise<Readable> {
    const first = await this.#get(key, 0, undefined, signal)
    return Readable.from(this.#resumed(key, first, signal), { objectMode: false, highWaterMark: 256 * 1024 })
  }

  async *list(prefix: string): AsyncGenerator<StoredObject> {
    const { sdk, client } = await this.#open()
    let token: string | undefined
    do {
      const wanted = { Bucket: this.#place.bucket, Prefix: this.#place.prefix + prefix, ...token === undefined ? {} : { ContinuationToken: token } }
      const page: import('@aws-sdk/client-s3').ListObjectsV2CommandOutput = await client.send(new sdk.ListObjectsV2Command(wanted))
        .catch((error: unknown) => { throw s3Error(`listing ${this.location}${prefix}`, error) })
      for (const { Key, Size, LastModified } of page.Contents ?? []) {
        if (Key !== undefined) yield { key: Key.slice(this.#place.prefix.length), bytes: Size ?? 0, modifiedAt: LastModified ?? new Date() }
      }
      token = page.IsTruncated === true ? page.NextContinuationToken : undefined
    } while (token !== undefined)
  }

  async remove(key: string): Promise<void> {
    const { sdk, client } = await this.#open()
    await client.send(new sdk.DeleteObjectCommand(this.#at(key))).catch((error: unknown) => {
      if (statusOf(error) !== 404) throw s3Error(`removing ${this.location}${key}`, error)
    })
  }

  /** Multiparts of writers that died: nobody sees them, and they are paid for until somebody takes them away. */
  async sweep(prefix: string, olderThanMs: number): Promise<number> {
    const { sdk, client } = await this.#open()
    const { bucket } = this.#place
    let swept = 0
    let from: { KeyMarker?: string, UploadIdMarker?: string } | undefined = {}
    try {
      while (from) {
        const page: import('@aws-sdk/client-s3').ListMultipartUploadsCommandOutput =
          await client.send(new sdk.ListMultipartUploadsCommand({ Bucket: bucket, Prefix: this.#place.prefix + prefix, ...from }))
        for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
          if (Initiated && Initiated.getTime() > Date.now() - olderThanMs) continue
          await client.send(new sdk.AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId })).catch((error: unknown) => {
            if (statusOf(error) !== 404) throw error
          })
          swept += 1
        }
        from = page.IsTruncated === true && page.NextKeyMarker !== undefined
          ? { KeyMarker: page.NextKeyMarker, ...page.NextUploadIdMarker === undefined ? {} : { UploadIdMarker: page.NextUploadIdMarker } } : undefined
      }
    } catch (error) {
      throw s3Error(`taking back unfinished uploads below ${this.location}${prefix}`, error)
    }
    return swept
  }

  /** Goes on where a broken connection ended, as long as it is the same object. */
  async *#resumed(key: string, first: Answer, signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
    let answer = first
    let at = 0
    for (let broken = 0; ;) {
      try {
        for await (const part of answer.body) {
          at += (part as Buffer).length
          broken = 0
          yield part as Buffer
        }
        return
      } catch (error) {
        if (signal?.aborted === true) throw asError(signal.reason)
        broken += 1
        if (broken > RESUMES) throw s3Error(`reading ${this.location}${key} from byte ${String(at)}`, error)
      } finally {
        answer.body.destroy()
      }
      if (at === first.bytes) return
      answer = await this.#get(key, at, first.etag, signal)
    }
  }

  async #get(key: string, from: number, etag: string | undefined, signal: AbortSignal | undefined): Promise<Answer> {
    const { sdk, client } = await this.#open()
    const range = from === 0 ? {} : { Range: `bytes=${String(from)}-` }
    const same = etag === undefined ? {} : { IfMatch: etag }
    const answer = await client.send(new sdk.GetObjectCommand({ ...this.#at(key), ...range, ...same }), signal ? { abortSignal: signal } : {})
      .catch((cause: unknown) => {
        if (signal?.aborted === true) throw asError(signal.reason)
        if (statusOf(cause) === 404) throw new BackupError('notFound', `there is no ${this.location}${key}`, { cause })
        throw s3Error(`reading ${this.location}${key}`, cause)
      })
    return { body: answer.Body as Readable, etag: answer.ETag, bytes: answer.ContentLength }
  }

  #at(key: string): { Bucket: string, Key: string } {
    return { Bucket: this.#place.bucket, Key: this.#place.prefix + key }
  }

  async #open(): Promise<S3> {
    this.#opened ??= openS3(this.#place).catch((error: unknown) => {
      this.#opened = undefined
      throw asError(error)
    })
    return this.#opened
  }
}

interface Answer {
  readonly body: Readable
  readonly etag: string | undefined
  readonly bytes: number | undefined
}
