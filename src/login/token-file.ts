import { createHash } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { lstat, mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { lock } from 'proper-lockfile'
import writeFileAtomic from 'write-file-atomic'
import { type FhirMcpError, fhirMcpError, isFhirMcpError } from '../errors.ts'
import type { LoginSettings } from './settings.ts'
import { type TokenSet, tokenSetSchema } from './token-set.ts'

/**
 * Where the tokens of one issuer and client are kept. Everything throws CONFIG for a file or folder that is not the owner's
 * alone, or that cannot be used.
 */
export interface TokenFile {
  /** Undefined where there are none. */
  read(): Promise<TokenSet | undefined>
  /** Does a piece of work while no other process does one on the same file. */
  locked<T>(work: () => Promise<T>): Promise<T>
  write(tokens: TokenSet): Promise<void>
  remove(): Promise<void>
}

/** Waits for the lock up to a minute: a refresh by another process ends within its own timeout. */
const patience = { retries: 600, factor: 1, minTimeout: 50, maxTimeout: 100, randomize: true }

/**
 * An owner-only file (0600) in an owner-only folder (0700), one for each issuer and client, written atomically. Where the
 * system has no owners of files (Windows) the folder of the user protects it.
 */
export function tokenFile({ folder, issuer, clientId }: LoginSettings): TokenFile {
  const name = createHash('sha256')
    .update(JSON.stringify([issuer.href, clientId]))
    .digest('hex')
    .slice(0, 32)
  const path = join(folder, `${name}.json`)

  async function checkFolder(): Promise<boolean> {
    const stats = await orAbsent(lstat(folder))
    if (stats === undefined) return false
    if (!stats.isDirectory() || !isOwnersAlone(stats)) {
      throw unsafe('The folder of the kept sign-in must be a folder of its owner alone (mode 0700)')
    }
    return true
  }

  async function read(): Promise<TokenSet | undefined> {
    if (!(await checkFolder())) return undefined
    const file = await orAbsent(open(path, readFlags)).catch((thrown: unknown) => {
      throw hasCode(thrown, 'ELOOP') ? unsafeFile() : thrown
    })
    if (file === undefined) return undefined
    try {
      const stats = await file.stat()
      if (!stats.isFile() || !isOwnersAlone(stats)) throw unsafeFile()
      return parsed(await file.readFile('utf8'))
    } finally {
      await file.close()
    }
  }

  return {
    read: () => usable(read),

    async locked(work) {
      const release = await usable(async () => {
        await mkdir(folder, { recursive: true, mode: 0o700 })
        await checkFolder()
        // A lock that was lost is no reason to stop: what the issuer has rotated has to be written all the same.
        return lock(path, { realpath: false, retries: patience, onCompromised: () => undefined })
      })
      try {
        return await work()
      } finally {
        await release().catch(() => undefined)
      }
    },

    write: (tokens) =>
      usable(async () => {
        const stats = await orAbsent(lstat(path))
        // Replaced, never written through: a link may lead anywhere.
        if (stats !== undefined && !stats.isFile()) await rm(path)
        await writeFileAtomic(path, JSON.stringify(tokens), { mode: 0o600 })
      }),

    remove: () => usable(() => rm(path, { force: true })),
  }
}

/** A link is not followed; a pipe does not block. Neither exists where the flags do not. */
const readFlags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

function isOwnersAlone(stats: Stats): boolean {
  const user = process.getuid?.()
  return user === undefined || (stats.uid === user && (stats.mode & 0o077) === 0)
}

/** Whatever cannot be read as a sign-in is none; the next one replaces it. */
function parsed(text: string): TokenSet | undefined {
  try {
    return tokenSetSchema.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

async function orAbsent<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked
  } catch (thrown) {
    if (hasCode(thrown, 'ENOENT')) return undefined
    throw thrown
  }
}

/** Errors of the file system name paths; what they mean here is always the same. */
async function usable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (thrown) {
    if (isFhirMcpError(thrown)) throw thrown
    throw unsafe(
      'The kept sign-in cannot be read or written, or another process holds it; check FHIR_MCP_LOGIN_FOLDER',
    )
  }
}

function hasCode(thrown: unknown, code: string): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === code
}

function unsafeFile(): FhirMcpError {
  return unsafe(
    'The file of the kept sign-in is a link, or others may read it; remove it by fastify-fhir-mcp logout',
  )
}

function unsafe(what: string): FhirMcpError {
  return fhirMcpError('CONFIG', { detail: `${what}.` })
}
