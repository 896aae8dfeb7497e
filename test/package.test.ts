import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'

const lockSchema = z.object({
  packages: z.record(
    z.string(),
    z.looseObject({
      resolved: z.string().optional(),
      optionalDependencies: z.record(z.string(), z.string()).default({}),
    }),
  ),
})
const { packages } = lockSchema.parse(
  JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8')),
)

describe('the lockfile', () => {
  it('has every optional package of every platform, so that a clean install works everywhere', () => {
    const locked = Object.keys(packages)
    const missing = Object.entries(packages).flatMap(([name, { optionalDependencies }]) =>
      Object.keys(optionalDependencies)
        .filter((optional) => !locked.some((one) => one.endsWith(`node_modules/${optional}`)))
        .map((optional) => `${optional} of ${name}`),
    )
    expect(missing).toEqual([])
  })

  it('names no registry', () => {
    expect(Object.values(packages).filter(({ resolved }) => resolved !== undefined)).toEqual([])
  })
})

describe('the list of dependencies', () => {
  const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')
  const { dependencies, devDependencies } = z
    .object({
      dependencies: z.record(z.string(), z.string()),
      devDependencies: z.record(z.string(), z.string()),
    })
    .parse(JSON.parse(read('package.json')))
  const rows = read('docs/dependencies.md')
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| ---') && !line.startsWith('| package'))
    .flatMap((line) => (line.split('|')[1] ?? '').split(',').map((name) => name.trim()))

  it('says why of every one, and names no other', () => {
    expect(rows.toSorted()).toEqual(
      [...Object.keys(dependencies), ...Object.keys(devDependencies)].toSorted(),
    )
  })
})
