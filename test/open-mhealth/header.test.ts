import { describe, expect, it } from 'vitest'
import type { Observation } from '../../src/fhir/types.ts'
import { decodeObservation } from '../../src/open-mhealth/decode.ts'
import { modalityOf } from '../../src/open-mhealth/header.ts'
import { observationTable } from '../../src/results/observations.ts'
import { ieee, omh, withText } from './observations.ts'

const body = {
  body_weight: { value: 81, unit: 'kg' },
  effective_time_frame: { date_time: '2026-11-19T01:00:00Z' },
}
const created = '2026-11-20T01:13:37.25-08:00'

function decoded(header: unknown, own: Partial<Observation> = {}, code = 'omh:body-weight:3.0', more = {}) {
  return decodeObservation(withText(JSON.stringify({ body: { ...body, ...more }, header }), code, own))
    .observation
}

describe('the header of a data point', () => {
  it('of IEEE 1752.1 says how, by what and when it was made', async () => {
    const header = {
      uuid: '060d864b-b89b-43e2-b9e4-0faaff7b5c31',
      modality: 'self-reported',
      acquisition_provenance: { source_name: 'diary-app' },
      source_creation_date_time: created,
    }
    const { method, device, issued } = decoded(header, {}, 'ieee:body-weight:0.1')
    expect({ method, device, issued }).toEqual({
      method: { coding: [{ system: ieee, code: 'self-reported' }], text: 'self-reported' },
      device: { display: 'diary-app' },
      issued: created,
    })
  })

  it('of Open mHealth says the same in its provenance', async () => {
    const header = {
      id: 'x',
      creation_date_time: '2026-11-21T00:00:00Z',
      acquisition_provenance: {
        source_name: 'RunKeeper',
        modality: 'sensed',
        source_creation_date_time: created,
      },
    }
    const { method, device, issued } = decoded(header)
    expect(method?.coding).toEqual([{ system: omh, code: 'sensed' }])
    expect([device?.display, issued]).toEqual(['RunKeeper', created])
    const { acquisition_provenance: _, ...bare } = header
    expect(decoded(bare)).toMatchObject({ issued: '2026-11-21T00:00:00Z' })
    expect(decoded(bare).device).toBeUndefined()
  })

  it('names a data sheet where there is no other name of a source', async () => {
    const sheets = [{ datasheet_type: 'manufacturer', datasheet_reference: 'iHealth' }]
    expect(decoded({ external_datasheets: sheets }).device).toEqual({ display: 'iHealth' })
    expect(decoded({ external_datasheets: [7, {}] }).device).toBeUndefined()
  })

  it('stands beside the method of the body and of the resource, and changes nothing that the resource says', async () => {
    const header = {
      modality: 'sensed',
      acquisition_provenance: { source_name: 'a' },
      source_creation_date_time: created,
    }
    const both = decoded(header, {}, 'omh:oxygen-saturation:2.0', {
      oxygen_saturation: { value: 97, unit: '%' },
      measurement_method: 'pulse oximetry',
    })
    expect(both.method).toEqual({
      coding: [
        { system: omh, code: 'pulse oximetry' },
        { system: omh, code: 'sensed' },
      ],
      text: 'pulse oximetry, sensed',
    })
    const own = { device: { reference: 'Device/1' }, issued: '2026-01-01T00:00:00Z' }
    expect(decoded(header, own)).toMatchObject(own)
  })

  it.each<[string, unknown]>([
    ['no header', undefined],
    ['a header that is none', 'sensed'],
    [
      'words of another kind',
      { modality: 7, acquisition_provenance: ['a'], source_creation_date_time: null },
    ],
    ['blank words', { modality: ' ', acquisition_provenance: { source_name: '' } }],
    ['a time without its offset', { source_creation_date_time: '2026-11-20T01:13:37' }],
    ['a time that is none', { source_creation_date_time: '2026-13-20T01:13:37Z' }],
  ])('with %s adds nothing', async (_, header) => {
    const { method, device, issued } = decoded(header)
    expect([method, device, issued]).toEqual([undefined, undefined, undefined])
  })

  it('of a type that nobody described is read as well', async () => {
    const observation = decoded({ modality: 'self-reported' }, {}, 'omh:mood:1.0')
    expect(modalityOf(observation)).toBe('self-reported')
  })
})

describe('a row of Open mHealth', () => {
  const view = { timeZone: 'UTC', baseUrl: 'http://x', related: new Map() }
  const rowOf = async (header: unknown, format: 'fhir' | 'fhir_full' | 'table') => {
    const table = await observationTable([decoded(header)], { ...view, format })
    return { row: table.rows[0], columns: table.columns }
  }
  const header = {
    modality: 'self-reported',
    acquisition_provenance: { source_name: 'diary-app' },
    source_creation_date_time: created,
  }

  it.each(['fhir', 'fhir_full'] as const)('has its header in format %s', async (format) => {
    expect((await rowOf(header, format)).row?.resource).toMatchObject({
      method: { text: 'self-reported' },
      device: { display: 'diary-app' },
      issued: created,
    })
  })

  it('says in every format that a person reported it, and not that a device sensed it', async () => {
    expect((await rowOf(header, 'fhir')).row?.line).toContain('81 kg; self-reported')
    const { row, columns } = await rowOf(header, 'table')
    expect(row?.cells[columns.indexOf('text')]).toBe('81 kg; self-reported')
    expect(columns).not.toContain('issued')
    expect((await rowOf({ ...header, modality: 'sensed' }, 'fhir')).row?.line).not.toContain('sensed')
  })
})
