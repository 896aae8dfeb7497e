import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { BenchArguments, Live, PeerArguments } from '../frame/arguments.ts'
import { interleave, timed } from '../frame/interleave.ts'
import { type Result, resultOf } from '../frame/verdict.ts'
import { consoleLines } from '../report/console.ts'
import { packageRoot } from '../report/files.ts'
import { liveSubjects } from '../servers/live.ts'
import type { Stage } from '../servers/stage.ts'
import { filled, type Mapping, mappingSchema, ourCalls } from './mapping.ts'
import { connectSide, type Given } from './mcp-side.ts'
import { liveJupyterHealthSite, localPeerSite, type PeerSite } from './peer-site.ts'

/** What our calls are called at JupyterHealth's own MCP server. */
const jupyterHealthCalls = fileURLToPath(new URL('bench/peers/jupyterhealth.json', packageRoot))

/**
 * Runs the calls that a file maps against ours and another MCP server, one call of each by turns, both through the client of the
 * same SDK, on the same exchange; prints what each took, and gives the rows. Throws where a server does not answer.
 */
export async function comparePeer(
  stage: Stage,
  peer: PeerArguments,
  { live, exchangePort }: Pick<BenchArguments, 'live' | 'exchangePort'>,
): Promise<Result[]> {
  const mapping = readMapping(peer, live)
  const site =
    live?.dialect === 'jupyterhealth'
      ? await liveJupyterHealthSite(live, exchangePort, outOfReach(await liveSubjects(live), mapping))
      : await localPeerSite(stage, mapping.exchange)
  console.log(`exchange: ${site.exchangeUrl}; point the peer at it`)
  try {
    return await compareOn(site, mapping, peer, stage.rounds)
  } finally {
    await site.close()
  }
}

async function compareOn(
  site: PeerSite,
  mapping: Mapping,
  { url, token = site.token }: PeerArguments,
  rounds: number,
): Promise<Result[]> {
  const ours = await connectSide(site.endpoint, site.token)
  const theirs = await connectSide(url, token)
  const results: Result[] = []
  const compare = async (name: string, one: () => Promise<Given>, other: () => Promise<Given>) => {
    const start = performance.now()
    // The first call of each reads what is kept from then on: it is counted, and not timed.
    const cold = [await site.requestsOf(one), await site.requestsOf(other)] as const
    let [mine, others]: [Given | undefined, Given | undefined] = [undefined, undefined]
    const warm = [
      await site.requestsOf(async () => {
        mine = await one()
      }),
      await site.requestsOf(async () => {
        others = await other()
      }),
    ] as const
    const made = await interleave(
      rounds,
      { block: 1, sample: () => timed(one) },
      { block: 1, sample: () => timed(other) },
    )
    const result = resultOf(
      { name, title: titleOf(name), against: 'the peer', target: undefined },
      {
        unit: 'ms',
        rounds: made,
        figures: figuresOf(cold, warm, mine, others),
        notes: notesOf(mine, others),
      },
    )
    results.push(result)
    console.log(consoleLines(result, (performance.now() - start) / 1000).join('\n'))
  }
  try {
    await compare('tools/list', ours.list, theirs.list)
    for (const name of Object.keys(ourCalls) as (keyof typeof ourCalls)[]) {
      const there = mapping.calls[name]
      if (there === undefined) continue
      const [here, other] = [filled(ourCalls[name], site.subjects), filled(there, site.subjects)]
      await compare(
        name,
        () => ours.call(here),
        () => theirs.call(other),
      )
    }
  } finally {
    await Promise.all([ours.close(), theirs.close()])
  }
  return results
}

function readMapping({ calls }: PeerArguments, live: Live | undefined): Mapping {
  if (calls === undefined && live?.dialect !== 'jupyterhealth')
    throw new TypeError("--peer needs --calls (on a JupyterHealth Exchange: its own server's by default)")
  return mappingSchema.parse(JSON.parse(readFileSync(calls ?? jupyterHealthCalls, 'utf8')))
}

/** On a live exchange the token reaches whatever its person does: refusals need ids that nobody has. */
function outOfReach<Subjects extends { otherStudy: string; otherPatient: string }>(
  subjects: Subjects,
  { exchange }: Mapping,
): Subjects {
  return exchange === 'jupyterhealth'
    ? { ...subjects, otherStudy: '999999999', otherPatient: '999999999' }
    : subjects
}

function titleOf(name: string): string {
  if (!(name in ourCalls)) return `\`${name}\``
  const { tool, arguments: args } = ourCalls[name as keyof typeof ourCalls]
  const given = Object.entries(args).filter(([, value]) => !String(value).startsWith('{'))
  const said = given.map(([key, value]) => `${key} ${value}`).join(', ')
  return `\`${tool}\`${said === '' ? '' : `, ${said}`}${name.startsWith('denied') ? ', refused' : ''}`
}

function figuresOf(
  cold: readonly [number, number],
  warm: readonly [number, number],
  mine: Given | undefined,
  theirs: Given | undefined,
) {
  const figure = (name: string, value: number) => ({ name, value, unit: '' })
  return [
    figure('requests, ours, first call', cold[0]),
    figure('requests, the peer, first call', cold[1]),
    figure('requests, ours', warm[0]),
    figure('requests, the peer', warm[1]),
    figure('bytes of our answer', mine?.bytes ?? 0),
    figure("bytes of the peer's answer", theirs?.bytes ?? 0),
  ]
}

function notesOf(mine: Given | undefined, theirs: Given | undefined): string[] {
  return [
    ...(mine?.isError ? ['ours answers with an error'] : []),
    ...(theirs?.isError ? ['the peer answers with an error'] : []),
  ]
}
