import { z } from 'zod'
import { runCommand } from './command.ts'
import { inspectorCalls } from './inspector-calls.ts'
import type { Report, Row } from './table.ts'

const listing = z.object({ result: z.object({ tools: z.array(z.object({ name: z.string() })) }) })

/** Ways by which the Inspector reaches the server. */
const ways = [
  { name: 'legacy', options: ['--transport', 'http', '--protocol-era', 'legacy'], path: '/mcp' },
  { name: 'modern', options: ['--transport', 'http', '--protocol-era', 'modern'], path: '/mcp' },
  { name: 'sse', options: ['--transport', 'sse'], path: '/sse' },
] as const

/**
 * Lists the tools strictly, by each way, and calls every tool that is listed. The Inspector's exit code counts: it is not 0 for
 * a schema that is not portable, and for an answer that is an error. A tool without arguments in `inspectorCalls` fails too.
 */
export async function runInspector(mcpUrl: string, token: string): Promise<Report> {
  const rows: Row[] = []
  const outputs: string[] = []

  async function inspect(name: string, way: (typeof ways)[number], args: readonly string[]): Promise<string> {
    const { options, path } = way
    const ended = await runCommand('mcp-inspector', [
      ...['--cli', new URL(path, mcpUrl).href, ...options, '--format', 'json'],
      ...['--header', `Authorization: Bearer ${token}`, ...args],
    ])
    const { stdout, stderr } = ended
    note(name, ended.code === 0, `exit ${ended.code}`, () => `${name}\n${stdout}${stderr}`)
    return stdout
  }

  function note(name: string, good: boolean, words: string, output: () => string): void {
    const passed = good ? 1 : 0
    rows.push({
      name,
      passed,
      failed: 1 - passed,
      verdict: good ? 'passed' : 'FAILED',
      words: good ? '' : words,
    })
    if (!good) outputs.push(output())
  }

  const calls = new Map(Object.entries(inspectorCalls))
  for (const way of ways) {
    const listed = await inspect(`${way.name}: tools/list --strict`, way, [
      '--method',
      'tools/list',
      '--strict',
    ])
    const tools = listing.safeParse(JSON.parse(listed || '{}')).data?.result.tools ?? []
    const names = new Set(tools.map(({ name }) => name))
    const odd = [
      ...[...names].filter((name) => !calls.has(name)),
      ...[...calls.keys()].filter((name) => !names.has(name)),
    ].join(', ')
    note(`${way.name}: every tool has a call`, odd === '' && names.size > 0, odd, () => odd)
    if (way.name !== 'legacy') continue
    for (const [tool, given] of calls) {
      const args = ['--method', 'tools/call', '--tool-name', tool, '--tool-args-json', JSON.stringify(given)]
      await inspect(tool, way, args)
    }
  }
  return {
    title: `Inspector, ${mcpUrl}`,
    rows,
    failed: rows.some(({ verdict }) => verdict === 'FAILED'),
    output: outputs.join('\n'),
  }
}
