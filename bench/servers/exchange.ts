import type { IncomingMessage, ServerResponse } from 'node:http'
import { z } from 'zod'
import { startExchange } from '../../src/test-kit/exchange.ts'
import { benchCohort, benchJupyterHealthCohort } from './cohorts.ts'
import { generated } from './generated.ts'
import { listen } from './listen.ts'
import { createRecordings, type Recording } from './recordings.ts'
import { defineRole } from './role.ts'

/** What is known of the exchange once it runs. */
export const exchangeFacts = z.object({ url: z.string() })

/** What it was asked since the last reset. */
export const exchangeLog = z.object({ count: z.number(), asked: z.array(z.string()) })

const mostLogged = 2000

/**
 * The exchange behind: it replays prepared answers, after the latency that was set. What is asked for the first time is
 * recorded from the stand-in of the test kit, which is not there to be fast. It packs nothing, so that everybody gets the same
 * bytes, and looks at no credential.
 */
export const exchangeRole = defineRole(
  z.object({ dialect: z.enum(['hapi', 'jupyterhealth']), port: z.number() }),
  async ({ dialect, port }) => {
    const standIn = await (dialect === 'hapi'
      ? startExchange({ dialect, fhirVersion: 'R4', cohort: benchCohort() })
      : startExchange({ dialect, cohort: benchJupyterHealthCohort(), authorize: () => 'northlake_manager' }))
    let latency = 0
    let count = 0
    let asked: string[] = []

    const send = (response: ServerResponse, recording: Recording) => {
      response.writeHead(recording.status, recording.headers)
      response.end(recording.body)
    }
    const answer = (request: IncomingMessage, body: string, response: ServerResponse) => {
      const [method = 'GET', target = '/'] = [request.method, request.url]
      const known = recordings.find(method, target, body) ?? generated(target)
      if (known === undefined) {
        recordings.record(method, target, body, request.headers).then(
          (recording) => send(response, recording),
          () => response.destroy(),
        )
      } else if (latency === 0) send(response, known)
      else setTimeout(send, latency, response, known)
    }
    const { origin } = await listen((request, response) => {
      count += 1
      if (asked.length < mostLogged) asked.push(`${request.method} ${request.url}`)
      if (request.method === 'GET') return answer(request, '', response)
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => answer(request, Buffer.concat(chunks).toString('utf8'), response))
    }, port)
    const recordings = createRecordings(standIn.origin, new URL(origin).host)
    return {
      facts: { url: `${origin}${new URL(standIn.url).pathname}` },
      commands: {
        latency: (given) => {
          latency = z.number().parse(given)
        },
        reset: () => {
          count = 0
          asked = []
        },
        log: () => ({ count, asked }),
      },
    }
  },
)
