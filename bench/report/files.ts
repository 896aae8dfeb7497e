import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { type Committed, committedOf } from '../frame/check.ts'
import type { Curve } from '../frame/measure.ts'
import { markdownOf, type Report } from './markdown.ts'
import { plotOf } from './plot.ts'

/** The folder of the package: this file is built to `dist/bench/report`. */
export const packageRoot = new URL('../../../', import.meta.url)

const at = (path: string) => new URL(path, packageRoot)
const results = 'bench/results.json'
const plot = 'benchmarks/growth.svg'

/** Reads the committed results. Throws a TypeError where there are none. */
export function readCommitted(): Committed {
  if (!existsSync(at(results))) throw new TypeError(`--check needs ${results}: run the bench first`)
  return committedOf(JSON.parse(readFileSync(at(results), 'utf8')))
}

/** Writes the results, the page and the plot; the paths that were written. */
export function writeReport(report: Report, curves: readonly Curve[]): string[] {
  mkdirSync(at('docs/benchmarks/'), { recursive: true })
  const remarks = existsSync(at('bench/remarks.md')) ? readFileSync(at('bench/remarks.md'), 'utf8') : ''
  const files = {
    [results]: `${JSON.stringify(report, null, 2)}\n`,
    'docs/benchmarks.md': markdownOf(report, remarks, curves.length === 0 ? undefined : plot),
    ...(curves.length === 0 ? {} : { [`docs/${plot}`]: plotOf(curves) }),
  }
  for (const [path, content] of Object.entries(files)) writeFileSync(at(path), content)
  return Object.keys(files)
}
