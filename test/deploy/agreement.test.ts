import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { last, pairs, root, type Stage, stages, words } from './dockerfile.ts'
import {
  allFiles,
  composeFiles,
  composeOf,
  flySchema,
  kubernetesObjects,
  type Service,
  textOf,
  tomlOf,
} from './files.ts'

const image = stages().at(-1) as Stage
const port = last(image, 'EXPOSE').text
const [uid, gid] = last(image, 'USER').text.split(':')
const stateFolder = words(last(image, 'VOLUME'))[0] ?? ''
const heap = Number(/--max-old-space-size=(\d+)/.exec(pairs(image, 'ENV').NODE_OPTIONS ?? '')?.[1])
/** The longest that `serve` waits for requests in flight, in seconds. */
const drain =
  Number(
    /usualPatience = ([\d_]+)/
      .exec(readFileSync(new URL('src/cli/drain.ts', root), 'utf8'))?.[1]
      ?.replaceAll('_', ''),
  ) / 1000
const pinned = /^[\w./-]+:[\w.-]+@sha256:[\da-f]{64}$/

function service(name: (typeof composeFiles)[number], key: string): Service {
  const found = composeOf(name).services[key]
  if (found === undefined) throw new Error(`no ${key}`)
  return found
}
const megabytes = (text = '') => Number.parseInt(text, 10) * (/g/i.test(text) ? 1024 : 1)

const pod = z
  .object({
    spec: z.object({
      replicas: z.number(),
      selector: z.object({ matchLabels: z.record(z.string(), z.string()) }),
      template: z.object({
        metadata: z.object({ labels: z.record(z.string(), z.string()) }),
        spec: z.looseObject({
          automountServiceAccountToken: z.boolean(),
          enableServiceLinks: z.boolean(),
          terminationGracePeriodSeconds: z.number(),
          securityContext: z.looseObject({
            runAsNonRoot: z.boolean(),
            runAsUser: z.number(),
            runAsGroup: z.number(),
          }),
          containers: z.tuple([
            z.looseObject({
              ports: z.array(z.object({ name: z.string(), containerPort: z.number() })),
              securityContext: z.unknown(),
              resources: z.object({ limits: z.object({ memory: z.string() }) }),
              lifecycle: z.object({ preStop: z.object({ sleep: z.object({ seconds: z.number() }) }) }),
              volumeMounts: z.array(z.looseObject({ mountPath: z.string() })),
              livenessProbe: z.unknown(),
              readinessProbe: z.unknown(),
            }),
          ]),
        }),
      }),
    }),
  })
  .parse(kubernetesObjects().find(({ kind }) => kind === 'Deployment')).spec

describe('the image', () => {
  it('has bases that are pinned by tag and digest, and another user than root, by number', () => {
    for (const stage of stages()) expect(stage.image).toMatch(pinned)
    expect([uid, gid]).toEqual(['65532', '65532'])
    expect(image.image).toMatch(/^gcr\.io\/distroless\/nodejs\d+-debian\d+:nonroot@/)
  })

  it('is of the same Node.js in both stages, one that the package is for', () => {
    const [built, ran] = stages().map((stage) => /(?:node:|nodejs)(\d+)/.exec(stage.image)?.[1])
    expect(built).toBe(ran)
    expect(readFileSync(new URL('.github/workflows/ci.yml', root), 'utf8')).toContain(`"${ran}"`)
  })

  it('starts serve without a shell, is probed without one, and ends by the signal that serve knows', () => {
    expect([...words(last(image, 'ENTRYPOINT')), ...words(last(image, 'CMD'))]).toEqual([
      '/nodejs/bin/node',
      'dist/src/cli/main.js',
      'serve',
    ])
    expect(words(last(image, 'HEALTHCHECK'))[0]).toBe('/nodejs/bin/node')
    expect(last(image, 'STOPSIGNAL').text).toBe('SIGTERM')
    expect(pairs(image, 'ENV').FHIR_MCP_PORT).toBe(port)
    expect(pairs(image, 'LABEL')['org.opencontainers.image.licenses']).toBe('Apache-2.0')
  })
})

describe('what is pinned', () => {
  it('has one digest for one tag, in every file', () => {
    const texts = ['../Dockerfile', ...allFiles()].map(textOf).join('\n')
    const pins = [...texts.matchAll(/([\w./-]+:[\w.-]+)@sha256:([\da-f]{64})/g)]
    const digests = new Map(pins.map(([, tag, digest]) => [tag, digest]))
    expect(digests.size).toBe(6)
    for (const [, tag, digest] of pins) expect(digest, tag).toBe(digests.get(tag))
    const renewed = [...textOf('../docs/deployment.md').matchAll(/imagetools inspect (\S+)/g)].map(
      ([, tag]) => tag,
    )
    expect(renewed.sort()).toEqual([...digests.keys()].sort())
  })
})

describe.each(composeFiles)('%s', (name) => {
  it('hardens every service, and pins what is not built by the operator', () => {
    for (const [key, one] of Object.entries(composeOf(name).services)) {
      expect(one, key).toMatchObject({
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
        mem_limit: expect.any(String),
      })
      if (one.build === undefined) expect(one.image, key).toMatch(pinned)
    }
  })

  it('publishes the proxy alone', () => {
    const published = Object.entries(composeOf(name).services).filter(([, { ports }]) => ports.length > 0)
    expect(published.map(([key]) => key)).toEqual(['proxy'])
  })

  it('lets nobody reach a database, a store or an exchange but who has to', () => {
    const { services, networks } = composeOf(name)
    const inner = Object.keys(networks).filter((network) => networks[network]?.internal)
    const neighbours = (key: string) => {
      const shared = service(name, key).networks.filter((network) => network !== 'outbound')
      const others = Object.keys(services).filter(
        (other) => other !== key && services[other]?.networks.some((network) => shared.includes(network)),
      )
      return { outside: shared.filter((network) => !inner.includes(network)), others }
    }
    const exchange = name === 'compose.hapi.yaml' ? 'hapi' : 'exchange'
    expect(neighbours('postgres')).toEqual({
      outside: [],
      others: name === 'compose.hapi.yaml' ? ['hapi'] : ['exchange', 'migrate'],
    })
    expect(neighbours('redis')).toEqual({ outside: [], others: ['mcp'] })
    expect(neighbours(exchange).outside).toEqual([])
    expect(
      neighbours(exchange).others.filter((other) => other !== 'postgres' && other !== 'migrate'),
    ).toEqual([name === 'compose.hapi.yaml' ? 'mcp' : 'proxy'])
  })

  it('runs the image as it is, with room for its heap and time for requests in flight', () => {
    const mcp = service(name, 'mcp')
    expect(mcp).toMatchObject({ build: '..', deploy: { replicas: 2 } })
    expect(Object.keys(mcp)).toEqual(expect.not.arrayContaining(['command', 'entrypoint', 'user', 'ports']))
    expect(mcp.volumes).toEqual([`audit:${stateFolder}`])
    expect(megabytes(mcp.mem_limit)).toBeGreaterThan(heap + 200)
    expect(Number.parseInt(mcp.stop_grace_period ?? '', 10)).toBeGreaterThan(drain)
  })

  it('has the proxy find every instance where it listens, at the address that people use', () => {
    const form = name === 'compose.hapi.yaml' ? 'hapi' : 'jupyterhealth'
    const caddyfile = textOf(`caddy/${form}.Caddyfile`)
    expect(service(name, 'proxy').volumes).toContain(`./caddy/${form}.Caddyfile:/etc/caddy/Caddyfile:ro`)
    expect(caddyfile).toContain(`dynamic a mcp ${port} {`)
    const used = [...caddyfile.matchAll(/\{\$(\w+)\}/g)].map(([, variable = '']) => variable)
    expect(Object.keys(service(name, 'proxy').environment).sort()).toEqual(used.sort())
  })

  it('gives every secret that a variable names', () => {
    const { services, secrets } = composeOf(name)
    for (const [key, one] of Object.entries(services)) {
      const given = one.secrets.map((secret) => (typeof secret === 'string' ? secret : secret.source))
      expect(Object.keys(secrets), key).toEqual(expect.arrayContaining(given))
      const named = Object.entries(one.environment).filter(([variable]) => variable.endsWith('_FILE'))
      for (const [, path] of named) {
        expect(
          given.map((secret) => `/run/secrets/${secret}`),
          key,
        ).toContain(path)
      }
    }
  })
})

describe('the files for Fly', () => {
  const mcp = flySchema.parse(tomlOf('fly/mcp.fly.toml'))
  const exchange = flySchema.parse(tomlOf('fly/exchange.fly.toml'))

  it('send people to the port of the image, and nobody to the exchange', () => {
    expect(String(mcp.http_service?.internal_port)).toBe(port)
    expect(exchange.http_service).toBeUndefined()
    expect(textOf('fly/exchange.fly.toml')).not.toContain('443')
  })

  it('end by the signal of the image, with time for requests in flight', () => {
    expect(mcp.kill_signal).toBe(last(image, 'STOPSIGNAL').text)
    expect(mcp.kill_timeout).toBeGreaterThan(drain)
  })

  it('run the same exchange as compose', () => {
    expect(exchange.build?.image).toBe(service('compose.hapi.yaml', 'hapi').image)
  })
})

describe('the objects for Kubernetes', () => {
  const { template, selector, replicas } = pod
  const [container] = template.spec.containers

  it('run two instances of the image as its user, hardened', () => {
    expect(replicas).toBe(2)
    expect(template.metadata.labels).toEqual(selector.matchLabels)
    expect(template.spec).toMatchObject({ automountServiceAccountToken: false, enableServiceLinks: false })
    expect(template.spec.securityContext).toMatchObject({
      runAsNonRoot: true,
      runAsUser: Number(uid),
      runAsGroup: Number(gid),
      seccompProfile: { type: 'RuntimeDefault' },
    })
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    })
    expect(Object.keys(container)).toEqual(expect.not.arrayContaining(['command', 'args']))
  })

  it('probe where the image listens', () => {
    expect(container.ports).toEqual([{ name: 'http', containerPort: Number(port) }])
    expect(container.livenessProbe).toMatchObject({ httpGet: { path: '/health', port: 'http' } })
    expect(container.readinessProbe).toMatchObject({ httpGet: { path: '/ready', port: 'http' } })
  })

  it('leave room for the heap, and time for requests in flight', () => {
    expect(megabytes(container.resources.limits.memory)).toBeGreaterThan(heap + 200)
    const { seconds } = container.lifecycle.preStop.sleep
    expect(template.spec.terminationGracePeriodSeconds).toBeGreaterThan(drain + seconds)
  })

  it('mount the secrets where the variables look for them', () => {
    const { data } = z
      .object({ data: z.record(z.string(), z.string()) })
      .parse(kubernetesObjects().find(({ kind }) => kind === 'ConfigMap'))
    const mounts = container.volumeMounts.map(({ mountPath }) => mountPath)
    const files = Object.entries(data).filter(([name]) => name.endsWith('_FILE'))
    expect(files.length).toBeGreaterThan(2)
    for (const [, path] of files) expect(mounts).toContain(path.replace(/\/[^/]+$/, ''))
  })
})
