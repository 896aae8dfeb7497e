import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'

const lockSchema = z.object({
  packages: z.record(
    z.string(),
    z.looseObject({
      resolved: z.string().optional(),
      integrity: z.string().optional(),
      link: z.boolean().default(false),
      license: z.string().optional(),
      dev: z.boolean().default(false),
      hasInstallScript: z.boolean().default(false),
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

  it('has the integrity of every package, so that what is installed is what was looked at', () => {
    const without = Object.entries(packages).filter(
      ([name, { integrity, link }]) => name !== '' && !link && !integrity?.startsWith('sha512-'),
    )
    expect(without.map(([name]) => name)).toEqual([])
  })

  it('names no registry', () => {
    expect(Object.values(packages).filter(({ resolved }) => resolved !== undefined)).toEqual([])
  })
})

describe('what is installed with the package', () => {
  const permissive = ['MIT', 'ISC', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD', 'BlueOak-1.0.0']
  const installed = Object.entries(packages).filter(([name, { dev }]) => name !== '' && !dev)

  /** Licences that bind changes to the package's own files, or that give everything away: used unmodified. */
  const unmodified = {
    'node_modules/@resvg/resvg-wasm': 'MPL-2.0',
    'node_modules/@fontsource/inter': 'OFL-1.1',
    'node_modules/robust-predicates': 'Unlicense',
  }

  it('has a permissive licence, each one, or one that asks nothing of those who do not change it', () => {
    const known = new Map(Object.entries(unmodified))
    const others = installed.filter(
      ([name, { license = 'none' }]) => !permissive.includes(license) && known.get(name) !== license,
    )
    expect(others.map(([name, { license }]) => `${name}: ${license}`)).toEqual([])
    expect(installed.length).toBeGreaterThan(50)
  })

  it('runs nothing while it is installed, and neither do we', () => {
    expect(installed.filter(([, { hasInstallScript }]) => hasInstallScript)).toEqual([])
    const { scripts } = z
      .object({ scripts: z.record(z.string(), z.string()) })
      .parse(JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')))
    const atInstall = ['preinstall', 'install', 'postinstall', 'prepare', 'prepublish']
    expect(Object.keys(scripts).filter((name) => atInstall.includes(name))).toEqual([])
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
