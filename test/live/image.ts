import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, cpSync, lstatSync, mkdirSync, mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Instruction, last, pairs, root, type Stage, sent, stages, words } from '../deploy/dockerfile.ts'

/** Root alone may become the user of the image; anybody else runs it as he is. */
export const isRoot = process.getuid?.() === 0

/** The file system of the image as the steps of the Dockerfile make it, in a folder, and how it is started. */
export interface Image {
  readonly folder: string
  readonly uid: number
  readonly gid: number
  /** Where a path of the image is. */
  path(inside: string): string
  start(environment: Readonly<Record<string, string>>): Started
  /** Runs a command of the image to its end; its exit code. */
  run(command: readonly string[], environment?: Readonly<Record<string, string>>): Promise<number>
  healthcheck(environment: Readonly<Record<string, string>>): Promise<number>
  remove(): Promise<void>
}

export interface Started {
  readonly stdout: () => string
  readonly stderr: () => string
  listening(): Promise<void>
  /** Sends the image's stop signal; resolves with exit code and signal. */
  stop(): Promise<unknown[]>
}

/**
 * Carries out the Dockerfile, line by line, but for two: bases are this machine's own system, and `npm ci` copies the installed
 * packages, because tests have no network.
 */
export async function buildImage(): Promise<Image> {
  const folder = mkdtempSync(join(tmpdir(), 'fhir-mcp-image-'))
  // Made for its owner alone; the user of the image is somebody else.
  chmodSync(folder, 0o755)
  try {
    return await build(folder)
  } catch (thrown) {
    await remove(folder)
    throw thrown
  }
}

async function build(folder: string): Promise<Image> {
  const all = stages()
  for (const [place, stage] of all.entries()) await buildStage(folder, place, stage, all)
  const stage = all.at(-1)
  if (stage === undefined) throw new Error('no stage')
  const system = join(folder, String(all.length - 1))
  await promisify(execFile)('chmod', ['-R', 'a-w', join(system, last(stage, 'WORKDIR').text)])
  return imageOf(folder, system, stage)
}

async function buildStage(folder: string, place: number, stage: Stage, all: readonly Stage[]): Promise<void> {
  const system = join(folder, String(place))
  let workdir = '/'
  for (const instruction of stage.instructions) {
    const { word, text } = instruction
    if (word === 'WORKDIR') {
      workdir = resolve(workdir, text)
      mkdirSync(join(system, workdir), { recursive: true })
    } else if (word === 'COPY') {
      const { from } = instruction.flags
      const before = from === undefined ? undefined : all.findIndex(({ name }) => name === from)
      copy(instruction, before === undefined ? undefined : join(folder, String(before)), system, workdir)
    } else if (word === 'RUN') {
      await runStep(text, join(system, workdir))
    }
  }
}

function copy({ text, flags }: Instruction, from: string | undefined, system: string, workdir: string): void {
  const named = text.split(/\s+/)
  const target = named.pop() ?? ''
  const to = join(system, resolve(workdir, target))
  for (const name of named) {
    if (from === undefined && !sent().includes(name)) throw new Error(`.dockerignore leaves out ${name}`)
    const source = from === undefined ? join(fileURLToPath(root), name) : join(from, name)
    const isFolder = lstatSync(source).isDirectory()
    const into = isFolder || !target.endsWith('/') ? to : join(to, basename(name))
    mkdirSync(isFolder ? into : join(into, '..'), { recursive: true })
    const made = isFolder ? readdirSync(source).map((entry) => join(into, entry)) : [into]
    cpSync(source, into, { recursive: true, verbatimSymlinks: true })
    const [uid, gid] = (flags.chown ?? '0:0').split(':').map(Number)
    if (isRoot && flags.chown !== undefined) for (const path of made) chownSync(path, uid ?? 0, gid ?? 0)
  }
}

async function runStep(command: string, cwd: string): Promise<void> {
  if (/^npm ci\b/.test(command)) {
    await promisify(execFile)('cp', ['-a', join(fileURLToPath(root), 'node_modules'), cwd])
    return
  }
  const env = {
    PATH: process.env.PATH,
    HOME: cwd,
    npm_config_cache: join(cwd, '../npm-cache'),
    npm_config_offline: 'true',
    npm_config_update_notifier: 'false',
  }
  // The compiler says on stdout what is wrong.
  await promisify(execFile)('/bin/sh', ['-ec', `(${command}) >&2`], { cwd, env })
}

function imageOf(folder: string, system: string, stage: Stage): Image {
  const [uid = 0, gid = 0] = last(stage, 'USER').text.split(':').map(Number)
  const path = (inside: string) => join(system, inside)
  const own = Object.entries(pairs(stage, 'ENV')).map(([name, value]) => [
    name,
    value.startsWith('/') ? path(value) : value,
  ])
  const options = (environment: Readonly<Record<string, string>>) => ({
    cwd: path(last(stage, 'WORKDIR').text),
    env: { ...Object.fromEntries(own), ...environment },
    ...(isRoot ? { uid, gid } : {}),
  })
  // The base brings Node.js under this path.
  const program = (command: readonly string[]) => {
    if (command[0] !== '/nodejs/bin/node') throw new Error('another program than that of the base')
    return [process.execPath, command.slice(1)] as const
  }
  const run: Image['run'] = async (command, environment = {}) => {
    const child = spawn(...program(command), { ...options(environment), stdio: 'ignore' })
    const [code] = await once(child, 'exit')
    return code
  }
  return {
    folder,
    uid,
    gid,
    path,
    run,
    healthcheck: (environment) => run(words(last(stage, 'HEALTHCHECK')), environment),
    start(environment) {
      const command = [...words(last(stage, 'ENTRYPOINT')), ...words(last(stage, 'CMD'))]
      const child = spawn(...program(command), { ...options(environment), stdio: ['ignore', 'pipe', 'pipe'] })
      const ended = once(child, 'close')
      const written = { stdout: '', stderr: '' }
      for (const name of ['stdout', 'stderr'] as const) {
        child[name].on('data', (chunk: Buffer) => {
          written[name] += chunk.toString()
        })
      }
      return {
        stdout: () => written.stdout,
        stderr: () => written.stderr,
        async listening() {
          while (!written.stderr.includes('Server listening')) {
            if (child.exitCode !== null) throw new Error(written.stderr)
            await Promise.race([once(child.stderr, 'data'), ended])
          }
        },
        async stop() {
          const signal = last(stage, 'STOPSIGNAL').text
          if (signal !== 'SIGTERM') throw new Error('another signal than serve expects')
          child.kill(signal)
          return await ended
        },
      }
    },
    remove: () => remove(folder),
  }
}

async function remove(folder: string): Promise<void> {
  await promisify(execFile)('chmod', ['-R', 'u+w', folder])
  await promisify(execFile)('rm', ['-rf', folder])
}
