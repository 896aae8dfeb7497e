import { constants } from 'node:fs'
import { chmod, copyFile, lstat, mkdir, readFile, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import writeFileAtomic from 'write-file-atomic'
import { type FhirMcpError, fhirMcpError, isFhirMcpError } from '../errors.ts'
import type { Entry, FileClient } from './client.ts'

/** What is put into a file. */
export interface Addition {
  readonly member: FileClient['member']
  readonly name: string
  readonly entry: Entry
  /** Whether another server of that name may be replaced. */
  readonly force: boolean
  /** Whether a file that is not there yet is to be its owner's alone. */
  readonly private: boolean
  /** Milliseconds since the epoch, for the name of the backup. */
  readonly now: number
}

/** What was done; `backup` is the path of the file as it was before. */
export type Merged =
  | { readonly done: 'unchanged' }
  | { readonly done: 'made' }
  | { readonly done: 'changed'; readonly backup: string }

/**
 * Puts a server into the file of a client, beside the others, which stay as they are; the file as it was stays as a backup that is
 * its owner's alone. A link is followed to its file. Throws CONFIG, with the file untouched, for one that is not plain JSON
 * (comments would be lost), for a name that another server has, and for a file that cannot be read or written.
 */
export async function mergeInto(path: string, addition: Addition): Promise<Merged> {
  try {
    return await merge(path, addition)
  } catch (thrown) {
    if (isFhirMcpError(thrown)) throw thrown
    throw refusal(`${path} cannot be read or written`)
  }
}

async function merge(path: string, addition: Addition): Promise<Merged> {
  const { member, name, entry, force } = addition
  const text = await textOf(path)
  const whole = text === undefined || text.trim() === '' ? {} : objectIn(text, path)
  const servers = ownMember(whole, member) ?? {}
  if (!isObject(servers)) throw refusal(`${path} has something else than servers in ${member}`)
  const there = ownMember(servers, name)
  if (isDeepStrictEqual(there, entry)) return { done: 'unchanged' }
  if (there !== undefined && !force) {
    throw refusal(`${path} has another server by the name of ${name}: give --name, or --force to replace it`)
  }
  const merged = { ...whole, [member]: { ...servers, [name]: entry } }
  const lines = `${JSON.stringify(merged, undefined, indentOf(text ?? ''))}\n`
  if (text === undefined) {
    await mkdir(dirname(path), { recursive: true })
    await writeFileAtomic(path, lines, addition.private ? { mode: 0o600 } : {})
    return { done: 'made' }
  }
  const backup = `${path}.${new Date(addition.now).toISOString().replace(/[-:]/g, '')}.bak`
  await copyFile(path, backup, constants.COPYFILE_EXCL)
  await chmod(backup, 0o600)
  await writeFileAtomic(path, lines)
  return { done: 'changed', backup }
}

/** Undefined where there is no file yet. A link to nothing is not one: what it stands for is not known. */
async function textOf(path: string): Promise<string | undefined> {
  try {
    if (!(await stat(path)).isFile()) throw refusal(`${path} is not a file`)
  } catch (thrown) {
    if (!isAbsent(thrown)) throw thrown
    const link = await lstat(path).catch(() => undefined)
    if (link !== undefined) throw refusal(`${path} is a link that leads nowhere`)
    return undefined
  }
  return readFile(path, 'utf8')
}

function objectIn(text: string, path: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(text)
    if (isObject(parsed)) return parsed
  } catch {
    // Told below, without what is in the file.
  }
  throw refusal(
    `${path} is not plain JSON (it may have comments, which would be lost): add the lines yourself`,
  )
}

function ownMember(object: Record<string, unknown>, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined
}

function indentOf(text: string): string {
  return /^\{\r?\n([ \t]+)\S/.exec(text.trimStart())?.[1] ?? '  '
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isAbsent(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT'
}

function refusal(what: string): FhirMcpError {
  return fhirMcpError('CONFIG', { detail: `${what}.` })
}
