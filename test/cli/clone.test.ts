import { execFile } from 'node:child_process'
import { cpSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { temporaryFolder } from '../login/machine.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const { version } = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')))

/** A clone as `npm ci` leaves it: with its dependencies, and not built. */
function clone(): string {
  const folder = temporaryFolder()
  for (const name of [
    'bin',
    'plugins',
    'scripts',
    'src',
    'package.json',
    'tsconfig.json',
    'tsconfig.build.json',
  ]) {
    cpSync(join(root, name), join(folder, name), { recursive: true })
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  return folder
}

describe('npx fastify-fhir-mcp in a clone', () => {
  it('works before a build, after it, and after any other', async () => {
    const cwd = clone()
    const env = { PATH: process.env.PATH ?? '', HOME: temporaryFolder() }
    const npx = () => run('npx', ['--offline', 'fastify-fhir-mcp', '--version'], { cwd, env })
    const build = () => run('npm', ['run', '--silent', 'build'], { cwd, env })
    const first = await npx()
    expect(first.stdout).toBe(`${version}\n`)
    expect(first.stderr).toContain('building it first')
    for (let nth = 0; nth < 2; nth += 1) {
      expect(await npx()).toMatchObject({ stdout: `${version}\n`, stderr: '' })
      await build()
    }
    rmSync(join(cwd, 'dist'), { recursive: true })
    await build()
    expect((await npx()).stdout).toBe(`${version}\n`)
  })

  it('says what to do where it cannot be built', async () => {
    const cwd = clone()
    rmSync(join(cwd, 'src'), { recursive: true })
    rmSync(join(cwd, 'plugins'), { recursive: true })
    const started = run(process.execPath, [join(cwd, 'bin/fastify-fhir-mcp.cjs'), '--version'], { cwd })
    await expect(started).rejects.toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('it is not built. Run npm ci, then npm run build.'),
    })
  })
})

describe('the command on another Node.js', () => {
  const command = join(root, 'bin/fastify-fhir-mcp.cjs')
  const on = (node: string) =>
    run(process.execPath, [
      '--eval',
      `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${node}' } })
       process.argv[1] = ${JSON.stringify(command)}
       process.argv.push('--version')
       require(${JSON.stringify(command)})`,
    ])

  it.each(['4.9.1', '8.17.0', '18.20.4', '20.18.3'])(
    '%s says in one line that it is too old',
    async (node) => {
      await expect(on(node)).rejects.toMatchObject({
        code: 1,
        stderr: `fastify-fhir-mcp: needs Node.js 20.19 or newer, and this is ${node}. Install a newer one, or have the client start it with one.\n`,
      })
    },
  )

  it.each(['20.19.0', '22.0.0', '24.1.0'])('%s goes on', async (node) => {
    expect((await on(node)).stdout).toBe(`${version}\n`)
  })

  it('can read what tells it so', () => {
    const text = readFileSync(command, 'utf8')
    // What Node.js 4 has not: unpacking, spreading, async functions, import, `?.` and `??`, a comma behind the last argument.
    expect(text).not.toMatch(/(const|let) [[{]|\.\.\.|\basync\b|\bimport\b|\?[.?]|,\s*\)/)
  })
})
