import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { LoginSettings } from '../../src/login/settings.ts'
import { signOut } from '../../src/login/sign-out.ts'
import { type TokenFile, tokenFile } from '../../src/login/token-file.ts'
import { temporaryFolder } from './machine.ts'

const settingsIn = (folder: string): LoginSettings => ({
  issuer: new URL('http://127.0.0.1:9'),
  clientId: 'assistant',
  clientSecret: undefined,
  scope: undefined,
  types: [],
  resource: undefined,
  port: 0,
  folder,
})
const tokens = {
  issuer: 'http://127.0.0.1:9/',
  client: 'assistant',
  accessToken: 'access',
  refreshToken: 'refresh',
}

const keep = (file: TokenFile) => file.locked(() => file.write(tokens))

/** A folder with kept tokens, and the path of their file. */
async function kept() {
  const parent = temporaryFolder()
  const folder = join(parent, 'data', 'sign-in')
  const file = tokenFile(settingsIn(folder))
  await keep(file)
  const [name = ''] = readdirSync(folder)
  return { parent, folder, file, path: join(folder, name) }
}

const refusal = (words: string) =>
  expect.objectContaining({ code: 'FHIR_MCP_CONFIG', message: expect.stringContaining(words) })

describe('the file of the tokens', () => {
  it('is written and read back by its owner (the control), whatever the umask', async () => {
    const before = process.umask(0)
    const { file, folder, path } = await kept().finally(() => process.umask(before))
    expect(await file.read()).toEqual(tokens)
    expect([statSync(folder).mode & 0o777, statSync(path).mode & 0o777]).toEqual([0o700, 0o600])
    expect(readdirSync(folder)).toHaveLength(1)
  })

  it('is absent before the first sign-in, and no folder is made to look', async () => {
    const folder = join(temporaryFolder(), 'sign-in')
    expect(await tokenFile(settingsIn(folder)).read()).toBeUndefined()
    expect(existsSync(folder)).toBe(false)
    mkdirSync(folder, { mode: 0o700 })
    expect(await tokenFile(settingsIn(folder)).read()).toBeUndefined()
  })

  it.each([0o640, 0o604, 0o620, 0o660, 0o644])(
    'is not read with mode %o, which lets others in',
    async (mode) => {
      const { file, path } = await kept()
      chmodSync(path, mode)
      await expect(file.read()).rejects.toEqual(refusal('others may read it'))
    },
  )

  it('is not read when it is a link, even to a file of the owner alone', async () => {
    const { file, path, parent } = await kept()
    const elsewhere = join(parent, 'elsewhere')
    writeFileSync(elsewhere, readFileSync(path), { mode: 0o600 })
    await file.remove()
    symlinkSync(elsewhere, path)
    await expect(file.read()).rejects.toEqual(refusal('is a link'))
  })

  it('is not read when it is a pipe or a folder', async () => {
    const { file, path } = await kept()
    await file.remove()
    execFileSync('mkfifo', ['-m', '600', path])
    await expect(file.read()).rejects.toEqual(refusal('is a link'))
    const { file: other, path: place } = await kept()
    await other.remove()
    mkdirSync(place, { mode: 0o700 })
    await expect(other.read()).rejects.toEqual(refusal('is a link'))
  })

  it('replaces a link when it is written, and leaves what it led to alone', async () => {
    const { file, path, parent } = await kept()
    const elsewhere = join(parent, 'elsewhere')
    writeFileSync(elsewhere, 'theirs', { mode: 0o644 })
    await file.remove()
    symlinkSync(elsewhere, path)
    await keep(file)
    expect(readFileSync(elsewhere, 'utf8')).toBe('theirs')
    expect(lstatSync(path).isSymbolicLink()).toBe(false)
    expect(await file.read()).toEqual(tokens)
  })

  it('is made safe again by the next sign-in', async () => {
    const { file, path } = await kept()
    chmodSync(path, 0o644)
    await keep(file)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(await file.read()).toEqual(tokens)
  })

  it('counts as absent when it is no sign-in', async () => {
    const { file, path } = await kept()
    for (const text of ['', '{', '{"issuer":"x"}', '[]']) {
      writeFileSync(path, text)
      expect(await file.read()).toBeUndefined()
    }
  })
})

describe('the folder of the tokens', () => {
  it.each([0o750, 0o705, 0o770, 0o755])(
    'is not used with mode %o, neither to read nor to write',
    async (mode) => {
      const { file, folder } = await kept()
      chmodSync(folder, mode)
      await expect(file.read()).rejects.toEqual(refusal('mode 0700'))
      await expect(keep(file)).rejects.toEqual(refusal('mode 0700'))
    },
  )

  it('is not used when it is a link', async () => {
    const { folder, parent } = await kept()
    const link = join(parent, 'link')
    symlinkSync(folder, link)
    await expect(tokenFile(settingsIn(link)).read()).rejects.toEqual(refusal('mode 0700'))
  })

  it('is not used when it cannot be had, and no path is told', async () => {
    const { parent } = await kept()
    writeFileSync(join(parent, 'plain'), '')
    const within = tokenFile(settingsIn(join(parent, 'plain', 'sign-in')))
    for (const work of [
      () => within.read(),
      () => keep(within),
      () => within.write(tokens),
      () => within.remove(),
    ]) {
      const thrown: unknown = await work().catch((error: unknown) => error)
      expect(thrown).toEqual(refusal('check FHIR_MCP_LOGIN_FOLDER'))
      expect(String(thrown)).not.toContain(parent)
    }
  })
})

describe('signing out', () => {
  it('removes a file that is not safe to read, and tells that nothing was revoked', async () => {
    const { file, folder, path } = await kept()
    chmodSync(path, 0o644)
    expect(await signOut(settingsIn(folder), file)).toBe('removed')
    expect(readdirSync(folder)).toEqual([])
  })

  it('does not touch a folder of others', async () => {
    const { file, folder } = await kept()
    chmodSync(folder, 0o777)
    await expect(signOut(settingsIn(folder), file)).rejects.toEqual(refusal('mode 0700'))
    expect(readdirSync(folder)).toHaveLength(1)
  })
})
