// Cuts the Kubernetes API's JSON Schemas down to the kinds of deploy/kubernetes.yaml and what they reach, without descriptions.
// node scripts/deploy-schemas.mjs FOLDER OUT; where FOLDER is had: test/deploy/schemas/README.md.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const [folder = '', out = ''] = process.argv.slice(2)
const kinds = {
  ConfigMap: 'io.k8s.api.core.v1.ConfigMap',
  Deployment: 'io.k8s.api.apps.v1.Deployment',
  NetworkPolicy: 'io.k8s.api.networking.v1.NetworkPolicy',
  PodDisruptionBudget: 'io.k8s.api.policy.v1.PodDisruptionBudget',
  Service: 'io.k8s.api.core.v1.Service',
}

const { $defs: all } = JSON.parse(readFileSync(join(folder, '_definitions.json'), 'utf8'))
const kept = {}

function keep(name) {
  if (Object.hasOwn(kept, name)) return
  kept[name] = {}
  kept[name] = cut(all[name])
}

function cut(value, within = '') {
  if (Array.isArray(value)) return value.map((entry) => cut(entry))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).flatMap(([key, inner]) => {
    if (key === 'description' && within !== 'properties') return []
    if (key !== '$ref') return [[key, cut(inner, key)]]
    const name = inner.split('/').at(-1)
    keep(name)
    return [[key, `#/definitions/${name}`]]
  })
  return Object.fromEntries(entries)
}

for (const name of Object.values(kinds)) keep(name)
const definitions = Object.fromEntries(Object.entries(kept).sort(([a], [b]) => (a < b ? -1 : 1)))
writeFileSync(out, `${JSON.stringify({ kinds, definitions })}\n`)
