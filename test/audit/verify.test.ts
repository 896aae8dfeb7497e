import { appendFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { beforeEach, describe, expect, it } from 'vitest'
import { createAudit } from '../../src/audit/create-audit.ts'
import type { AuditStatus } from '../../src/audit/record.ts'
import { run } from '../../src/cli/run.ts'
import { auditSchema } from '../../src/config/audit.ts'
import { auditFile, idOf, linesIn, recordOf } from './records.ts'

const key = Buffer.alloc(32, 7).toString('base64url')
const otherKey = Buffer.alloc(32, 8).toString('base64url')
const keyed = { FHIR_MCP_AUDIT_CHAIN_KEY: key }

let path: string
beforeEach(() => {
  path = auditFile()
})

/** A process that keeps records in the file. */
function opened(chainKey?: string) {
  const options = auditSchema.parse({ path, ...(chainKey === undefined ? {} : { chainKey }) })
  const source = { exchangeUrl: 'https://fhir.example.org', serverUrl: undefined, sameServer: false }
  return createAudit(options, { log: () => undefined, now: () => 0, source })
}

/** Keeps so many records as one process, and stops; says where its chain ends. */
async function kept(records: number, chainKey?: string): Promise<NonNullable<AuditStatus['head']>> {
  const audit = opened(chainKey)
  for (let n = 1; n <= records; n += 1) await audit.keep(recordOf({ id: idOf(n) }))
  const { head } = audit.status()
  await audit.close()
  if (head === undefined) throw new TypeError('Nothing was kept')
  return head
}

async function command(argv: string[], environment: Record<string, string> = {}) {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  const stopped = new Promise<void>(() => undefined)
  const code = await run(['audit', ...argv], { stdin, stdout, stderr, environment, stopped })
  stdout.end()
  stderr.end()
  return { code, said: (await text(stdout)).replaceAll(path, 'FILE'), errors: await text(stderr) }
}

const verify = (...argv: string[]) => command(['verify', ...(argv.length === 0 ? [path] : argv)])

function rewrite(change: (lines: string[]) => string[]): void {
  writeFileSync(
    path,
    change(linesIn(path))
      .map((line) => `${line}\n`)
      .join(''),
  )
}

/** Keeps a value in a file beside the records. */
function beside(value: unknown, name = 'heads'): string {
  const file = `${path}.${name}.json`
  writeFileSync(file, JSON.stringify(value))
  return file
}

describe('the chain of records', () => {
  it('is whole as it was written, through restarts (control)', async () => {
    await kept(3)
    await kept(2)
    expect(await verify()).toEqual({
      code: 0,
      said: '5 records, 2 chains, 0 lines cut off: whole\n',
      errors: '',
    })
    const [first, second] = linesIn(path).map((line) => JSON.parse(line).chain)
    expect(first).toEqual({ id: expect.any(String), count: 1 })
    expect(second).toEqual({ id: first.id, count: 2, previous: expect.stringMatching(/^[\w-]{43}$/) })
  })

  it.each<[string, (lines: string[]) => string[], string]>([
    [
      'a changed line',
      (lines) => lines.with(1, lines[1]?.replace('pat-2', 'pat-3') ?? ''),
      'FILE:3: the line before it in its chain (line 2 of FILE) was changed',
    ],
    ['a removed line', (lines) => lines.toSpliced(1, 1), 'FILE:2: line 2 of its chain is missing before it'],
    [
      'removed lines',
      (lines) => lines.toSpliced(1, 2),
      'FILE:2: lines 2 to 3 of its chain are missing before it',
    ],
    [
      'the first line removed',
      (lines) => lines.slice(1),
      'FILE:1: line 1 of its chain is missing before it, and no head',
    ],
    [
      'lines in another order',
      (lines) => [lines[0] ?? '', lines[2] ?? '', lines[1] ?? '', ...lines.slice(3)],
      'FILE:3: it is line 2 of its chain and comes after line 3',
    ],
    [
      'a repeated line',
      (lines) => lines.toSpliced(2, 0, lines[1] ?? ''),
      'FILE:3: it is line 2 of its chain and comes after line 2',
    ],
    [
      'a whole process removed',
      (lines) => lines.slice(4),
      'FILE:1: its chain follows a line that is not in these files',
    ],
    [
      'a line put in',
      (lines) => lines.toSpliced(2, 0, JSON.stringify(recordOf())),
      'FILE:3: it is in no chain',
    ],
    [
      'a line made blank',
      (lines) => lines.with(1, ' '.repeat(20)),
      'FILE:3: line 2 of its chain is missing before it',
    ],
  ])('shows %s', async (_, change, problem) => {
    await kept(4)
    await kept(2)
    expect((await verify()).code).toBe(0)
    rewrite(change)
    const { code, said } = await verify()
    expect(code).toBe(1)
    expect(said).toContain(problem)
    expect(said).not.toMatch(/pat-|ada|whole/)
  })

  it('shows a tail that is missing, by a head that was kept elsewhere', async () => {
    const head = await kept(4)
    const exported = beside(JSON.parse((await command(['heads', path])).said))
    expect(JSON.parse(readFileSync(exported, 'utf8'))).toEqual([head])
    expect((await verify(path, '--heads', exported)).code).toBe(0)
    // The control: without a head nobody can tell.
    const whole = linesIn(path)
    rewrite((lines) => lines.slice(0, -2))
    expect((await verify()).code).toBe(0)
    const cut = await verify(path, '--heads', exported)
    expect(cut.code).toBe(1)
    expect(cut.said).toContain('has had 4 lines, and it ends with 2')
    writeFileSync(path, '')
    expect((await verify(path, '--heads', exported)).said).toContain('has had 4 lines, and none is there')
    // A last line that was changed, whatever came after it.
    rewrite(() => whole.with(3, whole[3]?.replace('pat-2', 'pat-3') ?? ''))
    const changed = await verify(path, '--heads', beside(head, 'one'))
    expect(changed.said).toContain('FILE:4: it is not the line of which the head was taken')
    rewrite(() => whole)
    await kept(3)
    expect((await verify(path, '--heads', exported)).code).toBe(0)
  })

  it('goes on over a rotation, of one process and of the next', async () => {
    const audit = opened()
    await audit.keep(recordOf())
    await audit.keep(recordOf())
    renameSync(path, `${path}.1`)
    const before = beside(audit.status().head, 'before')
    await audit.keep(recordOf())
    await audit.close()
    await kept(2)
    expect((await verify(`${path}.1`, path)).code).toBe(0)
    writeFileSync(`${path}.1.gz`, gzipSync(readFileSync(`${path}.1`)))
    expect((await verify(`${path}.1.gz`, path)).code).toBe(0)
    // One file alone, after the head of the files before it.
    expect((await verify(path, '--after', before)).code).toBe(0)
    expect((await verify(path)).said).toContain('lines 1 to 2 of its chain are missing')
    rewrite((lines) => lines.slice(1))
    expect((await verify(path, '--after', before)).code).toBe(1)
    expect((await verify(`${path}.1`, path)).code).toBe(1)
  })

  it('is one for each of several processes with one file', async () => {
    const audits = [1, 2, 3].map(() => opened())
    await Promise.all(audits.flatMap((audit) => Array.from({ length: 20 }, () => audit.keep(recordOf()))))
    await Promise.all(audits.map((audit) => audit.close()))
    expect((await verify()).said).toBe('60 records, 3 chains, 0 lines cut off: whole\n')
    rewrite((lines) => lines.toSpliced(30, 1))
    expect((await verify()).code).toBe(1)
  })

  it('says where a kill cut a line off, and is whole but for that', async () => {
    await kept(3)
    const cutOff = (linesIn(path)[2] ?? '').slice(0, 90)
    rewrite((lines) => lines.slice(0, 2))
    appendFileSync(path, cutOff)
    const torn = 'FILE:3: cut off by a kill or a failed write; its call was not answered\n'
    expect((await verify()).said).toBe(`${torn}2 records, 1 chain, 1 line cut off: whole\n`)
    await kept(2)
    const after = await verify()
    expect(after.said).toBe(`${torn}4 records, 2 chains, 1 line cut off: whole\n`)
    expect(after.code).toBe(0)
  })

  it('begins anew after a write that failed, and follows what is durable', async () => {
    const audit = opened()
    await audit.keep(recordOf())
    renameSync(path, `${path}.away`)
    // The file is a folder's name now: nothing can be written.
    writeFileSync(path, '', { mode: 0o644 })
    await expect(audit.keep(recordOf())).rejects.toMatchObject({ code: 'FHIR_MCP_STORAGE_UNAVAILABLE' })
    renameSync(`${path}.away`, path)
    await audit.keep(recordOf())
    await audit.close()
    expect((await verify()).said).toBe('2 records, 2 chains, 0 lines cut off: whole\n')
    rewrite((lines) => lines.slice(1))
    expect((await verify()).code).toBe(1)
  })

  it('cannot be made anew without the key, where there is one', async () => {
    await kept(3, key)
    expect((await command(['verify', path], keyed)).code).toBe(0)
    for (const environment of [{}, { FHIR_MCP_AUDIT_CHAIN_KEY: otherKey }]) {
      const { code, said } = await command(['verify', path], environment)
      expect([code, said.includes('or the key is another')]).toEqual([1, true])
    }
    // Whoever makes the chain anew without the key has one that is whole without it.
    path = auditFile()
    await kept(3)
    expect((await verify()).code).toBe(0)
    expect((await command(['verify', path], keyed)).code).toBe(1)
  })
})

describe('the command audit', () => {
  it('looks at the file of the server where none is named', async () => {
    await kept(1)
    const { code, said } = await command(['verify'], { FHIR_MCP_AUDIT_PATH: path })
    expect([code, said]).toEqual([0, '1 record, 1 chain, 0 lines cut off: whole\n'])
  })

  it.each<[string, string[], number, string]>([
    ['nothing', [], 2, 'no such command or option'],
    ['another word', ['repair'], 2, 'no such command or option'],
    [
      'a file that is not there',
      ['verify', '/nowhere/a.ndjson'],
      1,
      'A file of records cannot be read (ENOENT)',
    ],
    ['a packed file that is not there', ['verify', '/nowhere/a.gz'], 1, 'cannot be read (ENOENT)'],
    [
      'heads that are not there',
      ['verify', '--heads', '/nowhere/h'],
      1,
      'The file of heads cannot be read (ENOENT)',
    ],
  ])('refuses %s', async (_, argv, code, message) => {
    const answer = await command(argv, { FHIR_MCP_AUDIT_PATH: path })
    expect(answer.code).toBe(code)
    expect(answer.errors).toContain(message)
  })

  it('refuses heads that are none, and a short key', async () => {
    await kept(1)
    const wrong = await verify(path, '--heads', beside({ chain: 1 }))
    expect(wrong.errors).toContain('not what audit heads writes')
    const short = await command(['verify', path], { FHIR_MCP_AUDIT_CHAIN_KEY: 'c2hvcnQ' })
    expect(short.errors).toContain('audit.chainKey must be 32 bytes in base64url')
    const heads = await command(['heads', path])
    expect(heads.code).toBe(0)
    rewrite((lines) => [...lines, ...lines])
    const unwhole = await command(['heads', path])
    expect([unwhole.code, unwhole.errors]).toEqual([1, 'These files are not whole: see audit verify\n'])
  })
})
