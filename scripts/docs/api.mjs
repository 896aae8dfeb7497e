// @ts-check
// Writes docs/api from the docstrings of the build; with --check it says whether that would change anything.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { modelOf } from './api-model.mjs'
import { apiPage } from './api-page.mjs'

const root = fileURLToPath(new URL('../../', import.meta.url))
const folder = join(root, 'docs/api')
const checks = process.argv.includes('--check')
const { name, exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

const pages = Object.entries(exports).flatMap(([path, entry]) =>
  typeof entry === 'string' ? [] : [{ title: path.replace('.', name), types: String(entry.types) }],
)
mkdirSync(folder, { recursive: true })
const stale = []
for (const { title, types } of pages) {
  const file = join(folder, `${title.split('/').at(-1)}.md`)
  const text = apiPage(title, modelOf(root, types))
  if (!checks) writeFileSync(file, text)
  else if (read(file) !== text) stale.push(file)
}
for (const file of stale) console.error(`${file} is not what the docstrings say: npm run docs`)
process.exitCode = stale.length === 0 ? 0 : 1

/** @param {string} file */
function read(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
