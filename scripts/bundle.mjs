/**
 * Makes the Claude Desktop bundle (`.mcpb`) of a build, and `server.json` for the MCP registry. Needs no network.
 *
 *     node scripts/bundle.mjs [--dist dist] [--out dist-bundle] [--check]
 *
 * `--check` writes no `server.json` and fails where the one that is there is another.
 */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { isDeepStrictEqual, parseArgs } from 'node:util'
import { packExtension, validateManifest } from '@anthropic-ai/mcpb'
import { manifestOf } from './bundle/manifest.mjs'
import { serverJsonOf } from './bundle/server-json.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const { values } = parseArgs({
  options: {
    dist: { type: 'string', default: join(root, 'dist') },
    out: { type: 'string', default: join(root, 'dist-bundle') },
    check: { type: 'boolean', default: false },
  },
})
const [dist, out] = [resolve(values.dist), resolve(values.out)]
const read = (path) => JSON.parse(readFileSync(join(root, path), 'utf8'))
const packageJson = read('package.json')
const settings = read('scripts/bundle/settings.json')

writeServerJson()
await makeBundle()

/** One that says the same is left as it is, however it is formatted. */
function writeServerJson() {
  const path = join(root, 'server.json')
  const made = serverJsonOf(packageJson, settings)
  if (existsSync(path) && isDeepStrictEqual(read('server.json'), made)) return
  if (values.check) throw new Error('server.json is not what npm run bundle makes')
  writeFileSync(path, `${JSON.stringify(made, undefined, 2)}\n`)
}

async function makeBundle() {
  const folder = join(out, 'bundle')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  copyBuild(folder)
  copyPackages(folder)
  const { builtIn } = await import(pathToFileURL(join(dist, 'src/mcp/built-in.js')).href)
  const tools = [...builtIn().tools.values()]
  const manifest = join(folder, 'manifest.json')
  writeFileSync(manifest, `${JSON.stringify(manifestOf(packageJson, settings, tools), undefined, 2)}\n`)
  const packed = join(out, `fastify-fhir-mcp-${packageJson.version}.mcpb`)
  const good =
    validateManifest(manifest) && (await packExtension({ extensionPath: folder, outputPath: packed }))
  if (!good) throw new Error('mcpb does not take the bundle')
}

/** What the npm package has, without what only tests, examples and authors of tools need. */
function copyBuild(folder) {
  const left = ['bench', 'test', 'src/demo', 'src/test-kit', 'src/charts/bundled-thread.js'].map((path) =>
    join(dist, path),
  )
  cpSync(dist, join(folder, 'dist'), {
    recursive: true,
    filter: (path) => !left.some((one) => path === one || path.startsWith(one + sep)),
  })
  for (const name of ['package.json', 'LICENSE', 'README.md']) cpSync(join(root, name), join(folder, name))
}

/** The packages that the lockfile names for production, as they are installed: what `npm prune --omit=dev` would leave. */
function copyPackages(folder) {
  const { packages } = read('package-lock.json')
  for (const [path, { dev, optional }] of Object.entries(packages)) {
    // Types are for compilers.
    if (path === '' || dev || optional || path.startsWith('node_modules/@types/')) continue
    cpSync(join(root, path), join(folder, path), {
      recursive: true,
      filter: (from) =>
        !from.slice(join(root, path).length).includes(`${sep}node_modules`) &&
        !/\.(map|d\.[cm]?ts)$/.test(from),
    })
  }
}
