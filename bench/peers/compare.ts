import { readFileSync } from 'node:fs'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import type { Live, PeerArguments } from '../frame/arguments.ts'
import { interleave, timed } from '../frame/interleave.ts'
import { type Result, resultOf } from '../frame/verdict.ts'
import { consoleLines } from '../report/console.ts'
import type { Stage } from '../servers/stage.ts'
import { filled, mappingSchema, ourCalls, type ToolCall } from './mapping.ts'

const block = 20

/** A client that is connected, and what a call of its server gives. */
interface Side {
  list(): Promise<Given>
  call(call: ToolCall): Promise<Given>
  close(): Promise<void>
}

interface Given {
  readonly bytes: number
  readonly isError: boolean
}

async function connect(url: string, token: string | undefined): Promise<Side> {
  const client = new Client({ name: 'bench', version: '1.0.0' })
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } })
  await client.connect(transport as Transport)
  const givenBy = (answer: object, isError: boolean) => ({
    bytes: Buffer.byteLength(JSON.stringify(answer)),
    isError,
  })
  return {
    list: async () => givenBy(await client.listTools(), false),
    call: async ({ tool, arguments: args }) => {
      const answer = await client.callTool({ name: tool, arguments: { ...args } })
      return givenBy(answer, answer.isError === true)
    },
    close: () => client.close(),
  }
}

/**
 * Runs the calls that a file maps against ours and another MCP server, by turns, both through the client of the same SDK, and
 * prints what each took. Writes no file. Throws where a server does not answer.
 */
export async function comparePeer(
  stage: Stage,
  { url, token, calls }: PeerArguments,
  live: Live | undefined,
): Promise<void> {
  const mapping = mappingSchema.parse(JSON.parse(readFileSync(calls, 'utf8')))
  const site = await stage.site(mapping.exchange)
  console.log(
    `exchange: ${site.exchange.url} (${live === undefined ? 'local' : 'live'}); point the peer at it`,
  )
  const ours = await connect(`${site.gateway.facts.origin}/mcp`, await stage.token([site.subjects.study]))
  const peer = await connect(url, token)
  const show = (result: Result, seconds: number) => console.log(consoleLines(result, seconds).join('\n'))
  const compare = async (name: string, one: () => Promise<Given>, other: () => Promise<Given>) => {
    const start = performance.now()
    const [mine, theirs] = [await one(), await other()]
    const rounds = await interleave(
      stage.rounds,
      { block, sample: () => timed(one) },
      { block, sample: () => timed(other) },
    )
    const measure = { name, title: name, against: 'the peer', target: undefined }
    const figures = [
      { name: 'bytes of our answer', value: mine.bytes, unit: '' },
      { name: "bytes of the peer's answer", value: theirs.bytes, unit: '' },
    ]
    const notes = [
      ...(mine.isError ? ['ours answers with an error'] : []),
      ...(theirs.isError ? ['the peer answers with an error'] : []),
    ]
    show(resultOf(measure, { unit: 'ms', rounds, figures, notes }), (performance.now() - start) / 1000)
  }
  try {
    await compare('tools/list', ours.list, peer.list)
    for (const name of Object.keys(ourCalls) as (keyof typeof ourCalls)[]) {
      const there = mapping.calls[name]
      if (there === undefined) continue
      const [here, other] = [filled(ourCalls[name], site.subjects), filled(there, site.subjects)]
      await compare(
        name,
        () => ours.call(here),
        () => peer.call(other),
      )
    }
  } finally {
    await Promise.all([ours.close(), peer.close()])
  }
}
