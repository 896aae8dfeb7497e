'use strict'
const { spawnSync } = require('node:child_process')
const { existsSync } = require('node:fs')
const { join } = require('node:path')
const { pathToFileURL } = require('node:url')

const root = join(__dirname, '..')
const main = join(root, 'dist/src/cli/main.js')

/** Builds a clone that was not built yet; stdout may be a protocol, so nothing goes there. Whether it is built then. */
function build() {
  console.error('fastify-fhir-mcp: building it first (npm run build)')
  const options = { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], shell: process.platform === 'win32' }
  return spawnSync('npm', ['run', '--silent', 'build'], options).status === 0 && existsSync(main)
}

if (existsSync(main) || build()) {
  import(pathToFileURL(main).href)
} else {
  console.error('fastify-fhir-mcp: it is not built. Run npm ci, then npm run build.')
  process.exit(1)
}
